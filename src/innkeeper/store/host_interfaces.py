"""The interfaces of hosts as networks: their ids, and the VLANs they are on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.model.host import HostInterface
from innkeeper.model.network import Fabric, HostLink, HostNetwork, Space, Subnet, Vlan
from innkeeper.model.network_names import Networks
from innkeeper.store import networks as all_networks
from innkeeper.store.database import Write
from innkeeper.store.network_tables import host_interface

c = host_interface.c
_HOSTS: sa.BindParameter[list[int]] = sa.bindparam("hosts", expanding=True)
_ALL = sa.select(host_interface).order_by(c.host_id, c.id)
_OF = _ALL.where(c.host_id.in_(_HOSTS))
_NETWORKS = sa.select(c.id, c.host_id, c.name, c.vlan_id, c.tags_json).order_by(c.host_id, c.id)
_NETWORKS_OF = _NETWORKS.where(c.host_id.in_(_HOSTS))
_INSERT = sa.insert(host_interface).returning(c.id)
# Made here, once: msgspec's first look at a type is not safe among threads.
_TEXTS = msgspec.json.Decoder(tuple[str, ...])


def of_hosts(sql: sa.Connection, host_ids: Collection[int] | None) -> dict[int, list[HostLink]]:
    """The interfaces of hosts, by host; None: of all hosts. One query."""
    query, which = (_ALL, {}) if host_ids is None else (_OF, {"hosts": list(host_ids)})
    found: dict[int, list[HostLink]] = defaultdict(list)
    for row in sql.execute(query, which):
        found[row.host_id].append(_from_row(row))
    return found


def of_host(sql: sa.Connection, host_id: int) -> dict[str, HostLink]:
    """The interfaces of a host, by name."""
    return {row.name: _from_row(row) for row in sql.execute(_OF, {"hosts": [host_id]})}


def find(sql: sa.Connection, id: int) -> HostLink:
    """One interface of a host; NotFound."""
    row = sql.execute(sa.select(host_interface).where(c.id == id)).first()
    if row is None:
        raise NotFound("No Interface matches the given query.")
    return _from_row(row)


def networks(
    sql: sa.Connection, host_ids: Collection[int] | None, *, known: Networks | None = None
) -> dict[int, tuple[HostNetwork, ...]]:
    """What the interfaces of hosts are as networks, by host; None: of all hosts. `known`: all networks, when they were
    read already. One query; four more to know them."""
    query, which = (_NETWORKS, {}) if host_ids is None else (_NETWORKS_OF, {"hosts": list(host_ids)})
    there = _wheres(known or all_networks.known(sql))
    found: dict[int, list[HostNetwork]] = defaultdict(list)
    for id, host_id, name, vlan_id, tags in sql.execute(query, which):  # by position: a fleet has thousands
        vlan, fabric, space, on = there.get(vlan_id, _NOWHERE)
        found[host_id].append(
            HostNetwork(
                id=id,
                host_id=host_id,
                name=name,
                vlan=vlan,
                fabric=fabric,
                space=space,
                subnets=on,
                tags=_TEXTS.decode(tags) if tags != "[]" else (),
            )
        )
    return {host_id: tuple(each) for host_id, each in found.items()}


_Where = tuple[Vlan | None, Fabric | None, Space | None, tuple[Subnet, ...]]
_NOWHERE: _Where = (None, None, None, ())


def _wheres(known: Networks) -> dict[int | None, _Where]:
    """VLANs with what they are in and what is on them."""
    on: dict[int, list[Subnet]] = defaultdict(list)
    for subnet in known.subnets:
        on[subnet.vlan_id].append(subnet)
    fabrics = {one.id: one for one in known.fabrics}
    spaces = {one.id: one for one in known.spaces}
    return {
        one.id: (one, fabrics[one.fabric_id], spaces.get(one.space_id or 0), tuple(on[one.id])) for one in known.vlans
    }


def insert(write: Write, *, host_id: int, told: HostInterface, vlan_id: int | None) -> int:
    """Note an interface of a host. Returns its id, which it keeps while the host has it."""
    return int(write.sql.scalar(_INSERT, {"host_id": host_id, "vlan_id": vlan_id, **_values(told)}) or 0)


def update(write: Write, before: HostLink, *, told: HostInterface, vlan_id: int | None) -> None:
    """What an interface is now; nothing is written when it is as it was."""
    if before != replace(before, vlan_id=vlan_id, **_facts(told)):
        values = {"vlan_id": vlan_id, **_values(told)}
        write.sql.execute(sa.update(host_interface).where(c.id == before.id).values(values))


def set_vlan(write: Write, id: int, vlan_id: int | None) -> None:
    """What an administrator says about where an interface is."""
    write.sql.execute(sa.update(host_interface).where(c.id == id).values(vlan_id=vlan_id))


def set_tags(write: Write, id: int, tags: Collection[str]) -> None:
    """The tags of an interface, which `interfaces=` can ask for."""
    text = msgspec.json.encode(list(tags)).decode()
    write.sql.execute(sa.update(host_interface).where(c.id == id).values(tags_json=text))


def delete(write: Write, ids: Collection[int]) -> None:
    """Forget interfaces that are gone."""
    write.sql.execute(sa.delete(host_interface).where(c.id.in_(ids)))


def on(sql: sa.Connection, vlan_id: int) -> list[HostLink]:
    """The interfaces of hosts that are on a VLAN."""
    return [_from_row(row) for row in sql.execute(_ALL.where(c.vlan_id == vlan_id))]


def _facts(told: HostInterface) -> dict[str, Any]:
    return {"kind": told.kind, "mac": told.mac, "addresses": told.addresses, "dhcp": told.dhcp}


def _values(told: HostInterface) -> dict[str, Any]:
    facts = _facts(told)
    text = msgspec.json.encode(facts.pop("addresses")).decode()
    return {"name": told.name, "addresses_json": text, **facts}


def _from_row(row: Any) -> HostLink:
    return HostLink(
        id=row.id,
        host_id=row.host_id,
        name=row.name,
        vlan_id=row.vlan_id,
        kind=row.kind,
        mac=row.mac,
        addresses=_TEXTS.decode(row.addresses_json),
        dhcp=row.dhcp,
        tags=_TEXTS.decode(row.tags_json),
    )
