"""What a call returned, or the error it ended with, as the answer that clients understand."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import msgspec

from innkeeper.api.auth import CHALLENGE
from innkeeper.errors import InnkeeperError, Invalid, Unauthorized

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
_PIECE = 2**20  # bytes


class Spool:
    """JSON text that is written first and sent afterwards: the list of a large site is a hundred megabytes, and a
    slow client takes its time. What is long is on the disk meanwhile, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=4 * _PIECE)  # noqa: SIM115 (`sent` closes it)
        self.length = 0

    def write(self, text: bytes | bytearray) -> None:
        """Add to it. It may write to the disk: call it in a thread."""
        self.length += len(text)
        self._file.write(text)

    async def sent(self) -> AsyncIterator[bytes]:
        """All of it, piece by piece; then it is gone."""
        try:
            self._file.seek(0)
            while piece := await asyncio.to_thread(self._file.read, _PIECE):
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Forget it."""
        self._file.close()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer. It always has a Content-Type, also without a body: the stock CLI dies of a 204 without one."""

    status: int = 200
    body: str | bytes = b""
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)
    spool: Spool | None = None  # in place of `body`, for what would be too much in memory

    @property
    def raw(self) -> bytes:
        """The body as bytes."""
        return self.body.encode("utf-8", "replace") if isinstance(self.body, str) else self.body


def of(result: object) -> Answer:
    """A result as an answer: None is 204, bytes and a spool are JSON already, everything else becomes JSON."""
    if isinstance(result, Answer):
        return result
    if result is None:
        return Answer(status=204)
    if isinstance(result, Spool):
        return Answer(spool=result, content_type=JSON)
    if isinstance(result, bytes):
        return Answer(body=result, content_type=JSON)
    return Answer(body=_pretty(result), content_type=JSON)


def refusal(error: InnkeeperError) -> Answer:
    """An error as an answer: fields as JSON, all else as text.

    Never with Retry-After: Juju would wait and repeat where it has to go on to the next zone.
    """
    if isinstance(error, Invalid) and error.fields:
        return Answer(status=400, body=_pretty(error.fields), content_type=JSON)
    headers = {"WWW-Authenticate": CHALLENGE} if isinstance(error, Unauthorized) else {}
    return Answer(status=error.status, body=str(error), headers=headers)


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=4)
