"""NICs on one host: which of its interfaces each hangs on, and how. Pure. What a host has to choose from: `offer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import NamedTuple

from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import Condition, InterfaceRequest, WantedAddress, nic_name
from innkeeper.model.network import HostNetwork
from innkeeper.model.network_names import Networks
from innkeeper.placement.arrangement import assign, shared_out, ways
from innkeeper.placement.offer import Offer, Option


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


class Obstacle(NamedTuple):
    """What stands against a NIC, in words. `about`: the constraint, in a word; `passing`: as things stand now."""

    text: str
    about: str = "interfaces"
    passing: bool = False


def place(
    *,
    hostname: str,
    interfaces: Sequence[HostInterface],
    networks: Sequence[HostNetwork],
    known: Networks,
    wanted: Sequence[InterfaceRequest],
    macvlan_mode: str,
    there: Sequence[Condition] = (),
    not_there: Sequence[Condition] = (),
) -> tuple[tuple[PlacedInterface, ...], tuple[str, ...]]:
    """Where each wanted NIC hangs, and what stands against it in words. Nothing wanted: one, on the best network."""
    offer = Offer(hostname=hostname, interfaces=tuple(interfaces), networks=tuple(networks), known=known)
    placed, against = place_on(offer, wanted=wanted, macvlan_mode=macvlan_mode, there=there, not_there=not_there)
    return placed, tuple(one.text for one in against)


def place_on(
    offer: Offer,
    *,
    wanted: Sequence[InterfaceRequest],
    macvlan_mode: str,
    there: Sequence[Condition] = (),
    not_there: Sequence[Condition] = (),
) -> tuple[tuple[PlacedInterface, ...], tuple[Obstacle, ...]]:
    """See `place`. `there`: each must hold of some NIC; where no NICs are wanted, as few are made as that needs.
    `not_there`: negated conditions, which hold of every NIC."""
    requests = tuple(wanted) or (() if there else (InterfaceRequest(label="eth0"),))
    if not_there:
        requests = tuple(replace(one, conditions=(*one.conditions, *not_there)) for one in requests)
    fitting = [ways(offer, one.conditions) for one in requests]
    if any(one.addresses for one in requests):
        keeping = [
            [way for way in found if not _gives_away(way, one)] for one, found in zip(requests, fitting, strict=True)
        ]
        pairs = zip(requests, fitting, keeping, strict=True)
        if unkept := tuple(_unkept(one, found) for one, found, kept in pairs if found and not kept):
            return (), unkept
        fitting = keeping
    chosen = assign(fitting)
    if there and len(chosen) == len(requests):
        before = [(one, chosen[at]) for at, one in enumerate(requests)]
        shared = shared_out(offer, before, there, more=None if wanted else tuple(not_there))
        if shared is None:
            return (), _apart(offer, requests, there, not_there)
        return tuple(_placed(option, nic, offer.known, macvlan_mode) for nic, option in shared), ()
    against = [_lacking(one, offer) for one, found in zip(requests, fitting, strict=True) if not found]
    placed = []
    for position, request in enumerate(requests):
        if option := chosen.get(position):
            placed.append(_placed(option, request, offer.known, macvlan_mode))
        elif fitting[position]:
            against.append(_crowded(request, fitting[position]))
    return tuple(placed), tuple(against)


def _placed(option: Option, request: InterfaceRequest, known: Networks, macvlan_mode: str) -> PlacedInterface:
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
        why=_why(option, request),
        label=request.label,
        tag=option.tag,
        vlan_id=option.reach.vlan_id,
        subnet_id=_subnet(option, request, known),
        addresses=request.addresses,
        unconfigured=request.unconfigured,
    )


def _why(option: Option, request: InterfaceRequest) -> str:
    asked = "it was asked for" if request.conditions else "of what is up, bridges come first, then bonds, then others"
    down = "" if option.interface.up else f"; {option.interface.name} is down"
    return f"{option.why or asked}{down}"


def _subnet(option: Option, request: InterfaceRequest, known: Networks) -> int | None:
    """The subnet that the NIC is linked to: one that was asked for, the host's own, IPv4 before IPv6.

    Of several that must be there together (IPv4 and IPv6 of one network) one is asked for as much as the other.
    """
    narrowing = [one for one in request.conditions if one.about == "subnet" and one.accepted]
    asked = [one for one in narrowing if not one.negated]
    ids = [id for id in option.reach.subnet_ids if not any(one.negated and id in one.accepted for one in narrowing)]
    ids = [id for id in ids if all(id in one.accepted for one in asked)] or [
        id for id in ids if any(id in one.accepted for one in asked)
    ]
    found = [one for id in ids if (one := known.subnet(id)) is not None]
    if not found:
        return None
    own = set(option.interface.subnets)
    return min(found, key=lambda one: (one.cidr not in own, ":" in one.cidr, one.id)).id


# --- what stands against it, in words


def _lacking(request: InterfaceRequest, offer: Offer) -> Obstacle:
    what = request.words
    if not offer.all_up and (down := offer.direct.meeting(request.conditions)):  # else it would have been taken
        which = f"interface with {what}" if what else "network to attach a VM to"
        text = f"no {which} is up; it has {offer.described}; name={down[0].interface.name} takes one that is down"
        return Obstacle(text, passing=True)
    asked = f"no interface with {what} for {request.label}" if what else "no network to attach a VM to"
    return Obstacle(f"{asked}; it has {offer.described}")


def _gives_away(option: Option, request: InterfaceRequest) -> tuple[str, ...]:
    """Addresses of a NIC that the DHCP of a host's own network would give to others: it keeps one of a version."""
    if not option.interface.managed or option.tag:
        return ()
    asked = [ip_address(one.ip) for one in request.addresses]
    for version in option.interface.fixed:
        found = tuple(str(one) for one in asked if one.version == version)
        if len(found) > 1:
            return found
    return ()


def _unkept(request: InterfaceRequest, fitting: Sequence[Option]) -> Obstacle:
    names = " and ".join(dict.fromkeys(one.interface.name for one in fitting))
    return Obstacle(
        f"{request.label} asks for {' and '.join(_gives_away(fitting[0], request))}: the DHCP of {names} keeps one "
        "address of an IP version for a NIC, and would give another away; ask for one, or for a network without it"
    )


def _crowded(request: InterfaceRequest, fitting: Sequence[Option]) -> Obstacle:
    names = " and ".join(dict.fromkeys(one.interface.name for one in fitting))
    return Obstacle(
        f"{request.label} could only be on {names}, where another NIC of the machine is: "
        "a VM can have one NIC on each managed network"
    )


def _apart(
    offer: Offer, requests: Sequence[InterfaceRequest], there: Sequence[Condition], not_there: Sequence[Condition]
) -> tuple[Obstacle, ...]:
    """Why no NICs that can be on this host meet all that must be there."""
    if requests:
        lacking = [one for one in there if not any(ways(offer, (one, *nic.conditions)) for nic in requests)]
        words = [f"no NIC of it would be on {one.text}; it has {offer.described}" for one in lacking]
    else:
        lacking = [one for one in there if not ways(offer, (one, *not_there))]
        words = [f"no interface with {_texts((one, *not_there))}; it has {offer.described}" for one in lacking]
    together = f"its NICs cannot be on {_texts(there)} together; it has {offer.described}"
    return tuple(Obstacle(text, about="networks") for text in words or [together])


def _texts(conditions: Sequence[Condition]) -> str:
    return " and ".join(one.text for one in conditions)
