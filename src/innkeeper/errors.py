"""The errors of Innkeeper. Each says what is wrong, why, and what to do about it.

InnkeeperError
├── Invalid              400  the request says something that cannot be (fields: which one)
├── Unauthorized         401  no key, or a key that is not known
├── Forbidden            403  known, but not allowed to
├── NotFound             404  no such thing
├── Conflict             409  cannot be done as things stand (state, name, duplicate)
│   ├── OverLimit        409  a limit would be passed: resource, ratio, free, asked
│   └── LimitsUnknown    409  the host has not told its resources yet
├── HostFailure          503  the hypervisor did not do it
│   ├── HostUnreachable  503  no answer (down, refused, timed out, cut)
│   ├── HostUntrusted    503  it answers, but does not accept our credentials
│   ├── HostChanged      503  its certificate is not the one that was pinned
│   ├── HostRefused      503  it answered no, in its own words
│   └── StillRunning     503  it did not do it yet: the operation goes on by itself
├── Unavailable          503  our own database does not answer, or is too busy to
└── Misconfigured        500  this server is set up wrongly (wrong key file, old database)

The tree is the catalogue of the API: `status` is the HTTP status it becomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRecord:
    """An error as it is stored with an operation and read back."""

    name: str
    brief: str
    details: str = ""
    resolution: str = ""


class InnkeeperError(Exception):
    """Base of all: `brief` in one line, `details` (the why, the other side's words), `resolution`."""

    status = 500

    def __init__(self, brief: str, *, details: str = "", resolution: str = "") -> None:
        super().__init__(brief)
        self.brief, self.details, self.resolution = brief, details, resolution

    def __str__(self) -> str:
        return " ".join(part for part in (self.brief, self.details, self.resolution) if part)

    def record(self) -> ErrorRecord:
        """This error as data, to be stored."""
        return ErrorRecord(type(self).__name__, self.brief, self.details, self.resolution)


class Invalid(InnkeeperError):
    """`fields` names the pieces: {field: [messages]}; empty means the whole request."""

    status = 400

    def __init__(
        self,
        brief: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        details: str = "",
        resolution: str = "",
    ) -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}


class Unauthorized(InnkeeperError):
    status = 401


class Forbidden(InnkeeperError):
    status = 403


class NotFound(InnkeeperError):
    status = 404


class Conflict(InnkeeperError):
    status = 409


class OverLimit(Conflict):
    """A claim that would pass a limit."""


class LimitsUnknown(Conflict):
    """The host has not told its resources yet, so nothing can be promised."""


class HostFailure(InnkeeperError):
    status = 503


class HostUnreachable(HostFailure):
    """No answer at all: outcome unknown for whatever was asked."""


class HostUntrusted(HostFailure):
    """The host answers but does not accept our credentials."""


class HostChanged(HostFailure):
    """The host shows another certificate than the one pinned."""


class HostRefused(HostFailure):
    """The host said no; `details` holds its own words, `code` its HTTP status (0: none)."""

    def __init__(self, brief: str, *, details: str = "", resolution: str = "", code: int = 0) -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.code = code


class StillRunning(HostFailure):
    """Nobody waits any longer; the operation goes on by itself. `operation`: its id."""

    def __init__(self, brief: str, *, details: str = "", resolution: str = "", operation: str = "") -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.operation = operation


class Unavailable(InnkeeperError):
    """The database is away or too busy; asked again later it may work. Outcome unknown for a change."""

    status = 503


class Misconfigured(InnkeeperError):
    status = 500


def _tree(root: type[InnkeeperError]) -> dict[str, type[InnkeeperError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


def recall(record: ErrorRecord) -> InnkeeperError:
    """The error that was stored, as an exception again (unknown names become InnkeeperError)."""
    kind = _tree(InnkeeperError).get(record.name, InnkeeperError)
    return kind(record.brief, details=record.details, resolution=record.resolution)


def as_record(error: BaseException) -> ErrorRecord:
    """Any exception as data; one that is not ours keeps its type's name in the text."""
    if isinstance(error, InnkeeperError):
        return error.record()
    return ErrorRecord("InnkeeperError", f"Internal error: {type(error).__name__}", details=str(error))
