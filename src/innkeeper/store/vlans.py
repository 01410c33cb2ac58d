"""VLANs. The untagged one of a fabric lives as long as its fabric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.network import UNTAGGED, Vlan
from innkeeper.store import hosts
from innkeeper.store.database import Write
from innkeeper.store.few import READ, few, first
from innkeeper.store.network_tables import host_interface, subnet, vlan
from innkeeper.store.tables import host, interface, machine

_IDS: sa.BindParameter[list[int]] = sa.bindparam("ids", expanding=True)
_COLUMNS = (
    vlan.c.id,
    vlan.c.fabric_id,
    vlan.c.vid,
    vlan.c.name,
    vlan.c.description,
    vlan.c.mtu,
    vlan.c.dhcp_on,
    vlan.c.space_id,
)
_SELECT = sa.select(*_COLUMNS)
_ALL = _SELECT.order_by(vlan.c.id)
_OF = _ALL.where(vlan.c.id.in_(_IDS))
_SPOT = _SELECT.where(vlan.c.fabric_id == sa.bindparam("fabric_id"), vlan.c.vid == sa.bindparam("vid"))
_INSERT = sa.insert(vlan).returning(vlan.c.id)


def listing(sql: sa.Connection) -> list[Vlan]:
    """All VLANs, by id."""
    return [_from_row(row) for row in sql.execute(_ALL)]


def of(sql: sa.Connection, ids: Collection[int]) -> dict[int, Vlan]:
    """VLANs by id."""
    return {row[0]: _from_row(row) for row in sql.execute(_OF, {"ids": list(ids)})}


def in_fabric(sql: sa.Connection, fabric_id: int) -> list[Vlan]:
    """The VLANs of a fabric, by their vid."""
    rows = sql.execute(_SELECT.where(vlan.c.fabric_id == fabric_id).order_by(vlan.c.vid))
    return [_from_row(row) for row in rows]


def find(sql: sa.Connection, id: int) -> Vlan:
    """One VLAN; NotFound."""
    row = sql.execute(_SELECT.where(vlan.c.id == id)).first()
    if row is None:
        raise NotFound("No VLAN matches the given query.")
    return _from_row(row)


def at(sql: sa.Connection, *, fabric_id: int, vid: int) -> Vlan | None:
    """The VLAN of a fabric with that vid."""
    row = sql.execute(_SPOT, {"fabric_id": fabric_id, "vid": vid}).first()
    return _from_row(row) if row else None


def create(
    write: Write,
    *,
    fabric_id: int,
    vid: int,
    name: str = "",
    description: str = "",
    mtu: int = 1500,
    dhcp_on: bool = False,
    space_id: int | None = None,
) -> Vlan:
    """Make a VLAN; without a name it is "untagged", or called after its vid. Conflict when the fabric has it."""
    _free(write, fabric_id, vid)
    values = {
        "fabric_id": fabric_id,
        "vid": vid,
        "name": name or (f"vlan-{vid}" if vid else "untagged"),
        "description": description,
        "mtu": mtu,
        "dhcp_on": dhcp_on,
        "space_id": space_id,
    }
    return find(write.sql, int(write.sql.scalar(_INSERT, values) or 0))


def update(write: Write, *, id: int, **values: Any) -> Vlan:
    """Change columns; Conflict when its fabric has the new vid already, or loses its untagged VLAN, or when somebody
    tags frames with the old vid."""
    old = find(write.sql, id)
    spot = (values.get("fabric_id", old.fabric_id), values.get("vid", old.vid))
    if spot != (old.fabric_id, old.vid):
        if old.vid == UNTAGGED:
            raise Conflict("The untagged VLAN of a fabric stays what it is.", resolution="Make another VLAN instead.")
        _free(write, *spot)
    if spot[1] != old.vid and (tagging := _tagging(write.sql, old)):
        raise Conflict(
            f"The VLAN {old.name} stays vid {old.vid}: that is the tag of {', '.join(tagging[:5])}.",
            resolution="Make another VLAN for the other tag; what tags is moved on its host first.",
        )
    if values:
        write.sql.execute(sa.update(vlan).where(vlan.c.id == id).values(values))
    return find(write.sql, id)


def delete(write: Write, *, id: int) -> None:
    """Delete a VLAN that nothing is on; Conflict naming what is otherwise."""
    old = find(write.sql, id)
    if old.vid == UNTAGGED:
        raise Conflict("The untagged VLAN goes with its fabric.", resolution="Delete the fabric instead.")
    if found := users(write.sql, id):
        raise Conflict(f"The VLAN {old.name} is in use: on it there is {found}.", resolution="Move that away first.")
    write.sql.execute(sa.delete(vlan).where(vlan.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """What is on a VLAN, in words: subnets, interfaces of hosts and of machines. "" nothing."""
    subnets = sql.scalars(sa.select(subnet.c.cidr).where(subnet.c.vlan_id == id).order_by(subnet.c.id).limit(READ))
    found = few(subnets.all(), "subnet")
    uplinks = sa.select(host.c.name, host_interface.c.name.label("interface")).join(host_interface)
    rows = sql.execute(uplinks.where(host_interface.c.vlan_id == id).order_by(host_interface.c.id).limit(READ))
    found += first([f"{row.interface} of VM host {row.name}" for row in rows], "interfaces of VM hosts")
    nics = sa.select(machine.c.hostname, interface.c.name).join(machine, machine.c.system_id == interface.c.system_id)
    rows = sql.execute(nics.where(interface.c.vlan_id == id).order_by(interface.c.id).limit(READ))
    found += first([f"{row.name} of machine {row.hostname}" for row in rows], "interfaces of machines")
    return ", ".join(found)


def _tagging(sql: sa.Connection, one: Vlan) -> list[str]:
    """Who tags frames with the vid of a VLAN, in words: hosts' own interfaces, and NICs that were composed with it."""
    if one.vid == UNTAGGED:
        return []
    query = sa.select(host.c.id, host.c.name, host_interface.c.name.label("interface")).join(host_interface)
    on: dict[int, list[Any]] = defaultdict(list)
    for row in sql.execute(query.where(host_interface.c.vlan_id == one.id).order_by(host_interface.c.id)):
        on[row.id].append(row)
    found = []
    for host_id, rows in on.items():
        tags = {each.name: each.vlan_id for each in hosts.inventory(sql, host_id).interfaces}
        found += [f"{row.interface} of VM host {row.name}" for row in rows if tags.get(row.interface) == one.vid]
    nics = sa.select(machine.c.hostname, interface.c.name).join(machine, machine.c.system_id == interface.c.system_id)
    nics = nics.where(interface.c.vlan_id == one.id, interface.c.vlan == one.vid).order_by(interface.c.id)
    return found + [f"{row.name} of machine {row.hostname}" for row in sql.execute(nics.limit(5))]


def _free(write: Write, fabric_id: int, vid: int) -> None:
    there = at(write.sql, fabric_id=fabric_id, vid=vid)
    if there is not None:
        raise Conflict(f"There is a VLAN with vid {vid} in that fabric already: {there.name} (id {there.id}).")


def _from_row(row: Any) -> Vlan:
    """By position: every compose reads all of them, and reading by name costs ten times more."""
    id, fabric_id, vid, name, description, mtu, dhcp_on, space_id = row
    return Vlan(
        id=id,
        fabric_id=fabric_id,
        vid=vid,
        name=name,
        description=description,
        mtu=mtu,
        dhcp_on=dhcp_on,
        space_id=space_id,
    )
