"""All networks that are known, read at once: what names in a request are looked up in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from innkeeper.model.machine import Machine
from innkeeper.model.network_names import Networks
from innkeeper.store import fabrics, spaces, subnets, vlans


def known(sql: sa.Connection) -> Networks:
    """Fabrics, VLANs, spaces and subnets. Four queries."""
    return Networks(
        fabrics=tuple(fabrics.listing(sql)),
        vlans=tuple(vlans.listing(sql)),
        spaces=tuple(spaces.listing(sql)),
        subnets=tuple(subnets.listing(sql)),
    )


def around(sql: sa.Connection, machines: Sequence[Machine], *, vlan_ids: Collection[int]) -> Networks:
    """Of all networks those that machines hang on, and those on these VLANs. Five queries."""
    nics = [nic for one in machines for nic in one.interfaces]
    linked = subnets.of(sql, {link.subnet_id for nic in nics for link in nic.links if link.subnet_id is not None})
    wanted = {*vlan_ids, *(nic.vlan_id for nic in nics if nic.vlan_id is not None)}
    there = {one.id: one for one in subnets.on(sql, wanted)} | linked
    found = vlans.of(sql, wanted | {one.vlan_id for one in there.values()})
    return Networks(
        fabrics=tuple(fabrics.of(sql, {one.fabric_id for one in found.values()}).values()),
        vlans=tuple(found.values()),
        spaces=tuple(spaces.of(sql, {one.space_id for one in found.values() if one.space_id is not None}).values()),
        subnets=tuple(there.values()),
    )
