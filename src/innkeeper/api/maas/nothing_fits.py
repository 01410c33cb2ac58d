"""The 409 of an allocate: which constraint failed on how many machines and hosts.

Its first words are those that clients know (facts of MAAS's API).
"""

from __future__ import annotations

from collections.abc import Mapping

from innkeeper.api.maas.values import Values
from innkeeper.api.maas.wishes import CONSTRAINTS
from innkeeper.errors import Conflict
from innkeeper.model.allocation import Wish
from innkeeper.placement.decide import Decision
from innkeeper.placement.fit import Reason
from innkeeper.store.allocation import Looked

_ADDRESS = Reason("conflict", "the address is taken", "address")
_MOST = 3  # hosts whose own reasons are told; all are kept nowhere, for there is no machine


def refusal(
    values: Values, wish: Wish, looked: Looked, decision: Decision | None = None, *, taken: Conflict | None = None
) -> Conflict:
    """Why no machine is there and none is made. `taken`: an address that was asked for, and who has it."""
    parts = [_machines(looked), _hosts(decision)]
    if taken is None:
        return Conflict(_brief(values, wish), details=" ".join(parts))
    if decision is not None:
        parts[1] = _hosts(decision.against_all(_ADDRESS))
    said = " ".join(part for part in (taken.brief, taken.details, *parts) if part)
    return Conflict(_brief(values, wish), details=said, resolution=taken.resolution)


def _brief(values: Values, wish: Wish) -> str:
    if wish.system_id:
        return f"No machine with system ID {wish.system_id} available."
    sent = {one.name: [str(item) for item in values.items[one.name]] for one in CONSTRAINTS if one.name in values.sent}
    asked = {name: items for name, items in sent.items() if any(items)}
    if not asked:
        return "No machine available."
    resolved = " ".join(f"{name}={','.join(items)}" for name, items in asked.items())
    return f'No available machine matches constraints: {list(asked.items())} (resolved to "{resolved}").'


def _machines(looked: Looked) -> str:
    if not looked.ready:
        return "No machine is Ready."
    number = "1 machine is" if looked.ready == 1 else f"{looked.ready} machines are"
    if looked.fitting:
        return (
            f"{number} Ready; those that fit were taken just now, or are being worked on, or are held off by a group."
        )
    return f"{number} Ready: {_counted(looked.failed, 'machine')}."


def _hosts(decision: Decision | None) -> str:
    if decision is None:
        return "None is composed for a request by system_id, name or tags."
    number = len(decision.verdicts)
    if not number:
        return "There is no VM host to compose one on."
    told = [f"{one.host}: {'; '.join(each.text for each in one.reasons)}" for one in decision.verdicts[:_MOST]]
    rest = f"; and {number - _MOST} more" if number > _MOST else ""
    which = "The VM host cannot" if number == 1 else f"None of the {number} VM hosts can"
    return f"{which} hold a new one: {_counted(decision.failed, 'host')}. {'. '.join(told)}{rest}."


def _counted(failed: Mapping[str, int], what: str) -> str:
    """ "mem fails on 2 machines, zone on 1"."""
    parts = [f"{name} fails on {count} {what}{'s' if count > 1 else ''}" for name, count in failed.items()]
    return ", ".join(parts) or "nothing is known against them"
