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
from innkeeper.store import fabrics, spaces, subnets, vlans
from innkeeper.store.database import Write
from innkeeper.store.network_tables import host_interface

c = host_interface.c
_HOSTS: sa.BindParameter[list[int]] = sa.bindparam("hosts", expanding=True)
_ALL = sa.select(host_interface).order_by(c.host_id, c.id)
_OF = _ALL.where(c.host_id.in_(_HOSTS))
_INSERT = sa.insert(host_interface).returning(c.id)


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


def networks(sql: sa.Connection, host_ids: Collection[int] | None) -> dict[int, tuple[HostNetwork, ...]]:
    """What the interfaces of hosts are as networks, by host; None: of all hosts. Five queries for any number."""
    query, which = (_ALL, {}) if host_ids is None else (_OF, {"hosts": list(host_ids)})
    rows = sql.execute(query, which).all()
    there = _vlans(sql, {row.vlan_id for row in rows if row.vlan_id is not None})
    found: dict[int, list[HostNetwork]] = defaultdict(list)
    for row in rows:
        vlan, fabric, space, on = there.get(row.vlan_id, _NOWHERE)
        found[row.host_id].append(
            HostNetwork(
                id=row.id,
                host_id=row.host_id,
                name=row.name,
                vlan=vlan,
                fabric=fabric,
                space=space,
                subnets=on,
                tags=_tags(row),
            )
        )
    return {host_id: tuple(each) for host_id, each in found.items()}


_Where = tuple[Vlan | None, Fabric | None, Space | None, tuple[Subnet, ...]]
_NOWHERE: _Where = (None, None, None, ())


def _vlans(sql: sa.Connection, ids: Collection[int]) -> dict[int | None, _Where]:
    """VLANs with what they are in and what is on them."""
    on: dict[int, list[Subnet]] = defaultdict(list)
    for subnet in subnets.on(sql, ids):
        on[subnet.vlan_id].append(subnet)
    found = vlans.of(sql, ids)
    in_fabrics = fabrics.of(sql, {one.fabric_id for one in found.values()})
    in_spaces = spaces.of(sql, {one.space_id for one in found.values() if one.space_id is not None})
    return {
        one.id: (one, in_fabrics[one.fabric_id], in_spaces.get(one.space_id or 0), tuple(on[one.id]))
        for one in found.values()
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
        addresses=tuple(msgspec.json.decode(row.addresses_json)),
        dhcp=row.dhcp,
        tags=_tags(row),
    )


def _tags(row: Any) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(row.tags_json)) if row.tags_json != "[]" else ()
