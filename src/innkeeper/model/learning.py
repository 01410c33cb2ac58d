"""Addresses that were seen on a NIC, and the links that show them. Pure.

A link that waits for its address (AUTO, DHCP) shows the one that was seen in its subnet. What is seen beside is shown
by a link of its own, which says LINK_UP: nobody asked for it, and it goes when it is not seen any more.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from innkeeper.model.machine import Interface
from innkeeper.model.network import Link, LinkMode
from innkeeper.model.network_names import Networks


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is to be written: addresses of links ("" : none any more), new links for what was seen, links that go."""

    set: tuple[tuple[int, str], ...] = ()  # (link, address)
    add: tuple[tuple[str, int | None], ...] = ()  # (address, subnet)
    remove: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.add or self.remove)


def learn(nic: Interface, seen: Collection[str], known: Networks, *, whole: bool) -> Lesson:
    """What a NIC's links become when these addresses are seen on it. `whole`: it has no others."""
    held = {link.ip for link in nic.links if link.ip and not link.learnt}
    left = sorted({_normal(ip) for ip in seen} - held, key=_order)
    changes: list[tuple[int, str]] = []
    for link in nic.links:
        if link.mode not in (LinkMode.AUTO, LinkMode.DHCP) or (link.ip and not link.learnt):
            continue
        fitting = [ip for ip in left if _fits(link, ip, known)]
        now = link.ip if link.ip in fitting else next(iter(fitting), "")
        if now:
            left.remove(now)
        if now != link.ip and (now or whole):
            changes.append((link.id, now))
    extra = [link for link in nic.links if link.seen_only]
    shown = held | {ip for _, ip in changes}
    gone = [link.id for link in extra if link.ip in shown or (whole and link.ip not in left)]
    fresh = [ip for ip in left if ip not in {link.ip for link in extra}]
    return Lesson(set=tuple(changes), add=tuple((ip, _subnet(nic, ip, known)) for ip in fresh), remove=tuple(gone))


def _fits(link: Link, ip: str, known: Networks) -> bool:
    """Whether a link may show an address: one of its subnet, or any where none is known."""
    subnet = known.subnet(link.subnet_id) if link.subnet_id is not None else None
    return subnet is None or ipaddress.ip_address(ip) in ipaddress.ip_network(subnet.cidr)


def _subnet(nic: Interface, ip: str, known: Networks) -> int | None:
    """The subnet that an address belongs to, of those on the NIC's VLAN (of all, while that is not known)."""
    there: Sequence[int] = [one.id for one in known.subnets if nic.vlan_id in (None, one.vlan_id)]
    found = known.holding(ip)
    return found.id if found is not None and found.id in there else None


def _normal(ip: str) -> str:
    return str(ipaddress.ip_address(ip))


def _order(ip: str) -> tuple[int, int]:
    address = ipaddress.ip_address(ip)
    return (address.version, int(address))
