"""Addresses that machines were seen to have: told by a host's leases, an agent, or the guest itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv6Address, ip_address

import sqlalchemy as sa

from innkeeper.model.learning import Lesson, learn
from innkeeper.model.machine import Interface, Machine
from innkeeper.model.network import LinkMode
from innkeeper.model.network_names import Networks
from innkeeper.store import addresses, events, links, machines, networks
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.machines import Filter
from innkeeper.store.network_tables import address, link
from innkeeper.store.tables import interface

Given = Mapping[str, Iterable[tuple[str, str]]]  # network → what it gave, as (MAC, address)


def news(sql: sa.Connection, host_id: int, given: Given) -> bool:
    """Whether `of_host` has anything to write: mostly it has not, and then nobody is kept from writing."""
    which = machines.listing(sql, Filter(host_ids=(host_id,)))
    seen, known = _by_mac(given), networks.known(sql) if which else Networks()
    return any(_lessons(one, seen, known, told=given) for one in which)


def of_host(write: Write, host_id: int, given: Given) -> None:
    """What each managed network of a host gave, as (MAC, address). A NIC on one of them that has no lease any more has
    no address that was seen. A fixed number of queries, and nothing is written when all is as it was."""
    _learn(write, machines.listing(write.sql, Filter(host_ids=(host_id,))), _by_mac(given), told=given)


def _by_mac(given: Given) -> Mapping[str, list[str]]:
    seen: dict[str, list[str]] = defaultdict(list)
    for mac, ip in (pair for pairs in given.values() for pair in pairs):
        seen[mac].append(ip)
    return seen


def of_guest(write: Write, system_id: str, seen: Iterable[tuple[str, str]]) -> None:
    """What was seen of one guest, as (MAC, address), perhaps beside others."""
    if machines.gone(write.sql, system_id):
        return
    by_mac: dict[str, list[str]] = defaultdict(list)
    for mac, ip in seen:
        by_mac[mac.lower()].append(ip)
    _learn(write, [machines.find(write.sql, system_id)], by_mac, told=())


def from_guest(write: Write, system_id: str, ip: str) -> None:
    """The guest itself called from that address: it is on the NIC whose subnet has it, if there is one such."""
    if machines.gone(write.sql, system_id):
        return
    one, ip = machines.find(write.sql, system_id), _plain(ip)
    found = networks.known(write.sql).holding(ip) if ip else None
    nics = [nic for nic in one.interfaces if found is not None and nic.vlan_id == found.vlan_id]
    if len(nics) == 1:
        of_guest(write, system_id, [(nics[0].mac, ip)])


def _plain(ip: str) -> str:
    """An address as the guest has it; "" for what is none (a socket of another kind)."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _lessons(
    one: Machine, seen: Mapping[str, Collection[str]], known: Networks, *, told: Collection[str]
) -> list[tuple[Interface, Lesson]]:
    """What there is to write of a machine's NICs."""
    found = []
    for nic in one.interfaces:
        whole = nic.attach == "network" and nic.parent in told
        if lesson := learn(nic, seen.get(nic.mac, ()), known, whole=whole):
            found.append((nic, lesson))
    return found


def _learn(
    write: Write, which: Iterable[Machine], seen: Mapping[str, Collection[str]], *, told: Collection[str]
) -> None:
    known = networks.known(write.sql)
    for one in which:
        lessons = _lessons(one, seen, known, told=told)
        for nic, lesson in lessons:
            for id, ip in lesson.set:
                links.update(write, id, ip=ip, learnt=bool(ip))
            for ip, subnet_id in lesson.add:
                row = {"subnet_id": subnet_id, "ip": ip, "learnt": True}
                links.insert(write, interface_id=nic.id, mode=LinkMode.LINK_UP, **row)  # type: ignore[arg-type]
            links.delete(write, lesson.remove)
        if lessons:
            _tell(write, one)


def _tell(write: Write, one: Machine) -> None:
    """An event with the addresses that a machine has now, and who holds one of them by right."""
    rows = write.sql.execute(
        sa.select(link.c.ip, link.c.learnt, address.c.ip.label("held"))
        .join(interface, interface.c.id == link.c.interface_id)
        .outerjoin(address, sa.and_(address.c.ip == link.c.ip, link.c.learnt))
        .where(interface.c.system_id == one.system_id, link.c.ip != "")
        .order_by(interface.c.position, link.c.id)
    ).all()
    text = f"{one.hostname}: its addresses are {', '.join(dict.fromkeys(row.ip for row in rows)) or 'none'}"
    for row in rows:
        if row.held:
            text += f"; {row.ip} is held by {addresses.find(write.sql, row.ip).holder}"
    events.add(
        write,
        Event(kind="machine", what="addresses", text=text, host_id=one.host_id, system_id=one.system_id),
    )
