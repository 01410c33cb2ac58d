"""What people call networks, and which ones that is: the terms of `interfaces=` become conditions on ids.

A name wins over an id, so that a network named "5" can be reached. A name that nothing has is refused here, before
any host is looked at: then the request is wrong, and not the hosts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from innkeeper.model.interface_constraints import (
    Choice,
    Condition,
    InterfaceRequest,
    Term,
    WantedAddress,
    WantedInterface,
    bad,
)
from innkeeper.model.network import UNDEFINED, UNDEFINED_ID, UNTAGGED, Fabric, Space, Subnet, Vlan

_MOST_NAMED = 10  # networks named in an error text


@dataclass(frozen=True)
class Networks:
    """All networks that are known."""

    fabrics: tuple[Fabric, ...] = ()
    vlans: tuple[Vlan, ...] = ()
    spaces: tuple[Space, ...] = ()
    subnets: tuple[Subnet, ...] = ()

    @cached_property
    def _ranges(self) -> tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Subnet], ...]:
        """Subnets with their ranges, the narrowest first."""
        parsed = [(ipaddress.ip_network(one.cidr), one) for one in self.subnets]
        return tuple(sorted(parsed, key=lambda pair: -pair[0].prefixlen))

    @cached_property
    def by_cidr(self) -> dict[str, Subnet]:
        """Subnets by CIDR."""
        return {one.cidr: one for one in self.subnets}

    def holding(self, ip: str) -> Subnet | None:
        """The narrowest subnet that an address belongs to."""
        address = ipaddress.ip_address(ip)
        return next((subnet for network, subnet in self._ranges if address in network), None)

    def fabric(self, id: int) -> Fabric | None:
        """The fabric of that id."""
        return self._fabrics.get(id)

    @cached_property
    def _fabrics(self) -> dict[int, Fabric]:
        return {one.id: one for one in self.fabrics}

    @cached_property
    def _tagged(self) -> dict[int, tuple[Vlan, ...]]:
        found: dict[int, tuple[Vlan, ...]] = {}
        for one in self.vlans:
            if one.vid != UNTAGGED:
                found[one.fabric_id] = (*found.get(one.fabric_id, ()), one)
        return found

    def tagged(self, fabric_id: int) -> tuple[Vlan, ...]:
        """The VLANs of a fabric that frames carry a tag for."""
        return self._tagged.get(fabric_id, ())

    def vlan(self, id: int) -> Vlan | None:
        """The VLAN of that id."""
        return self._vlans.get(id)

    @cached_property
    def _vlans(self) -> dict[int, Vlan]:
        return {one.id: one for one in self.vlans}

    @cached_property
    def _subnets(self) -> dict[int, Subnet]:
        return {one.id: one for one in self.subnets}

    def subnet(self, id: int) -> Subnet | None:
        """The subnet of that id."""
        return self._subnets.get(id)

    def beside(self, vlan_id: int) -> tuple[Subnet, ...]:
        """The subnets of a VLAN."""
        return self._beside.get(vlan_id, ())

    @cached_property
    def _beside(self) -> dict[int, tuple[Subnet, ...]]:
        found: dict[int, tuple[Subnet, ...]] = {}
        for one in self.subnets:
            found[one.vlan_id] = (*found.get(one.vlan_id, ()), one)
        return found


def resolve(wanted: Sequence[WantedInterface], known: Networks) -> tuple[InterfaceRequest, ...]:
    """The NICs with every network looked up; Invalid naming label and piece of what is not known."""
    return tuple(_resolve(one, known) for one in wanted)


def _resolve(wanted: WantedInterface, known: Networks) -> InterfaceRequest:
    conditions = [_condition(wanted.label, term, known) for term in wanted.terms]
    addresses = []
    for ip in wanted.ips:
        subnet = known.holding(ip)
        if subnet is None:
            raise bad(f"{wanted.label}: ip={ip}: no subnet that is known holds it{_known(_subnet_names(known))}")
        addresses.append(WantedAddress(ip=ip, subnet_id=subnet.id))
        conditions.append(Condition(text=f"ip={ip} ({subnet.cidr})", about="subnet", accepted=(subnet.id,)))
    return InterfaceRequest(
        label=wanted.label,
        conditions=tuple(conditions),
        addresses=tuple(addresses),
        unconfigured=wanted.unconfigured,
    )


def _condition(label: str, term: Term, known: Networks) -> Condition:
    if term.key in _LOOKUPS:
        about, find, names = _LOOKUPS[term.key]
        accepted: list[int | str] = []
        for choice in term.choices:
            found = find(known, choice)
            if not found and not _is_empty(known, choice):
                key = f"not_{term.key}" if term.negated else term.key
                raise bad(f"{label}: {key}={choice}: there is no such {about}{_known(names(known))}")
            accepted += found
        return _made(term, about, accepted)
    if term.key in ("id", "vid", "link_speed"):
        return _made(term, term.key.removeprefix("link_"), [int(choice.value) for choice in term.choices])
    return _made(term, term.key, [choice.value for choice in term.choices])


def _is_empty(known: Networks, choice: Choice) -> bool:
    """Whether it goes by a space, fabric or VLAN that is there and has nothing in it: no slip, so no error."""
    find = {"space": spaces, "fabric": fabrics, "vlan": vlans}.get(choice.by[0] if choice.by else "")
    return find is not None and bool(find(known, Choice(by=choice.by[1:], value=choice.value)))


def _made(term: Term, about: str, accepted: Iterable[int | str]) -> Condition:
    return Condition(text=str(term), about=about, accepted=tuple(dict.fromkeys(accepted)), negated=term.negated)


def _known(names: Sequence[str]) -> str:
    """The end of a refusal: what there is instead."""
    if not names:
        return "; none is known yet"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"; known: {', '.join(names[:_MOST_NAMED])}{more}"


# --- one choice → the ids that it means


def fabrics(known: Networks, choice: Choice) -> list[int]:
    """Fabrics by name, id or "fabric-ID"; name:, id: and class: say which."""
    match choice.by:
        case ("class",):
            return [one.id for one in known.fabrics if one.class_type == choice.value]
        case _:
            return _named(known.fabrics, choice, prefix="fabric-")


def spaces(known: Networks, choice: Choice) -> list[int]:
    """Spaces by name or id; UNDEFINED (and its id) is the pseudo space."""
    if choice.value in (UNDEFINED, str(UNDEFINED_ID)):
        return [UNDEFINED_ID]
    return _named(known.spaces, choice)


def vlans(known: Networks, choice: Choice) -> list[int]:
    """VLANs; a plain number is a VLAN id (vid), as MAAS has it."""
    below = Choice(by=choice.by[1:], value=choice.value)
    match choice.by:
        case ("fabric", *_):
            ids = fabrics(known, below)
            return [one.id for one in known.vlans if one.fabric_id in ids]
        case ("space", *_):
            ids = spaces(known, below)
            return [one.id for one in known.vlans if _space_of(one) in ids]
        case ("subnet", *_):
            of = subnets(known, below)
            ids = [one.vlan_id for one in known.subnets if one.id in of]
            return [one.id for one in known.vlans if one.id in ids]
        case ("id",):
            return [one.id for one in known.vlans if one.id == int(choice.value)]
        case ("vid",):
            return [one.id for one in known.vlans if one.vid == int(choice.value)]
        case ("name",):
            return [one.id for one in known.vlans if one.name == choice.value]
        case _:
            vid = UNTAGGED if choice.value.lower() == "untagged" else _integer(choice.value)
            if vid is not None:
                return [one.id for one in known.vlans if one.vid == vid]
            return [one.id for one in known.vlans if one.name == choice.value]


def subnets(known: Networks, choice: Choice) -> list[int]:
    """Subnets by name, CIDR, id or "subnet-ID", or by what they belong to."""
    below = Choice(by=choice.by[1:], value=choice.value)
    match choice.by:
        case ("cidr",):
            return subnets_of_cidr(known, choice)
        case ("ip",):
            holding = known.holding(choice.value)
            return [holding.id] if holding else []
        case ("vid",):
            return _on(known, vlans(known, choice))
        case ("fabric" | "space", *_):
            return _on(known, vlans(known, choice))
        case ("vlan", *_):
            return _on(known, vlans(known, below))
        case ():
            return _named(known.subnets, choice, prefix="subnet-") or subnets_of_cidr(known, choice)
        case _:
            return _named(known.subnets, choice, prefix="subnet-")


def subnets_of_cidr(known: Networks, choice: Choice) -> list[int]:
    """The subnet of that range; [] also for what is no range."""
    try:
        cidr = str(ipaddress.ip_network(choice.value))
    except ValueError:
        return []
    return [known.by_cidr[cidr].id] if cidr in known.by_cidr else []


def _subnets_of_ip(known: Networks, choice: Choice) -> list[int]:
    return subnets(known, Choice(by=("ip",), value=choice.value))


def _fabric_classes(known: Networks, choice: Choice) -> list[str]:
    return [choice.value] if any(one.class_type == choice.value for one in known.fabrics) else []


def _on(known: Networks, vlan_ids: list[int]) -> list[int]:
    return [one.id for one in known.subnets if one.vlan_id in vlan_ids]


def _named(
    things: Sequence[Fabric] | Sequence[Space] | Sequence[Subnet], choice: Choice, prefix: str = ""
) -> list[int]:
    """By name, then by id, then by PREFIX-ID; "name:" and "id:" allow only the one."""
    if choice.by in ((), ("name",)):
        found = [one.id for one in things if one.name == choice.value]
        if found or choice.by:
            return found
    number = _integer(choice.value.removeprefix(prefix) if not choice.by else choice.value)
    return [one.id for one in things if one.id == number]


def _space_of(vlan: Vlan) -> int:
    return UNDEFINED_ID if vlan.space_id is None else vlan.space_id


def _integer(text: str) -> int | None:
    """A plain, hexadecimal (0x) or binary (0b) number, or None."""
    try:
        if text[:2].lower() in ("0x", "0b"):
            return int(text, 0)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
    except ValueError:
        return None


# --- what there is, for refusals


def _fabric_names(known: Networks) -> list[str]:
    return [one.name for one in known.fabrics]


def _class_names(known: Networks) -> list[str]:
    return sorted({one.class_type for one in known.fabrics if one.class_type})


def _space_names(known: Networks) -> list[str]:
    return [*(one.name for one in known.spaces), UNDEFINED]


def _vlan_names(known: Networks) -> list[str]:
    fabric = {one.id: one.name for one in known.fabrics}
    return [f"{one.vid or 'untagged'} of {fabric.get(one.fabric_id, '?')}" for one in known.vlans]


def _subnet_names(known: Networks) -> list[str]:
    return [one.cidr for one in known.subnets]


_Find = Callable[[Networks, Choice], Sequence[int | str]]
_LOOKUPS: dict[str, tuple[str, _Find, Callable[[Networks], list[str]]]] = {
    "fabric": ("fabric", fabrics, _fabric_names),
    "fabric_class": ("fabric_class", _fabric_classes, _class_names),
    "ip": ("subnet", _subnets_of_ip, _subnet_names),
    "space": ("space", spaces, _space_names),
    "subnet": ("subnet", subnets, _subnet_names),
    "subnet_cidr": ("subnet", subnets_of_cidr, _subnet_names),
    "vlan": ("vlan", vlans, _vlan_names),
}
