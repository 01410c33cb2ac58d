"""What a host has for NICs, whatever will be asked: the ways to attach, best first. Pure, made once and asked often.

What is up comes before what is down, and what is on a known VLAN before a wire of which nothing is known. Within that
bridges first, then bonds, then others (MAAS's order); among equals the hypervisor's own networks, then those with DHCP.
A port of a bridge or bond carries nothing itself: what asks for it hangs on its bridge or bond. A VLAN that a host has
no interface on is reached by a tag, through an interface on the untagged VLAN of its fabric, when a request asks for
it: a fabric's VLANs are switched together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import Condition
from innkeeper.model.network import UNTAGGED, HostNetwork
from innkeeper.model.network_names import Networks
from innkeeper.placement.reach import Reach, offers, on_vlan, reach_of

_CARRIERS = ("bridge", "bond", "physical")  # what can carry tagged VLANs
_FOUND_BY = ("subnet", "vlan", "fabric")  # what ways are found by, without a look at each
_NAMING = ("bridge", "ovn")  # managed networks of these kinds give each VM a DNS name: one NIC of a VM each


@dataclass(frozen=True, kw_only=True)
class Option:
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


@dataclass(frozen=True)
class Ways:
    """Ways to attach, best first, found by what they reach: most of a large fleet's are on other networks."""

    all: tuple[Option, ...]

    @cached_property
    def _on(self) -> dict[tuple[str, int], tuple[Option, ...]]:
        found: dict[tuple[str, int], tuple[Option, ...]] = {}
        for one in self.all:
            reach = one.reach
            there = [("subnet", id) for id in reach.subnet_ids]
            there += [
                (about, id) for about, id in (("vlan", reach.vlan_id), ("fabric", reach.fabric_id)) if id is not None
            ]
            for key in dict.fromkeys(there):
                found[key] = (*found.get(key, ()), one)
        return found

    def meeting(self, conditions: Sequence[Condition]) -> list[Option]:
        """Those of which all conditions hold."""
        found: Sequence[Option] = self.all
        for number, one in enumerate(conditions):
            if number == 0 and one.about in _FOUND_BY and len(one.accepted) == 1 and not one.negated:
                found = self._on.get((one.about, int(one.accepted[0])), ())
            else:
                found = [option for option in found if option.reach.meets(one)]
            if not found:
                return []
        return list(found)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A host's interfaces as networks. `known`: all networks there are."""

    hostname: str
    interfaces: tuple[HostInterface, ...] = ()
    networks: tuple[HostNetwork, ...] = ()
    known: Networks = field(default_factory=Networks)

    @cached_property
    def all_up(self) -> bool:
        """Whether none of its interfaces is down."""
        return all(one.up for one in self.interfaces)

    @cached_property
    def direct(self) -> Ways:
        """What the host offers, best first. SR-IOV is never chosen."""
        of_name = {one.name: one for one in self.networks}
        bundles = [one for one in self.interfaces if one.kind in ("bridge", "bond")]
        above = {member: one for one in bundles for member in one.members}
        found = []
        for one in self.interfaces:
            if not offers(one) or one.kind == "sriov":
                continue
            reach = reach_of(one, of_name.get(one.name), hostname=self.hostname)
            hung = _top(one, above)
            why = "" if hung is one else f"{one.name} is a port of {hung.name}"
            found.append(Option(interface=hung, reach=reach, why=why))
        return Ways(tuple(sorted(found, key=_preference)))

    @cached_property
    def tagged(self) -> Ways:
        """Ways to reach by a tag what no interface of the host is on."""
        direct = {one.vlan.id for one in self.networks if one.vlan}
        found = []
        for option in self.direct.all:
            interface, reach = option.interface, option.reach
            if option.why or interface.kind not in _CARRIERS or reach.vid != UNTAGGED or reach.fabric_id is None:
                continue
            for vlan in self.known.tagged(reach.fabric_id):
                if vlan.id in direct:
                    continue
                there = on_vlan(reach, vlan, self.known.beside(vlan.id))
                why = f"VLAN {vlan.vid} by a tag on {interface.name}"
                found.append(Option(interface=interface, reach=there, tag=vlan.vid, why=why))
        return Ways(tuple(found))

    @cached_property
    def described(self) -> str:
        """What it has, for people."""
        of_id = {one.id: one for one in self.networks}
        return ", ".join(_described(one, of_id.get(one.reach.id)) for one in self.direct.all) or "none"


def _top(one: HostInterface, above: Mapping[str, HostInterface]) -> HostInterface:
    """The bridge or bond that an interface is a port of, the topmost; itself when it is none's."""
    seen = set()
    while one.name in above and one.name not in seen:
        seen.add(one.name)
        one = above[one.name]
    return one


def _preference(option: Option) -> tuple[bool, bool, bool, int, bool, bool, str]:
    one, unknown = option.interface, option.reach.vlan_id is None
    order = {"bridge": 0, "bond": 1, "ovn": 2}.get(one.kind, 3)
    return (not one.up, bool(option.why), unknown, order, not one.managed, not one.dhcp, one.name)


def _described(option: Option, network: HostNetwork | None) -> str:
    name, down = option.reach.name, "" if option.interface.up else "; down"
    if network is None or network.vlan is None:
        return f"{name} (VLAN not known{down})"
    vlan = f"VLAN {network.vlan.vid}" if network.vlan.vid else "untagged"
    fabric = f" of {network.fabric.name}" if network.fabric else ""
    parts = [one.cidr for one in network.subnets] or ["no subnet"]
    return f"{name} ({', '.join(parts)}; {vlan}{fabric}; space {network.space_name}{down})"
