"""Which NICs a machine gets, and what each can hang on: they share the networks that must be there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from innkeeper.model.interface_constraints import MOST_LABELS, Condition, InterfaceRequest
from innkeeper.placement.offer import Offer, Option

MOST_TRIES = 200  # of sharing out on one host; what is asked for in earnest takes a few


def ways(offer: Offer, conditions: Sequence[Condition], *, up: bool = False) -> list[Option]:
    """What a NIC can hang on, best first. What is down only when something was asked for that it has, and not `up`.

    By a tag only who asks for a network that no interface of the host is on.
    """
    found = offer.direct.meeting(conditions) or _by_tag(offer, conditions)
    if up or not conditions or (conditions[0].negated and all(one.negated for one in conditions)):
        return [one for one in found if one.interface.up]
    return found


def _by_tag(offer: Offer, conditions: Sequence[Condition]) -> list[Option]:
    if not offer.tagged.all:
        return []
    asks = any(one.about in ("vlan", "vid", "subnet", "space") and not one.negated for one in conditions)
    return offer.tagged.meeting(conditions) if asks else []


def assign(fitting: Sequence[Sequence[Option]]) -> dict[int, Option]:
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


Placing = tuple[InterfaceRequest, Option]  # a NIC, and what it hangs on


def shared_out(
    offer: Offer,
    placed: Sequence[Placing],
    there: Sequence[Condition],
    *,
    more: tuple[Condition, ...] | None = None,
) -> tuple[Placing, ...] | None:
    """NICs that can all be on this host, with every condition of `there` added to one of them; None: there are none.

    `placed`: where they are without `there`. `more`: conditions of a NIC that is added where no other can take a
    condition; None: none is added. What is down serves only where what is up does not. The same each time it is asked.
    """
    wanted = tuple(dict.fromkeys(there))
    if found := _met_already(placed, wanted):
        return found
    nics = tuple(nic for nic, _ in placed)
    hopeful = (*nics, InterfaceRequest(label="", conditions=more)) if more is not None else nics
    for condition in wanted:
        if not any(ways(offer, _with(nic, condition).conditions) for nic in hopeful):
            return None
    found = _Sharing(offer=offer, there=wanted, more=more, up=True).among(nics, 0)
    if found is None and not offer.all_up:
        found = _Sharing(offer=offer, there=wanted, more=more, up=False).among(nics, 0)
    return found


def _met_already(placed: Sequence[Placing], there: Sequence[Condition]) -> tuple[Placing, ...] | None:
    """The NICs where they are anyway, when every condition holds there: so it is on most hosts that fit."""
    if not all(option.interface.up for _, option in placed):
        return None
    found = list(placed)
    for condition in there:
        at = next((at for at, (_, option) in enumerate(found) if option.reach.meets(condition)), None)
        if at is None:
            return None
        found[at] = (_with(found[at][0], condition), found[at][1])
    return tuple(found)


def _with(nic: InterfaceRequest, condition: Condition) -> InterfaceRequest:
    """A NIC of which that must hold too. First what is not negated: by it ways are found quickest."""
    before = nic.conditions
    found = (*before, condition) if before and not before[0].negated else (condition, *before)
    return replace(nic, conditions=found)


@dataclass(kw_only=True)
class _Sharing:
    """One condition after the other goes to the first NIC that can have it too; the next one, if that ends badly."""

    offer: Offer
    there: tuple[Condition, ...]
    more: tuple[Condition, ...] | None
    up: bool
    _left: int = field(default=MOST_TRIES)

    def among(self, nics: tuple[InterfaceRequest, ...], position: int) -> tuple[Placing, ...] | None:
        self._left -= 1
        if self._left < 0:
            return None
        if position == len(self.there):
            chosen = assign([self._ways(nic) for nic in nics])
            return tuple((nic, chosen[at]) for at, nic in enumerate(nics)) if len(chosen) == len(nics) else None
        condition = self.there[position]
        choices = [(*nics[:at], _with(nic, condition), *nics[at + 1 :]) for at, nic in enumerate(nics)]
        if self.more is not None and len(nics) < MOST_LABELS:
            added = InterfaceRequest(label=f"eth{len(nics)}", conditions=self.more)
            choices.append((*nics, _with(added, condition)))
        for at, choice in enumerate(choices):
            if self._ways(choice[at]):
                found = self.among(choice, position + 1)
                if found is not None:
                    return found
        return None

    def _ways(self, nic: InterfaceRequest) -> list[Option]:
        return ways(self.offer, nic.conditions, up=self.up)
