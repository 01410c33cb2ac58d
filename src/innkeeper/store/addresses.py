"""Addresses that are taken. The unique key of the table is what no race can overrun.

Whoever takes several in one transaction takes them in the order of their text: two that did it crosswise would wait for
each other. Subnets may be one inside another: an address is looked at in every subnet that it lies in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.model import addresses as decide
from innkeeper.model.network import IpRange, LinkMode, Subnet
from innkeeper.store import ip_ranges, subnets
from innkeeper.store.account_tables import user_account
from innkeeper.store.database import NOW, Write
from innkeeper.store.network_tables import address, host_interface, link
from innkeeper.store.tables import domain, host, interface, machine

c = address.c
_MOST_TRIES = 100  # others take addresses while we do
_VALUES = {"created": NOW}
_INSERT = {
    True: sqlite.insert(address).values(_VALUES).on_conflict_do_nothing(index_elements=["ip"]).returning(c.id),
    False: postgresql.insert(address).values(_VALUES).on_conflict_do_nothing(index_elements=["ip"]).returning(c.id),
}
_SUBNETS: sa.BindParameter[list[int]] = sa.bindparam("subnets", expanding=True)
_VLANS: sa.BindParameter[list[int]] = sa.bindparam("vlans", expanding=True)
_TAKEN = sa.select(c.ip).where(c.subnet_id.in_(_SUBNETS))
_LEARNT = sa.select(link.c.ip).where(link.c.subnet_id.in_(_SUBNETS), link.c.ip != "")
_OF_HOSTS = sa.select(host_interface.c.addresses_json).where(host_interface.c.vlan_id.in_(_VLANS))


@dataclass(frozen=True, kw_only=True)
class Address:
    """A taken address, with whose it is: of a NIC (`link_id`, `mode`, the machine's names) or of a user. `owner_id`:
    that user, or the owner of the machine. `id` 0: nobody took it; it was seen there."""

    id: int
    ip: str
    subnet_id: int
    created: float
    hostname: str = ""
    mac: str = ""
    link_id: int | None = None
    user_id: int | None = None
    username: str = ""
    mode: LinkMode | None = None
    system_id: str = ""
    machine: str = ""
    interface: str = ""
    domain: str = ""
    owner_id: int | None = None

    @property
    def holder(self) -> str:
        """Whose it is, in words."""
        if self.system_id:
            return f"{self.interface} of machine {self.machine}"
        return f"{self.username or 'a user'}, who reserved it" + (f" for {self.hostname}" if self.hostname else "")


WHOSE = (  # whose a link's NIC is
    interface.c.name.label("interface"),
    machine.c.system_id,
    machine.c.hostname.label("machine"),
    machine.c.owner_id,
    domain.c.name.label("domain"),
)
_ALL = (
    sa.select(address, user_account.c.username, link.c.mode, *WHOSE)
    .select_from(address)
    .outerjoin(user_account, user_account.c.id == c.user_id)
    .outerjoin(link, link.c.id == c.link_id)
    .outerjoin(interface, interface.c.id == link.c.interface_id)
    .outerjoin(machine, machine.c.system_id == interface.c.system_id)
    .outerjoin(domain, domain.c.id == machine.c.domain_id)
    .order_by(c.id)
)
_BY_IP = _ALL.where(c.ip == sa.bindparam("ip"))


def listing(
    sql: sa.Connection,
    *,
    around: Collection[Subnet] | None = None,
    user_id: int | None = None,
    reserved: bool = False,
) -> list[Address]:
    """Taken addresses, by id: of subnets, of a user; `reserved`: only those that users hold."""
    query = _ALL
    if around is not None:
        query = query.where(c.subnet_id.in_([one.id for one in around]))
    if user_id is not None:
        query = query.where(c.user_id == user_id)
    if reserved:
        query = query.where(c.link_id.is_(None))
    return [_from_row(row) for row in sql.execute(query)]


def find(sql: sa.Connection, ip: str) -> Address:
    """A taken address; NotFound."""
    row = sql.execute(_BY_IP, {"ip": ip}).first()
    if row is None:
        raise NotFound("No StaticIPAddress matches the given query.", details=f"{ip} is not taken.")
    return _from_row(row)


def take(
    write: Write,
    *,
    ip: str,
    subnet_id: int,
    link_id: int | None = None,
    user_id: int | None = None,
    hostname: str = "",
    mac: str = "",
    field: str = "ip_address",
) -> str:
    """Take that address (normal form) for a link or a user; returns it. Conflict naming who has it, Invalid (naming the
    field) when no guest can have it or DHCP gives it."""
    subnets.hold_addresses(write, alone=False)
    _look(write.sql, ip=ip, subnet_id=subnet_id, link_id=link_id, field=field)
    if not _insert(write, ip, subnet_id, link_id=link_id, user_id=user_id, hostname=hostname, mac=mac):
        raise Conflict(f"The address {ip} is taken by {find(write.sql, ip).holder}.")
    return ip


def check(sql: sa.Connection, *, ip: str, subnet_id: int, field: str = "ip_address") -> None:
    """Refuse an address that cannot be had as things stand, in the words of `take`."""
    _look(sql, ip=ip, subnet_id=subnet_id, link_id=None, field=field)
    if row := sql.execute(_BY_IP, {"ip": ip}).first():
        raise Conflict(f"The address {ip} is taken by {_from_row(row).holder}.")


def take_free(
    write: Write,
    *,
    subnet_id: int,
    link_id: int | None = None,
    user_id: int | None = None,
    hostname: str = "",
    mac: str = "",
) -> str:
    """Take the lowest free address of a subnet and return it. Conflict when there is none."""
    subnets.hold_addresses(write, alone=False)
    subnet = subnets.find(write.sql, subnet_id)
    around = subnets.overlapping(write.sql, subnet)
    ranges = ip_ranges.within(write.sql, around)
    missed: list[str] = []
    while len(missed) < _MOST_TRIES:
        spans = decide.free(subnet, ranges, [*in_use(write.sql, subnet, around), *missed])
        if not spans:
            break
        ip = decide.text(spans[0].first, subnet.cidr)
        if _insert(write, ip, subnet_id, link_id=link_id, user_id=user_id, hostname=hostname, mac=mac):
            return ip
        missed.append(ip)
    ours = "" if subnet.managed else " Others manage this subnet: only addresses of its reserved ranges are given."
    raise Conflict(f"The subnet {subnet.cidr} has no free address.", details=ours.strip())


def release(write: Write, *, ip: str) -> None:
    """Give an address back."""
    write.sql.execute(sa.delete(address).where(c.ip == ip))


def release_links(write: Write, link_ids: list[int]) -> None:
    """Give back the addresses of links. Deleting a link, a NIC or a machine does the same."""
    write.sql.execute(sa.delete(address).where(c.link_id.in_(link_ids)))


def in_use(sql: sa.Connection, subnet: Subnet, around: Collection[Subnet]) -> list[str]:
    """The addresses of a subnet that somebody has: taken ones, those seen on machines, hosts' own, and the gateways and
    DNS servers of the other subnets that it overlaps. `around`: those and itself."""
    which = {"subnets": [one.id for one in around]}
    found = [*sql.scalars(_TAKEN, which), *sql.scalars(_LEARNT, which)]
    for told in sql.scalars(_OF_HOSTS, {"vlans": list({one.vlan_id for one in around})}):
        found += [each.partition("/")[0] for each in msgspec.json.decode(told)]
    for one in around:
        if one.id != subnet.id:
            found += [*one.dns_servers, *((one.gateway_ip,) if one.gateway_ip else ())]
    return list(decide.within(subnet.cidr, found))


def _insert(write: Write, ip: str, subnet_id: int, **values: Any) -> bool:
    """Whether it was free. On PostgreSQL this waits for whoever is just taking it."""
    row = {"ip": ip, "subnet_id": subnet_id, **values}
    return write.sql.scalar(_INSERT[write.is_sqlite], row) is not None


def _look(sql: sa.Connection, *, ip: str, subnet_id: int, link_id: int | None, field: str) -> None:
    """Refuse an address that nobody can take, or that a host or a machine uses."""
    subnet = subnets.find(sql, subnet_id)
    around = subnets.overlapping(sql, subnet)
    _possible(subnet, ip_ranges.within(sql, around), ip, field)
    if of_host := _host_with(sql, around, ip):
        raise Conflict(f"The address {ip} is taken: {of_host} has it.")
    if seen := _seen_on(sql, ip, link_id):
        raise Conflict(f"The address {ip} is taken: {seen} uses it.", resolution="Its lease must end first.")


def _possible(subnet: Subnet, ranges: Iterable[IpRange], ip: str, field: str) -> None:
    whole = decide.usable(subnet.cidr)
    problem = ""
    if not decide.holds(subnet.cidr, ip):
        problem = f"{ip} is not in the subnet {subnet.cidr}"
    elif not whole.first <= decide.number(ip) <= whole.last:
        problem = f"{ip} stands for the whole subnet {subnet.cidr}; no machine can have it"
    for one in ranges:
        if one.kind == decide.DYNAMIC and decide.inside(one, ip):
            problem = f"{ip} is in the dynamic range {one.start} to {one.end}, which DHCP gives"
    if problem:
        raise Invalid(f"Invalid address: {problem}.", fields={field: [problem]})


def _host_with(sql: sa.Connection, around: Collection[Subnet], ip: str) -> str:
    query = sa.select(host.c.name, host_interface.c.name.label("interface"), host_interface.c.addresses_json)
    on = host_interface.c.vlan_id.in_({one.vlan_id for one in around})
    for row in sql.execute(query.join(host).where(on)):
        if any(each.partition("/")[0] == ip for each in msgspec.json.decode(row.addresses_json)):
            return f"{row.interface} of VM host {row.name}"
    return ""


def _seen_on(sql: sa.Connection, ip: str, link_id: int | None) -> str:
    """The machine that was seen to use an address, other than the one of the link."""
    nic = sa.select(link.c.interface_id).where(link.c.id == link_id).scalar_subquery()
    query = sa.select(interface.c.name, machine.c.hostname).select_from(link)
    query = query.join(interface, interface.c.id == link.c.interface_id)
    query = query.join(machine, machine.c.system_id == interface.c.system_id)
    query = query.where(link.c.ip == ip, link.c.learnt)
    if link_id is not None:
        query = query.where(interface.c.id != nic)
    row = sql.execute(query.limit(1)).first()
    return f"{row.name} of machine {row.hostname}" if row else ""


def _from_row(row: Any) -> Address:
    return Address(
        id=row.id,
        ip=row.ip,
        subnet_id=row.subnet_id,
        created=row.created,
        hostname=row.hostname,
        mac=row.mac,
        link_id=row.link_id,
        user_id=row.user_id,
        username=row.username or "",
        mode=LinkMode(row.mode) if row.mode else None,
        system_id=row.system_id or "",
        machine=row.machine or "",
        interface=row.interface or "",
        domain=row.domain or "",
        owner_id=row.user_id if row.link_id is None else row.owner_id,
    )
