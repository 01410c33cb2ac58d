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

# Part 1 moves machines between these only; later parts add their rows.
MOVES: dict[Status, frozenset[Status]] = {
    Status.COMMISSIONING: frozenset({Status.READY, Status.FAILED_COMMISSIONING, Status.MISSING}),
    Status.FAILED_COMMISSIONING: frozenset({Status.COMMISSIONING, Status.MISSING}),
    Status.READY: frozenset({Status.MISSING, Status.COMMISSIONING}),
    Status.DEPLOYED: frozenset({Status.MISSING}),
    Status.MISSING: frozenset({Status.READY, Status.DEPLOYED, Status.COMMISSIONING}),
}


def allowed(*, before: Status, after: Status) -> bool:
    """Whether a machine may go from one status to the other."""
    return before == after or after in MOVES.get(before, frozenset())


def named(text: str) -> Status | None:
    """The status with that `status_name`, number or API name ("ready", "4", "Ready"), or None."""
    plain = text.strip().lower().replace("_", " ")
    return next((s for s in Status if plain in (s.label.lower(), s.name.lower().replace("_", " "), str(int(s)))), None)
