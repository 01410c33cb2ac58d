"""Addresses of a subnet: which can be used, what they are used for, which is free. Pure; nothing counts one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from innkeeper.errors import Invalid
from innkeeper.model.network import IpRange, Subnet

GATEWAY, DNS, RESERVED, DYNAMIC, ASSIGNED = "gateway-ip", "dns-server", "reserved", "dynamic", "assigned-ip"


@dataclass(frozen=True, kw_only=True)
class Span:
    """The addresses from `first` to `last` (as numbers, inclusive) and what they are used for; nothing: free."""

    first: int
    last: int
    purposes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.last - self.first + 1


def normal(ip: str, *, field: str = "ip") -> str:
    """An address in its normal form; Invalid naming the field when it is none."""
    try:
        address = ipaddress.ip_address(ip.strip())
    except ValueError:
        address = None
    if address is None or "%" in ip:
        message = f"{ip[:60]!r} is not an address"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
    return str(address)


def usable(cidr: str) -> Span:
    """What guests of a subnet can have: not its network and broadcast address (IPv4), not its own first one (IPv6)."""
    network = ipaddress.ip_network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.prefixlen < network.max_prefixlen - 1:
        first, last = first + 1, last - (network.version == 4)
    return Span(first=first, last=last)


def used(subnet: Subnet, ranges: Iterable[IpRange], taken: Iterable[str]) -> list[Span]:
    """Everything of a subnet that has a purpose. `taken`: addresses that somebody has, hosts included."""
    found = [_span(number(one.start), number(one.end), one.kind) for one in ranges]
    gateway = [subnet.gateway_ip] if subnet.gateway_ip else []
    for ips, purpose in ((gateway, GATEWAY), (subnet.dns_servers, DNS), (taken, ASSIGNED)):
        found += [_span(each, each, purpose) for each in within(subnet.cidr, ips).values()]
    return found


def divide(whole: Span, parts: Iterable[Span]) -> list[Span]:
    """A span cut into pieces, in order: each with all the purposes that any part gives it, neighbours differ."""
    inside = [one for one in parts if one.first <= whole.last and one.last >= whole.first]
    cuts = {whole.first, whole.last + 1}
    for one in inside:
        cuts |= {max(one.first, whole.first), min(one.last, whole.last) + 1}
    edges = sorted(cuts)
    opening: dict[int, list[str]] = {}
    closing: dict[int, list[str]] = {}
    for one in inside:
        opening.setdefault(max(one.first, whole.first), []).extend(one.purposes)
        closing.setdefault(min(one.last, whole.last) + 1, []).extend(one.purposes)
    pieces: list[Span] = []
    running: dict[str, int] = {}
    for start, end in pairwise(edges):
        for purpose in closing.get(start, ()):
            running[purpose] -= 1
        for purpose in opening.get(start, ()):
            running[purpose] = running.get(purpose, 0) + 1
        purposes = tuple(sorted(purpose for purpose, count in running.items() if count))
        if pieces and pieces[-1].purposes == purposes:
            pieces[-1] = Span(first=pieces[-1].first, last=end - 1, purposes=purposes)
        else:
            pieces.append(Span(first=start, last=end - 1, purposes=purposes))
    return pieces


def free(subnet: Subnet, ranges: Iterable[IpRange], taken: Iterable[str]) -> list[Span]:
    """What we may give of a subnet, lowest first. Of one that somebody else manages only what is reserved for us; what
    is reserved in another subnet, which this one overlaps, is never ours."""
    ranges = [*ranges]
    theirs = [_span(number(one.start), number(one.end), DYNAMIC) for one in ranges if one.subnet_id != subnet.id]
    pieces = divide(usable(subnet.cidr), [*used(subnet, ranges, taken), *theirs])
    ours = () if subnet.managed else (RESERVED,)
    return [one for one in pieces if one.purposes == ours]


def text(number: int, cidr: str) -> str:
    """The address of that number in a subnet."""
    kind = ipaddress.IPv4Address if ipaddress.ip_network(cidr).version == 4 else ipaddress.IPv6Address
    return str(kind(number))


def number(ip: str) -> int:
    """An address as a number."""
    return int(ipaddress.ip_address(ip))


def holds(cidr: str, ip: str) -> bool:
    """Whether an address belongs to a subnet."""
    return ipaddress.ip_address(ip) in ipaddress.ip_network(cidr)


def overlap(cidr: str, other: str) -> bool:
    """Whether two subnets share addresses: they are the same, or one is in the other."""
    one, two = ipaddress.ip_network(cidr), ipaddress.ip_network(other)
    return one.version == two.version and one.overlaps(two)


def overlapping(subnets: Iterable[Subnet]) -> list[tuple[Subnet, list[Subnet]]]:
    """Each subnet with those that share addresses with it, itself among them.

    Of two that do one is in the other: in the order of their addresses, the wider first, a stack holds those around.
    """
    found: list[tuple[Subnet, list[Subnet]]] = []
    around: list[tuple[Subnet, list[Subnet]]] = []
    for one in sorted(subnets, key=_place):
        while around and not overlap(around[-1][0].cidr, one.cidr):
            around.pop()
        for _, inner in around:
            inner.append(one)
        found.append((one, [*(outer for outer, _ in around), one]))
        around.append(found[-1])
    return found


def _place(subnet: Subnet) -> tuple[int, int, int]:
    network = ipaddress.ip_network(subnet.cidr)
    return network.version, int(network.network_address), network.prefixlen


def fixtures(subnet: Subnet) -> list[str]:
    """The addresses that a subnet's own servers have: its gateway and its DNS servers."""
    return [*subnet.dns_servers, *((subnet.gateway_ip,) if subnet.gateway_ip else ())]


def within(cidr: str, ips: Iterable[str]) -> dict[str, int]:
    """Those addresses that belong to a subnet, each once, with their numbers."""
    network = ipaddress.ip_network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    found: dict[str, int] = {}
    for ip in ips:
        address = ipaddress.ip_address(ip)
        if address.version == network.version and first <= int(address) <= last:
            found[ip] = int(address)
    return found


def inside(one: IpRange, ip: str) -> bool:
    """Whether an address is in a range."""
    first, last, address = (ipaddress.ip_address(each) for each in (one.start, one.end, ip))
    return first.version == address.version and int(first) <= int(address) <= int(last)


def meets(one: IpRange, cidr: str) -> bool:
    """Whether a range has addresses of a subnet."""
    network = ipaddress.ip_network(cidr)
    same = ipaddress.ip_address(one.start).version == network.version
    return (
        same and number(one.start) <= int(network.broadcast_address) and int(network.network_address) <= number(one.end)
    )


def _span(first: int, last: int, purpose: str) -> Span:
    return Span(first=first, last=last, purposes=(purpose,))
