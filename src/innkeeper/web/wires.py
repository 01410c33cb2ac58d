"""Networks as the pages show them: VLANs with the fabric and space they are in, what is on them, how full it is."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.model.network import UNDEFINED, Fabric, Space, Subnet, Vlan
from innkeeper.model.network_names import Networks
from innkeeper.store import networks, subnet_use, vlan_users
from innkeeper.store.subnet_use import Use
from innkeeper.store.vlan_users import Count

_DIGITS = re.compile(r"([0-9]+)")


@dataclass(frozen=True, kw_only=True)
class SubnetOn:
    """A subnet of a VLAN, with how full it is."""

    subnet: Subnet
    use: Use


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A VLAN with everything around it. `space` None: the one called undefined."""

    vlan: Vlan
    fabric: Fabric
    space: Space | None
    subnets: tuple[SubnetOn, ...]
    on: Count

    @property
    def tag(self) -> str:
        """Its tag on the wire, in words."""
        return str(self.vlan.vid) if self.vlan.vid else "untagged"

    @property
    def title(self) -> str:
        """What it is called on its own: an untagged one by its fabric."""
        named = f"VLAN {self.vlan.name}" if self.vlan.name != "untagged" else "The untagged VLAN"
        return f"{named} of {self.fabric.name}"

    @property
    def space_name(self) -> str:
        return self.space.name if self.space else UNDEFINED


@dataclass(frozen=True, kw_only=True)
class Wires:
    """All networks that are known."""

    known: Networks
    wires: tuple[Wire, ...]

    @cached_property
    def by_fabric(self) -> dict[int, list[Wire]]:
        """By the fabric's id, by tag."""
        found: dict[int, list[Wire]] = {one.id: [] for one in self.known.fabrics}
        for wire in sorted(self.wires, key=lambda one: one.vlan.vid):
            found[wire.fabric.id].append(wire)
        return found

    @cached_property
    def by_space(self) -> dict[int | None, list[Wire]]:
        """By the space's id, None: without one."""
        found: dict[int | None, list[Wire]] = {one.id: [] for one in self.known.spaces}
        for wire in sorted(self.wires, key=lambda one: (natural(one.fabric.name), one.vlan.vid)):
            found.setdefault(wire.vlan.space_id, []).append(wire)
        return found

    def wire(self, vlan_id: int) -> Wire:
        """One VLAN; NotFound."""
        for one in self.wires:
            if one.vlan.id == vlan_id:
                return one
        raise NotFound("There is no such VLAN.")


def natural(name: str) -> list[str | int]:
    """What names are sorted by: fabric-2 comes before fabric-10."""
    return [int(piece) if at % 2 else piece.casefold() for at, piece in enumerate(_DIGITS.split(name))]


def wires(sql: sa.Connection) -> Wires:
    """All networks with how full they are and who is on them. Ten queries, however many there are."""
    known = networks.known(sql)
    fabrics = {one.id: one for one in known.fabrics}
    spaces = {one.id: one for one in known.spaces}
    uses, counted = subnet_use.of_all(sql, known.subnets), vlan_users.counted(sql)
    on: dict[int, list[SubnetOn]] = defaultdict(list)
    for one in known.subnets:
        on[one.vlan_id].append(SubnetOn(subnet=one, use=uses[one.id]))
    found = tuple(
        Wire(
            vlan=one,
            fabric=fabrics[one.fabric_id],
            space=spaces.get(one.space_id or 0),
            subnets=tuple(on[one.id]),
            on=counted.get(one.id, Count()),
        )
        for one in known.vlans
    )
    return Wires(known=known, wires=found)


def fabric_choices(known: Networks) -> list[tuple[object, str]]:
    """All fabrics, as the API is told of them."""
    return [(f"id:{one.id}", one.name) for one in sorted(known.fabrics, key=lambda one: natural(one.name))]


def space_choices(known: Networks) -> list[tuple[object, str]]:
    """All spaces, and none."""
    return [("", "none (undefined)"), *((f"id:{one.id}", one.name) for one in known.spaces)]


def vlan_choices(known: Networks) -> list[tuple[object, str]]:
    """All VLANs with their fabrics."""
    names = {one.id: one.name for one in known.fabrics}
    found = [(natural(names[one.fabric_id]), one.vid, one) for one in known.vlans]
    return [
        (one.id, f"{names[one.fabric_id]}: {one.name}" + (f" (tag {vid})" if vid else ""))
        for _, vid, one in sorted(found, key=lambda each: each[:2])
    ]


def subnet_choices(known: Networks) -> list[tuple[object, str]]:
    """All subnets, by CIDR, with their names where they have one."""
    return [
        (f"id:{one.id}", one.cidr if one.name in ("", one.cidr) else f"{one.cidr} ({one.name})")
        for one in known.subnets
    ]
