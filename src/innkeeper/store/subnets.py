"""Subnets. A CIDR is unique in the installation, and tells hosts' interfaces which VLAN they are on."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model import addresses as decide
from innkeeper.model.network import Subnet
from innkeeper.store.database import ADDRESSES_LOCK, Write
from innkeeper.store.few import READ, first
from innkeeper.store.network_tables import address, host_interface, ip_range, link, static_route, subnet
from innkeeper.store.tables import host, interface, machine

_IDS: sa.BindParameter[list[int]] = sa.bindparam("ids", expanding=True)
_CIDRS: sa.BindParameter[list[str]] = sa.bindparam("cidrs", expanding=True)
_COLUMNS = (
    subnet.c.id,
    subnet.c.name,
    subnet.c.cidr,
    subnet.c.vlan_id,
    subnet.c.description,
    subnet.c.gateway_ip,
    subnet.c.dns_json,
    subnet.c.managed,
    subnet.c.allow_dns,
    subnet.c.allow_proxy,
    subnet.c.active_discovery,
    subnet.c.rdns_mode,
)
_ALL = sa.select(*_COLUMNS).order_by(subnet.c.id)
_OF = _ALL.where(subnet.c.id.in_(_IDS))
_ON = _ALL.where(subnet.c.vlan_id.in_(_IDS))
_BY_CIDR = _ALL.where(subnet.c.cidr.in_(_CIDRS))
_INSERT = sa.insert(subnet).returning(subnet.c.id)
# Made here, once: msgspec's first look at a type is not safe among threads.
_DECODER = msgspec.json.Decoder(tuple[str, ...])


def listing(sql: sa.Connection) -> list[Subnet]:
    """All subnets, by id."""
    return [_from_row(row) for row in sql.execute(_ALL)]


def of(sql: sa.Connection, ids: Collection[int]) -> dict[int, Subnet]:
    """Subnets by id."""
    return {row.id: _from_row(row) for row in sql.execute(_OF, {"ids": list(ids)})}


def on(sql: sa.Connection, vlan_ids: Collection[int]) -> list[Subnet]:
    """The subnets on VLANs, by id."""
    return [_from_row(row) for row in sql.execute(_ON, {"ids": list(vlan_ids)})]


def by_cidr(sql: sa.Connection, cidrs: Iterable[str]) -> dict[str, Subnet]:
    """The subnets there are of those CIDRs."""
    return {row.cidr: _from_row(row) for row in sql.execute(_BY_CIDR, {"cidrs": list(cidrs)})}


def find(sql: sa.Connection, id: int) -> Subnet:
    """One subnet; NotFound."""
    row = sql.execute(_ALL.where(subnet.c.id == id)).first()
    if row is None:
        raise NotFound("No Subnet matches the given query.")
    return _from_row(row)


def overlapping(sql: sa.Connection, one: Subnet) -> list[Subnet]:
    """The subnets that share addresses with one, itself among them, by id. One query."""
    return [each for each in listing(sql) if decide.overlap(each.cidr, one.cidr)]


def hold_addresses(write: Write, *, alone: bool) -> None:
    """Before addresses are looked at in order to be taken; `alone`: in order to set a range of them apart. Whoever
    takes one never misses a range that somebody is just making in a subnet that overlaps, and the other way round."""
    if not write.is_sqlite:  # there one writes at a time
        lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
        write.sql.execute(sa.select(lock(ADDRESSES_LOCK)))


def create(write: Write, *, cidr: str, vlan_id: int, name: str = "", **values: Any) -> Subnet:
    """Make a subnet (`cidr` in normal form), called by its CIDR without a name. Conflict when there is one."""
    if there := by_cidr(write.sql, [cidr]):
        raise Conflict(f"There is a subnet {cidr} already: {there[cidr].name} (id {there[cidr].id}).")
    row: dict[str, Any] = {
        "name": name or cidr,
        "cidr": cidr,
        "vlan_id": vlan_id,
        "description": "",
        "gateway_ip": None,
        "dns_json": _text(values.pop("dns_servers", ())),
        "managed": True,
        "allow_dns": True,
        "allow_proxy": True,
        "active_discovery": False,
        "rdns_mode": 2,
    }
    return find(write.sql, int(write.sql.scalar(_INSERT, row | values) or 0))


def update(write: Write, *, id: int, **values: Any) -> Subnet:
    """Change columns. One that moves to another VLAN takes with it the interfaces that are on it."""
    old = find(write.sql, id)
    cidr = values.get("cidr", old.cidr)
    if cidr != old.cidr:
        if there := by_cidr(write.sql, [cidr]):
            raise Conflict(f"There is a subnet {cidr} already: {there[cidr].name} (id {there[cidr].id}).")
        if left := _left_out(write.sql, id, cidr):
            raise Conflict(f"The subnet {old.cidr} cannot become {cidr}: {left} is not in it.")
        if held := list(_of_hosts(write.sql, old, old.vlan_id).values()):
            raise Conflict(f"The subnet {old.cidr} cannot become {cidr}: {held[0]} is on it as it is.")
    if "dns_servers" in values:
        values["dns_json"] = _text(values.pop("dns_servers"))
    if values:
        write.sql.execute(sa.update(subnet).where(subnet.c.id == id).values(values))
    new = find(write.sql, id)
    if new.vlan_id != old.vlan_id:
        _move(write, new, old.vlan_id)
    return new


def delete(write: Write, *, id: int) -> None:
    """Delete a subnet with its routes and ranges, when nobody has an address in it; Conflict naming them otherwise."""
    old = find(write.sql, id)
    if found := users(write.sql, id):
        raise Conflict(f"The subnet {old.cidr} is in use by {found}.", resolution="Release those addresses first.")
    if found := host_users(write.sql, old):
        raise Conflict(f"The subnet {old.cidr} is in use by {found}.", resolution="A refresh would find it.")
    write.sql.execute(sa.delete(subnet).where(subnet.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """Who has an address in a subnet or a link to it, in words. "" nobody."""
    linked = sa.select(machine.c.hostname, interface.c.name, link.c.ip).select_from(link)
    linked = linked.join(interface, interface.c.id == link.c.interface_id)
    linked = linked.join(machine, machine.c.system_id == interface.c.system_id)
    rows = sql.execute(linked.where(link.c.subnet_id == id).order_by(link.c.id).limit(READ))
    linked_by = [f"{row.name} of machine {row.hostname}" + (f" ({row.ip})" if row.ip else "") for row in rows]
    found = first(linked_by, "interfaces of machines")
    reserved = sa.select(address.c.ip).where(address.c.subnet_id == id, address.c.link_id.is_(None))
    ips = [f"the reserved address {ip}" for ip in sql.scalars(reserved.order_by(address.c.id).limit(READ))]
    return ", ".join([*found, *first(ips, "reserved addresses")])


def host_users(sql: sa.Connection, one: Subnet) -> str:
    """The first few interfaces of VM hosts that have an address in a subnet, in words. "" none."""
    return ", ".join(first(list(_of_hosts(sql, one, one.vlan_id).values()), "interfaces of VM hosts"))


def _left_out(sql: sa.Connection, id: int, cidr: str) -> str:
    """What is of a subnet and would not be in it, in words: an address that is taken, a range, a route. "" nothing."""
    network = ipaddress.ip_network(cidr)
    of_subnet = (
        ("", sa.select(address.c.ip).where(address.c.subnet_id == id)),
        ("", sa.select(link.c.ip).where(link.c.subnet_id == id, link.c.ip != "")),
        ("the range from ", sa.select(ip_range.c.start).where(ip_range.c.subnet_id == id)),
        ("the range to ", sa.select(ip_range.c.end).where(ip_range.c.subnet_id == id)),
        ("the static route by ", sa.select(static_route.c.gateway_ip).where(static_route.c.source_id == id)),
    )
    for what, query in of_subnet:
        for ip in sql.scalars(query):
            if ipaddress.ip_address(ip) not in network:
                return f"{what}{ip}"
    towards = sa.select(static_route.c.gateway_ip).where(static_route.c.destination_id == id)
    families = {ipaddress.ip_address(ip).version for ip in sql.scalars(towards)}
    return "the family of a static route to it" if families - {network.version} else ""


def _move(write: Write, one: Subnet, from_vlan: int) -> None:
    """The interfaces of hosts and machines that are on a subnet go where it goes."""
    of_hosts = host_interface.c.id.in_(list(_of_hosts(write.sql, one, from_vlan)))
    write.sql.execute(sa.update(host_interface).where(of_hosts).values(vlan_id=one.vlan_id))
    linked = sa.select(link.c.interface_id).where(link.c.subnet_id == one.id)
    moved = sa.update(interface).where(interface.c.vlan_id == from_vlan, interface.c.id.in_(linked))
    write.sql.execute(moved.values(vlan_id=one.vlan_id))


def _of_hosts(sql: sa.Connection, one: Subnet, vlan_id: int) -> dict[int, str]:
    """The interfaces of hosts on a VLAN that have an address in a subnet, in words."""
    columns = (host_interface.c.id, host_interface.c.name, host_interface.c.addresses_json, host.c.name.label("host"))
    query = sa.select(*columns).join(host).where(host_interface.c.vlan_id == vlan_id).order_by(host_interface.c.id)
    return {row.id: f"{row.name} of VM host {row.host}" for row in sql.execute(query) if _in(row.addresses_json, one)}


def _in(addresses: str, one: Subnet) -> bool:
    return any(str(ipaddress.ip_interface(each).network) == one.cidr for each in msgspec.json.decode(addresses))


def _text(servers: Iterable[str]) -> str:
    return msgspec.json.encode(list(servers)).decode()


def _from_row(row: Any) -> Subnet:
    """By position: every compose reads all of them, and reading by name costs ten times more."""
    id, name, cidr, vlan_id, description, gateway, dns, managed, allow_dns, allow_proxy, discovery, rdns_mode = row
    return Subnet(
        id=id,
        name=name,
        cidr=cidr,
        vlan_id=vlan_id,
        description=description,
        gateway_ip=gateway,
        dns_servers=_DECODER.decode(dns),
        managed=managed,
        allow_dns=allow_dns,
        allow_proxy=allow_proxy,
        active_discovery=discovery,
        rdns_mode=rdns_mode,
    )
