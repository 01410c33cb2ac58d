"""NICs on one host: which of its interfaces each hangs on, and how. Pure. What a host has to choose from: `offer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import InterfaceRequest, WantedAddress, nic_name
from innkeeper.model.network import HostNetwork
from innkeeper.model.network_names import Networks
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
    offer = Offer(hostname=hostname, interfaces=tuple(interfaces), networks=tuple(networks), known=known)
    return place_on(offer, wanted=wanted, macvlan_mode=macvlan_mode)


def place_on(
    offer: Offer, *, wanted: Sequence[InterfaceRequest], macvlan_mode: str
) -> tuple[tuple[PlacedInterface, ...], tuple[str, ...]]:
    """See `place`."""
    requests = wanted or (InterfaceRequest(label="eth0"),)
    fitting, against = [], []
    for request in requests:
        found = offer.direct.meeting(request.conditions) or _by_tag(offer, request)
        if not found:
            against.append(_lacking(request, offer))
        fitting.append(found)
    chosen = _assign(fitting)
    placed = []
    for position, request in enumerate(requests):
        if option := chosen.get(position):
            placed.append(_placed(option, request, offer.known, macvlan_mode, asked=bool(wanted)))
        elif fitting[position]:
            against.append(_crowded(request, fitting[position]))
    return tuple(placed), tuple(against)


def _by_tag(offer: Offer, request: InterfaceRequest) -> list[Option]:
    """Ways to reach by a tag what no interface of the host is on, for who asks for it."""
    if not offer.tagged.all:
        return []
    asks = any(one.about in ("vlan", "vid", "subnet", "space") and not one.negated for one in request.conditions)
    return offer.tagged.meeting(request.conditions) if asks else []


def _assign(fitting: Sequence[Sequence[Option]]) -> dict[int, Option]:
    """An option for each position, best first, so that as many as can be have one (augmenting paths): of a managed
    network a VM can have one NIC only."""
    chosen: dict[int, Option] = {}
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
    option: Option, request: InterfaceRequest, known: Networks, macvlan_mode: str, *, asked: bool
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


def _subnet(option: Option, request: InterfaceRequest, known: Networks) -> int | None:
    """The subnet that the NIC is linked to: one that was asked for, the host's own, IPv4 before IPv6."""
    narrowing = [one for one in request.conditions if one.about == "subnet"]
    ids = [
        id
        for id in option.reach.subnet_ids
        if all((id in one.accepted) != one.negated for one in narrowing if one.accepted)
    ]
    found = [one for id in ids if (one := known.subnet(id)) is not None]
    if not found:
        return None
    own = set(option.interface.subnets)
    return min(found, key=lambda one: (one.cidr not in own, ":" in one.cidr, one.id)).id


# --- what stands against it, in words


def _lacking(request: InterfaceRequest, offer: Offer) -> str:
    what = " and ".join(one.text for one in request.conditions)
    asked = f"no interface with {what} for {request.label}" if what else "no network to attach a VM to"
    return f"{asked}; it has {offer.described}"


def _crowded(request: InterfaceRequest, fitting: Sequence[Option]) -> str:
    names = " and ".join(dict.fromkeys(one.interface.name for one in fitting))
    return (
        f"{request.label} could only be on {names}, where another NIC of the machine is: "
        "a VM can have one NIC on each managed network"
    )
