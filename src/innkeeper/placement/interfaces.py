"""NICs on one host: which of its interfaces each hangs on, and how. Pure.

Bridges first, then bonds, then others (MAAS's order); among equals the hypervisor's own networks, then those with
DHCP. A port of a bridge or bond carries nothing itself: what asks for it hangs on its bridge or bond. A VLAN that a
host has no interface on is reached by a tag, through an interface on the untagged VLAN of its fabric, when a
request asks for it: a fabric's VLANs are switched together.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import InterfaceRequest, WantedAddress, nic_name
from innkeeper.model.network import UNTAGGED, HostNetwork
from innkeeper.model.network_names import Networks
from innkeeper.placement.reach import Reach, offers, on_vlan, reach_of

_CARRIERS = ("bridge", "bond", "physical")  # what can carry tagged VLANs
_NAMING = ("bridge", "ovn")  # managed networks of these kinds give each VM a DNS name: one NIC of a VM each


@dataclass(frozen=True, kw_only=True)
class PlacedInterface:
    """A NIC with the host interface it hangs on, and why that one.

    `tag`: the VLAN id its frames are tagged with, 0 none. `vlan_id`, `subnet_id`: the VLAN it is on and the subnet it
    gets an address of, None while they are not known. `addresses`: those that were asked for.
    """

    device: str
    attach: str
    parent: str
    mode: str
    why: str
    label: str = ""
    tag: int = 0
    vlan_id: int | None = None
    subnet_id: int | None = None
    addresses: tuple[WantedAddress, ...] = ()
    unconfigured: bool = False


@dataclass(frozen=True, kw_only=True)
class _Option:
    """A way to attach: the interface that is named to the host, what is reached there, and the tag."""

    interface: HostInterface
    reach: Reach
    tag: int = 0
    why: str = ""

    @property
    def once(self) -> str:
        """The network's name where a VM can have one NIC only, else ""."""
        own = self.interface.managed and self.interface.kind in _NAMING
        return self.interface.name if own else ""


def place(
    *,
    hostname: str,
    interfaces: Sequence[HostInterface],
    networks: Sequence[HostNetwork],
    known: Networks,
    wanted: Sequence[InterfaceRequest],
    macvlan_mode: str,
) -> tuple[tuple[PlacedInterface, ...], tuple[str, ...]]:
    """Where each wanted NIC hangs, and what stands against it in words. Nothing wanted: one, on the best network."""
    options = _options(hostname, interfaces, networks)
    requests = wanted or (InterfaceRequest(label="eth0"),)
    fitting, against = [], []
    for request in requests:
        found = _fitting(options, request) or _tagged(options, networks, known, request)
        if not found:
            against.append(_lacking(request, options, networks))
        fitting.append(found)
    chosen = _assign(fitting)
    placed = []
    for position, request in enumerate(requests):
        if option := chosen.get(position):
            placed.append(_placed(option, request, known, macvlan_mode, asked=bool(wanted)))
        elif fitting[position]:
            against.append(_crowded(request, fitting[position]))
    return tuple(placed), tuple(against)


def _options(hostname: str, interfaces: Sequence[HostInterface], networks: Sequence[HostNetwork]) -> list[_Option]:
    """What the host offers, best first. SR-IOV is never chosen."""
    of_name = {one.name: one for one in networks}
    above = {member: one for one in interfaces if one.kind in ("bridge", "bond") for member in one.members}
    found = []
    for one in interfaces:
        if not offers(one) or one.kind == "sriov":
            continue
        reach = reach_of(one, of_name.get(one.name), hostname=hostname)
        hung = _top(one, above)
        why = "" if hung is one else f"{one.name} is a port of {hung.name}"
        found.append(_Option(interface=hung, reach=reach, why=why))
    return sorted(found, key=_preference)


def _top(one: HostInterface, above: Mapping[str, HostInterface]) -> HostInterface:
    """The bridge or bond that an interface is a port of, the topmost; itself when it is none's."""
    seen = set()
    while one.name in above and one.name not in seen:
        seen.add(one.name)
        one = above[one.name]
    return one


def _preference(option: _Option) -> tuple[bool, int, bool, bool, str]:
    one = option.interface
    order = {"bridge": 0, "bond": 1, "ovn": 2}.get(one.kind, 3)
    return (bool(option.why), order, not one.managed, not one.dhcp, one.name)


def _fitting(options: Sequence[_Option], request: InterfaceRequest) -> list[_Option]:
    return [one for one in options if all(one.reach.meets(condition) for condition in request.conditions)]


def _tagged(
    options: Sequence[_Option], networks: Sequence[HostNetwork], known: Networks, request: InterfaceRequest
) -> list[_Option]:
    """Ways to reach by a tag what no interface of the host is on."""
    if not any(one.about in ("vlan", "vid", "subnet", "space") and not one.negated for one in request.conditions):
        return []
    direct = {one.vlan.id for one in networks if one.vlan}
    found = []
    for option in options:
        interface, reach = option.interface, option.reach
        if option.why or interface.kind not in _CARRIERS or reach.vid != UNTAGGED or reach.fabric_id is None:
            continue
        for vlan in known.tagged(reach.fabric_id):
            if vlan.id in direct:
                continue
            there = on_vlan(reach, vlan, known.beside(vlan.id))
            why = f"VLAN {vlan.vid} by a tag on {interface.name}"
            found.append(_Option(interface=interface, reach=there, tag=vlan.vid, why=why))
    return _fitting(found, request)


def _assign(fitting: Sequence[Sequence[_Option]]) -> dict[int, _Option]:
    """An option for each position, best first, so that as many as can be have one (augmenting paths): of a managed
    network a VM can have one NIC only."""
    chosen: dict[int, _Option] = {}
    holder: dict[str, int] = {}

    def take(position: int, tried: set[str]) -> bool:
        for option in fitting[position]:
            if option.once not in holder:
                if option.once:
                    holder[option.once] = position
                chosen[position] = option
                return True
        for option in fitting[position]:  # all are taken: whoever has one may have another choice
            if option.once in tried:
                continue
            tried.add(option.once)
            if take(holder[option.once], tried):
                holder[option.once] = position
                chosen[position] = option
                return True
        return False

    for position in range(len(fitting)):
        take(position, set())
    return chosen


def _placed(
    option: _Option, request: InterfaceRequest, known: Networks, macvlan_mode: str, *, asked: bool
) -> PlacedInterface:
    interface, mode = option.interface, ""
    if interface.managed:
        attach = "network"
    elif interface.kind == "bridge":
        attach = "bridge"
    else:
        attach, mode = "macvlan", macvlan_mode or "bridge"
    return PlacedInterface(
        device=nic_name(request.label),
        attach=attach,
        parent=interface.name,
        mode=mode,
        why=option.why or ("it was asked for" if asked else "bridges first, then bonds, then others"),
        label=request.label,
        tag=option.tag,
        vlan_id=option.reach.vlan_id,
        subnet_id=_subnet(option, request, known),
        addresses=request.addresses,
        unconfigured=request.unconfigured,
    )


def _subnet(option: _Option, request: InterfaceRequest, known: Networks) -> int | None:
    """The subnet that the NIC is linked to: one that was asked for, the host's own, IPv4 before IPv6."""
    narrowing = [one for one in request.conditions if one.about == "subnet"]
    ids = [
        id
        for id in option.reach.subnet_ids
        if all((id in one.accepted) != one.negated for one in narrowing if one.accepted)
    ]
    ranges = {one.id: ipaddress.ip_network(one.cidr) for one in known.subnets if one.id in ids}
    own = set(option.interface.subnets)
    return min(ranges, key=lambda id: (str(ranges[id]) not in own, ranges[id].version, id), default=None)


# --- what stands against it, in words


def _lacking(request: InterfaceRequest, options: Sequence[_Option], networks: Sequence[HostNetwork]) -> str:
    of_id = {one.id: one for one in networks}
    have = ", ".join(_described(one.reach, of_id.get(one.reach.id)) for one in options) or "none"
    what = " and ".join(one.text for one in request.conditions)
    asked = f"no interface with {what} for {request.label}" if what else "no network to attach a VM to"
    return f"{asked}; it has {have}"


def _described(reach: Reach, network: HostNetwork | None) -> str:
    if network is None or network.vlan is None:
        return f"{reach.name} (VLAN not known)"
    vlan = f"VLAN {network.vlan.vid}" if network.vlan.vid else "untagged"
    fabric = f" of {network.fabric.name}" if network.fabric else ""
    parts = [one.cidr for one in network.subnets] or ["no subnet"]
    return f"{reach.name} ({', '.join(parts)}; {vlan}{fabric}; space {network.space_name})"


def _crowded(request: InterfaceRequest, fitting: Sequence[_Option]) -> str:
    names = " and ".join(dict.fromkeys(one.interface.name for one in fitting))
    return (
        f"{request.label} could only be on {names}, where another NIC of the machine is: "
        "a VM can have one NIC on each managed network"
    )
