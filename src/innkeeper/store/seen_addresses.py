"""Who has which address of a subnet: what was taken, and what was seen in use by machines and hosts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.model import addresses as decide
from innkeeper.model.network import LinkMode, Subnet
from innkeeper.store import addresses
from innkeeper.store.addresses import WHOSE, Address
from innkeeper.store.network_tables import host_interface, link
from innkeeper.store.tables import domain, host, interface, machine

_LEARNT = (
    sa.select(link.c.id, link.c.ip, *WHOSE)
    .select_from(link)
    .join(interface, interface.c.id == link.c.interface_id)
    .join(machine, machine.c.system_id == interface.c.system_id)
    .join(domain, domain.c.id == machine.c.domain_id)
    .where(link.c.subnet_id.in_(sa.bindparam("subnets", expanding=True)), link.c.learnt, link.c.ip != "")
    .order_by(link.c.id)
)
_OF_HOSTS = (
    sa.select(host_interface.c.addresses_json, host_interface.c.name.label("interface"), *WHOSE[1:])
    .select_from(host_interface)
    .join(host, host.c.id == host_interface.c.host_id)
    .outerjoin(machine, machine.c.system_id == host.c.system_id)
    .outerjoin(domain, domain.c.id == machine.c.domain_id)
    .where(host_interface.c.vlan_id.in_(sa.bindparam("vlans", expanding=True)))
    .order_by(host_interface.c.id)
)


def of_subnet(sql: sa.Connection, subnet: Subnet, around: Collection[Subnet]) -> list[Address]:
    """By address. Those that were only seen have the id 0. `around`: the subnets that it overlaps, and itself: what is
    taken there is taken here. Three queries."""
    taken = addresses.listing(sql, around=around)
    found = {one.ip: one for one in taken if decide.holds(subnet.cidr, one.ip)}
    learnt = sql.execute(_LEARNT, {"subnets": [one.id for one in around]})
    for row in learnt:
        if decide.holds(subnet.cidr, row.ip):
            found.setdefault(row.ip, _seen(row, row.ip, subnet, LinkMode.DHCP))
    of_hosts = sql.execute(_OF_HOSTS, {"vlans": list({one.vlan_id for one in around})})
    for told in of_hosts:
        for ip in (each.partition("/")[0] for each in msgspec.json.decode(told.addresses_json)):
            if decide.holds(subnet.cidr, ip):
                found.setdefault(ip, _seen(told, ip, subnet, LinkMode.STATIC))
    return sorted(found.values(), key=lambda one: decide.number(one.ip))


def _seen(row: Any, ip: str, subnet: Subnet, mode: LinkMode) -> Address:
    return Address(
        id=0,
        ip=ip,
        subnet_id=subnet.id,
        created=0.0,
        mode=mode,
        interface=row.interface,
        owner_id=row.owner_id,
        system_id=row.system_id or "",
        machine=row.machine or "",
        domain=row.domain or "",
    )
