"""Why something cannot be done with a machine, in words. Whether it can is `machine_case`'s to say."""

from __future__ import annotations

from collections.abc import Callable

from innkeeper.model.lifecycle import BUSY, POWERLESS, Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.web.machine_case import AWAY, Case

Why = Callable[[Case], str]
_HOST = "It stands for a VM host."


def barred(case: Case, name: str) -> str:
    """What stands in the way of everything: it is another user's, or locked. "": nothing does."""
    one = case.one
    if not case.mine and not (case.free and name == "deploy"):
        return f"It is {one.owner}'s." if one.owner else "It is nobody's, and you did not compose it."
    return "It is locked." if one.locked and name not in ("lock", "unlock") else ""


def power(state: PowerState) -> Why:
    """Of switching it to that state."""

    def why(case: Case) -> str:
        if case.host is None:
            return f"{_HOST[:-1]}: its power is not switched from here."
        if case.status not in POWERLESS and case.one.power_state == state:
            return f"It is {state} already."
        return ""

    return why


def not_ours(case: Case) -> str:
    if case.one.origin == Origin.HOST:
        return _HOST
    return "" if case.ours else "It was there before Innkeeper."


def undeployable(case: Case) -> str:
    if why := not_ours(case):
        return why
    if case.host is not None and case.host.state in AWAY:
        return f"Its VM host {case.host.name} is {case.host.state}."
    if case.status == Status.READY and case.work:
        return f"It is busy: {case.work[0].replace('_', ' ')}."
    return f"It is {case.status.label}: only what is Ready or Allocated is deployed."


def unreleasable(case: Case) -> str:
    return not_ours(case) or f"It is {case.status.label}: there is nothing to release."


def unabortable(case: Case) -> str:
    return f"It is {case.status.label}: there is nothing to abort."


def unbreakable(case: Case) -> str:
    if case.one.origin == Origin.HOST:
        return _HOST
    return f"It is {case.status.label}: abort that, or wait for its end." if case.status in BUSY else ""


def unfixable(case: Case) -> str:
    if case.status != Status.BROKEN:
        return f"It is {case.status.label}, not Broken."
    return f"It is {case.one.owner}'s, and was not deployed: release it."


def unlockable(case: Case) -> str:
    return _HOST if case.one.origin == Origin.HOST else "It is locked already."


def not_locked(_: Case) -> str:
    return "It is not locked."


def undeletable(case: Case) -> str:
    if case.one.origin == Origin.HOST:
        return f"{_HOST[:-1]}: remove the VM host instead."
    return "Somebody else composed it: release it, an administrator deletes it."


def untagged(_: Case) -> str:
    return "It has no tags."


def nothing(_: Case) -> str:
    return ""
