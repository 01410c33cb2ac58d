"""Which VLANs the interfaces of a host are on, from what is known and what the host told. Pure.

A VLAN is written as a `Spot`: (fabric, vid). Fabrics that are to be made count downwards from -1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from innkeeper.model.host import HostInterface
from innkeeper.model.network import UNTAGGED

Spot = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class NewSubnet:
    """A subnet that nobody knew. `gateway_ip`, `dns_servers`: the network's own address, if it routes and resolves.

    `managed`: addresses in it are ours to give. Not so on a wire that others share: there it takes a reserved range.
    """

    cidr: str
    spot: Spot
    gateway_ip: str | None = None
    dns_servers: tuple[str, ...] = ()
    managed: bool = False


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The spots of interfaces by name, and of subnets, those that were known and those that are new."""

    spots: dict[str, Spot]
    subnets: dict[str, Spot]


def match(interfaces: Sequence[HostInterface], *, known: Mapping[str, Spot], subnets: Mapping[str, Spot]) -> Matched:
    """The spot of every interface that has one. `known`: where they were; `subnets`: where subnets are.

    An interface is where its subnets are; else where it was; else where the devices above and below it are: ports with
    their bridge, a tagged one on the fabric of its parent. One with subnets that nobody knows gets a fabric of its own.
    The same host told again is matched the same.
    """
    by_name = {one.name: one for one in interfaces}
    where = dict(subnets)
    spots: dict[str, Spot] = {}
    for one in interfaces:
        was = known.get(one.name) or next((where[cidr] for cidr in networks(one) if cidr in where), None)
        if was is not None:
            _put(one, was, spots, where)
    fresh = 0
    while True:
        _spread(interfaces, by_name, spots, where)
        lost = next((one for one in interfaces if one.name not in spots and networks(one)), None)
        if lost is None:
            return Matched(spots=spots, subnets=where)
        fresh -= 1
        _put(lost, (fresh, _vid(lost, by_name)), spots, where)


def new_subnets(
    interfaces: Iterable[HostInterface], *, where: Mapping[str, Spot], known: Collection[str]
) -> list[NewSubnet]:
    """The subnets of a host that are not among those known, each once. `where`: where they were matched to be, which
    one interface alone does not tell: it may have another subnet somewhere else."""
    found: dict[str, NewSubnet] = {}
    for one in sorted(interfaces, key=lambda one: not one.managed):  # a managed network knows its gateway
        for cidr in networks(one):
            if cidr in known or cidr in found:
                continue
            own = _own_address(one, cidr) if one.kind in ("bridge", "ovn") else None
            found[cidr] = NewSubnet(
                cidr=cidr,
                spot=where[cidr],
                gateway_ip=own,
                dns_servers=(own,) if own and one.kind == "bridge" else (),
                managed=own is not None,
            )
    return list(found.values())


def networks(interface: HostInterface) -> tuple[str, ...]:
    """The subnets of an interface that others can be on too: not those of one address, not link-local ones."""
    found = [ipaddress.ip_network(cidr) for cidr in interface.subnets]
    return tuple(
        str(one) for one in found if one.prefixlen < one.max_prefixlen and not (one.is_link_local or one.is_loopback)
    )


def _put(one: HostInterface, spot: Spot, spots: dict[str, Spot], where: dict[str, Spot]) -> None:
    """An interface is there, unless its subnets are elsewhere, and so are those of them that were nowhere."""
    theirs = [where[cidr] for cidr in networks(one) if cidr in where]
    spot = theirs[0] if theirs and spot not in theirs else spot
    spots[one.name] = spot
    for cidr in networks(one):
        where.setdefault(cidr, spot)


def _spread(
    interfaces: Sequence[HostInterface],
    by_name: Mapping[str, HostInterface],
    spots: dict[str, Spot],
    where: dict[str, Spot],
) -> None:
    """What follows from the spots there are, until nothing more does."""
    count = -1
    while count != len(spots):
        count = len(spots)
        for one in interfaces:
            theirs = next((where[cidr] for cidr in networks(one) if cidr in where), None)
            if theirs is not None and one.name not in spots:
                _put(one, theirs, spots, where)
            for member in (by_name[name] for name in one.members if name in by_name):
                _share(one, member, spots, where)
            parent = by_name.get(one.vlan_parent)
            if parent is None:
                continue
            if one.vlan_id == UNTAGGED:  # a managed network that only names its parent
                _share(one, parent, spots, where)
            elif parent.vlan_id == UNTAGGED:  # tags in tags: not guessed
                _tagged(one, parent, spots, where)


def _share(one: HostInterface, other: HostInterface, spots: dict[str, Spot], where: dict[str, Spot]) -> None:
    if one.name in spots and other.name not in spots:
        _put(other, spots[one.name], spots, where)
    elif other.name in spots and one.name not in spots:
        _put(one, spots[other.name], spots, where)


def _tagged(one: HostInterface, parent: HostInterface, spots: dict[str, Spot], where: dict[str, Spot]) -> None:
    """A tagged interface and its parent are on one fabric."""
    if parent.name in spots and one.name not in spots:
        _put(one, (spots[parent.name][0], one.vlan_id), spots, where)
    elif one.name in spots and parent.name not in spots and spots[one.name][1] == one.vlan_id:
        _put(parent, (spots[one.name][0], UNTAGGED), spots, where)


def _vid(one: HostInterface, by_name: Mapping[str, HostInterface]) -> int:
    """The tag of an interface, or that of a port of it."""
    ports = [by_name[name] for name in one.members if name in by_name]
    return next((each.vlan_id for each in (one, *ports) if each.vlan_parent and each.vlan_id), UNTAGGED)


def _own_address(one: HostInterface, cidr: str) -> str | None:
    """The address that a managed network has itself in a subnet."""
    if not one.managed:
        return None
    addresses = (ipaddress.ip_interface(address) for address in one.addresses)
    return next((str(each.ip) for each in addresses if str(each.network) == cidr), None)
