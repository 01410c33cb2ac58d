"""What an interface reaches, and whether that is what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import Condition
from innkeeper.model.network import UNDEFINED_ID, HostNetwork, Subnet, Vlan
from innkeeper.model.network_names import Networks

_OF_VLAN = ("fabric", "fabric_class", "vlan", "vid", "space", "subnet")  # what a VLAN decides, whatever host it is on


@dataclass(frozen=True, kw_only=True)
class Reach:
    """An interface (a host's, or a machine's) as conditions see it. None and empty: not known."""

    id: int = 0
    name: str = ""
    hostname: str = ""
    kind: str = "unknown"
    tags: tuple[str, ...] = ()
    speed: int = 0  # Mbit/s
    fabric_id: int | None = None
    fabric_class: str | None = None
    vlan_id: int | None = None
    vid: int | None = None
    space_id: int | None = None  # UNDEFINED_ID: none
    subnet_ids: tuple[int, ...] = ()

    def meets(self, condition: Condition) -> bool:
        """Whether a condition holds; a negated one holds of what is not known.

        Asked tens of thousands of times for one decision of a large fleet.
        """
        accepted, about = condition.values, condition.about
        if about == "subnet":
            there = not accepted.isdisjoint(self.subnet_ids)
        elif about == "tag":
            there = any(set(str(one).split("&&")) <= set(self.tags) for one in accepted)
        elif about == "speed":
            there = any(self.speed >= int(least) for least in accepted)
        else:
            value = getattr(self, _FIELDS[about])
            there = value is not None and value in accepted
        return there != condition.negated


_FIELDS = {
    "id": "id",
    "name": "name",
    "hostname": "hostname",
    "type": "kind",
    "fabric": "fabric_id",
    "fabric_class": "fabric_class",
    "vlan": "vlan_id",
    "vid": "vid",
    "space": "space_id",
}


def offers(interface: HostInterface) -> bool:
    """Whether a VM can be attached to a host interface at all."""
    if not interface.ethernet or interface.name == "lo":
        return False
    return interface.kind in ("bridge", "bond", "vlan", "physical", "ovn", "macvlan", "sriov")


def reach_of(interface: HostInterface, network: HostNetwork | None, *, hostname: str) -> Reach:
    """A host's interface as conditions see it."""
    reach = Reach(name=interface.name, hostname=hostname, kind=interface.kind, speed=interface.speed)
    if network is None:
        return reach
    fabric_class = network.fabric.class_type if network.fabric else None
    reach = replace(reach, id=network.id, tags=network.tags, fabric_class=fabric_class)
    return reach if network.vlan is None else on_vlan(reach, network.vlan, network.subnets)


def on_vlan(reach: Reach, vlan: Vlan, subnets: Sequence[Subnet]) -> Reach:
    """The same interface, on that VLAN of its fabric."""
    return replace(
        reach,
        fabric_id=vlan.fabric_id,
        vlan_id=vlan.id,
        vid=vlan.vid,
        space_id=UNDEFINED_ID if vlan.space_id is None else vlan.space_id,
        subnet_ids=tuple(one.id for one in subnets),
    )


def nowhere(conditions: Sequence[Condition], known: Networks) -> bool:
    """Whether no host could have it: a NIC is on one VLAN, and none that is known is all that was asked for.

    A fabric or space with nothing in it is no slip: something may come.
    """
    decided = [one for one in conditions if one.about in _OF_VLAN]
    asked = [one for one in decided if not one.negated]
    if not asked or not all(one.accepted for one in asked):
        return False
    classes = {one.id: one.class_type for one in known.fabrics}
    reaches = (
        on_vlan(Reach(fabric_class=classes.get(one.fabric_id)), one, known.beside(one.id)) for one in known.vlans
    )
    return not any(all(reach.meets(one) for one in decided) for reach in reaches)
