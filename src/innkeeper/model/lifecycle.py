"""The states of a machine, MAAS's numbers and names for them, and the moves that are allowed.

Numbers and moves are facts of MAAS's API that its clients rely on (they watch `status_name`).
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    NEW = 0
    COMMISSIONING = 1
    FAILED_COMMISSIONING = 2
    MISSING = 3
    READY = 4
    RESERVED = 5
    DEPLOYED = 6
    RETIRED = 7
    BROKEN = 8
    DEPLOYING = 9
    ALLOCATED = 10
    FAILED_DEPLOYMENT = 11
    RELEASING = 12
    FAILED_RELEASING = 13
    DISK_ERASING = 14
    FAILED_DISK_ERASING = 15
    RESCUE_MODE = 16
    ENTERING_RESCUE_MODE = 17
    FAILED_ENTERING_RESCUE_MODE = 18
    EXITING_RESCUE_MODE = 19
    FAILED_EXITING_RESCUE_MODE = 20
    TESTING = 21
    FAILED_TESTING = 22

    @property
    def label(self) -> str:
        """The `status_name` of the API: "Failed commissioning"."""
        return _LABELS.get(self, self.name.replace("_", " ").capitalize())


_LABELS = {
    Status.ENTERING_RESCUE_MODE: "Entering rescue mode",
    Status.FAILED_ENTERING_RESCUE_MODE: "Failed to enter rescue mode",
    Status.EXITING_RESCUE_MODE: "Exiting rescue mode",
    Status.FAILED_EXITING_RESCUE_MODE: "Failed to exit rescue mode",
    Status.DISK_ERASING: "Disk erasing",
}

# Every move that has a meaning here. A composed machine is never New; a deployed one becomes Ready only by being
# released; what is Missing comes back as what it was.
_S = Status
MOVES: dict[Status, frozenset[Status]] = {
    _S.NEW: frozenset({_S.COMMISSIONING, _S.READY, _S.MISSING, _S.BROKEN}),
    _S.COMMISSIONING: frozenset({_S.READY, _S.FAILED_COMMISSIONING, _S.MISSING, _S.BROKEN}),
    _S.FAILED_COMMISSIONING: frozenset({_S.COMMISSIONING, _S.MISSING, _S.BROKEN}),
    _S.READY: frozenset({_S.COMMISSIONING, _S.ALLOCATED, _S.MISSING, _S.BROKEN}),
    _S.ALLOCATED: frozenset({_S.DEPLOYING, _S.RELEASING, _S.READY, _S.MISSING, _S.BROKEN}),
    _S.DEPLOYING: frozenset(
        {_S.DEPLOYED, _S.FAILED_DEPLOYMENT, _S.ALLOCATED, _S.RELEASING, _S.MISSING, _S.BROKEN},
    ),
    _S.FAILED_DEPLOYMENT: frozenset({_S.RELEASING, _S.ALLOCATED, _S.MISSING, _S.BROKEN}),
    _S.DEPLOYED: frozenset({_S.RELEASING, _S.MISSING, _S.BROKEN}),
    _S.RELEASING: frozenset(
        {_S.READY, _S.FAILED_RELEASING, _S.ALLOCATED, _S.DEPLOYED, _S.FAILED_DEPLOYMENT, _S.MISSING, _S.BROKEN},
    ),
    _S.FAILED_RELEASING: frozenset({_S.RELEASING, _S.READY, _S.MISSING, _S.BROKEN}),
    _S.BROKEN: frozenset({_S.COMMISSIONING, _S.READY, _S.DEPLOYED, _S.RELEASING, _S.MISSING}),
    _S.MISSING: frozenset(
        {
            _S.READY,
            _S.ALLOCATED,
            _S.DEPLOYING,
            _S.DEPLOYED,
            _S.FAILED_DEPLOYMENT,
            _S.FAILED_RELEASING,
            _S.BROKEN,
            _S.COMMISSIONING,
        }
    ),
}
# A release may begin in these.
RELEASABLE = frozenset(
    {_S.ALLOCATED, _S.DEPLOYING, _S.DEPLOYED, _S.FAILED_DEPLOYMENT, _S.FAILED_RELEASING, _S.BROKEN},
)
# Commissioning may begin in these.
COMMISSIONABLE = frozenset({_S.NEW, _S.READY, _S.FAILED_COMMISSIONING, _S.BROKEN})
# Something is being done to it: it is aborted, or waited for.
BUSY = frozenset({_S.COMMISSIONING, _S.DEPLOYING, _S.RELEASING})
# There is no instance to switch on or off, or none for sure.
POWERLESS = frozenset({_S.COMMISSIONING, _S.FAILED_COMMISSIONING, _S.MISSING})
# Cores, memory and disks of a machine that is off may change in these.
RESIZABLE = frozenset(
    {_S.READY, _S.ALLOCATED, _S.DEPLOYED, _S.FAILED_DEPLOYMENT, _S.FAILED_RELEASING, _S.BROKEN},
)
# What a machine that was missing is again when it is found. What was being done to it then was not finished.
_FOUND = {
    _S.COMMISSIONING: _S.READY,
    _S.FAILED_COMMISSIONING: _S.READY,
    _S.NEW: _S.READY,
    _S.RELEASING: _S.FAILED_RELEASING,
}


def found_again(before: Status | None) -> Status:
    """What a missing machine becomes when its instance is back; `before`: what it was before it was missing."""
    if before is None or before == Status.MISSING:
        return Status.READY
    after = _FOUND.get(before, before)
    return after if after in MOVES[Status.MISSING] else Status.READY


def allowed(*, before: Status, after: Status) -> bool:
    """Whether a machine may go from one status to the other."""
    return before == after or after in MOVES.get(before, frozenset())


def safe(*, before: Status, earlier: Status | None, after: Status, used: bool) -> Status:
    """What a move really leads to. `earlier`: what it was before `before`; `used`: it ran since its disks were made.

    Nothing becomes Ready, for anybody to take, with what its last user left on its disks: it is Broken instead. Only
    one that was Ready already, and missing since, is that again.
    """
    was_ready = before == Status.READY or (before == Status.MISSING and earlier == Status.READY)
    return Status.BROKEN if after == Status.READY and used and not was_ready else after


def named(text: str) -> Status | None:
    """The status with that `status_name`, number or API name ("ready", "4", "Ready"), or None."""
    plain = text.strip().lower().replace("_", " ")
    return next((s for s in Status if plain in (s.label.lower(), s.name.lower().replace("_", " "), str(int(s)))), None)
