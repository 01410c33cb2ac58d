"""How a state is shown beside its word: good, busy, warn, bad, off. Colour is never alone."""

from __future__ import annotations

from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import BUSY, Status
from innkeeper.model.machine import PowerState
from innkeeper.model.notices import CERTIFICATE_DAYS
from innkeeper.store.operations import State

_HOSTS = {
    HostState.READY: "good",
    HostState.ADDING: "busy",
    HostState.REMOVING: "busy",
    HostState.WAITING: "warn",
    HostState.DEGRADED: "warn",
}
_BAD = (Status.BROKEN, Status.MISSING)
_OPERATIONS = {State.RUNNING: "busy", State.UNDOING: "warn", State.DONE: "good", State.FAILED: "bad"}


def of_host(state: HostState) -> str:
    """A VM host's state."""
    return _HOSTS.get(state, "bad")


def of_status(status: Status) -> str:
    """A machine's status."""
    if status in BUSY:
        return "busy"
    if status in _BAD or status.label.startswith("Failed"):
        return "bad"
    return "warn" if status == Status.NEW else "good"


def of_power(power: PowerState) -> str:
    """A machine's power."""
    return {PowerState.ON: "good", PowerState.OFF: "off"}.get(power, "warn")


def of_operation(state: str) -> str:
    """An operation's state."""
    return _OPERATIONS.get(State(state), "bad")


def of_days(left: int | None) -> str:
    """The days left of a certificate, as notices tell them; None: not known."""
    if left is None:
        return "off"
    if left <= CERTIFICATE_DAYS[-1]:
        return "bad"
    return "warn" if left <= CERTIFICATE_DAYS[0] else "good"
