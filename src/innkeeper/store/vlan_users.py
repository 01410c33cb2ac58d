"""Who is on VLANs: interfaces of hosts, and machines by their NICs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import msgspec
import sqlalchemy as sa

from innkeeper.model.machine import Origin
from innkeeper.store.network_tables import host_interface
from innkeeper.store.tables import host, interface, machine

_HOSTS = (
    sa.select(
        host_interface.c.vlan_id,
        host_interface.c.id,
        host_interface.c.name,
        host_interface.c.kind,
        host_interface.c.addresses_json,
        host.c.id.label("host_id"),
        host.c.name.label("host"),
    )
    .join(host, host.c.id == host_interface.c.host_id)
    .order_by(host.c.name, host_interface.c.name)
)
_REAL = machine.c.origin.in_((Origin.COMPOSED, Origin.ADOPTED))


@dataclass(frozen=True, kw_only=True)
class HostOn:
    """An interface of a host that is on a VLAN. `addresses`: "10.0.0.1/24"."""

    host_id: int
    host: str
    interface: str
    kind: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MachineOn:
    """A machine with a NIC on a VLAN."""

    system_id: str
    hostname: str
    interface: str
    mac: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many hosts and machines are on a VLAN."""

    hosts: int = 0
    machines: int = 0


def counted(sql: sa.Connection) -> dict[int, Count]:
    """By the VLAN's id. Two queries."""
    found: dict[int, Count] = defaultdict(Count)
    of_hosts = sa.select(host_interface.c.vlan_id, sa.func.count(host_interface.c.host_id.distinct()))
    for id, number in sql.execute(of_hosts.group_by(host_interface.c.vlan_id)):
        found[id] = replace(found[id], hosts=number)
    of_machines = sa.select(interface.c.vlan_id, sa.func.count(machine.c.id.distinct()))
    of_machines = of_machines.join(machine, machine.c.system_id == interface.c.system_id).where(_REAL)
    for id, number in sql.execute(of_machines.group_by(interface.c.vlan_id)):
        found[id] = replace(found[id], machines=number)
    return dict(found)


def hosts_on(sql: sa.Connection, vlan_id: int) -> list[HostOn]:
    """The interfaces of hosts on a VLAN, by the host's name."""
    return [
        HostOn(
            host_id=row.host_id,
            host=row.host,
            interface=row.name,
            kind=row.kind,
            addresses=tuple(msgspec.json.decode(row.addresses_json)),
        )
        for row in sql.execute(_HOSTS.where(host_interface.c.vlan_id == vlan_id))
    ]


def machines_on(
    sql: sa.Connection, vlan_id: int, *, limit: int, seen_by: int | None = None
) -> tuple[list[MachineOn], int]:
    """The first machines with a NIC on a VLAN by name, and how many NICs there are in all. `seen_by`: a user's id, only
    theirs and unowned ones. Two queries."""
    there = sa.and_(interface.c.vlan_id == vlan_id, _REAL)
    if seen_by is not None:
        there = sa.and_(there, sa.or_(machine.c.owner_id.is_(None), machine.c.owner_id == seen_by))
    columns = (machine.c.system_id, machine.c.hostname, interface.c.name.label("interface"), interface.c.mac)
    joined = sa.join(interface, machine, machine.c.system_id == interface.c.system_id)
    query = sa.select(*columns).select_from(joined).where(there)
    rows = sql.execute(query.order_by(machine.c.hostname, interface.c.name).limit(limit))
    total = sql.scalar(sa.select(sa.func.count()).select_from(joined).where(there))
    return [MachineOn(**row._mapping) for row in rows], int(total or 0)
