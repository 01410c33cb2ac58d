"""The text of a serial console: a ring of its end, a bounded queue for who reads it, and its lines without codes."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

RING = 64 * 1024  # bytes of a console's end that are kept
BEHIND = 256 * 1024  # bytes that a viewer may be behind before text is dropped for them

_JOINED = 4096  # bytes: smaller pieces are put together
# What steers a terminal: CSI and OSC sequences, other escapes, and control characters but line feed and tab.
_CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
# What a terminal answers to, as if somebody typed: what it is, where its cursor is, its size, modes and colours.
_QUESTIONS = re.compile(
    rb"\x1b\[(?:[?>=]?[0-9;]*[cn]|\??[0-9;]*\$p|[0-9;]*[tx]|>[0-9;]*q|\?u)"
    rb"|\x1b\][^\x07\x1b]*;\?(?:\x07|\x1b\\)|\x1bP[$+]q[^\x1b]*\x1b\\|\x1bZ|\x05"
)


class Ring:
    """The last bytes of a stream; what was lost at the beginning is lost by whole lines."""

    def __init__(self, size: int = RING) -> None:
        self._size, self._kept, self._lossy = size, bytearray(), False

    def add(self, data: bytes) -> None:
        """Append; the oldest bytes beyond the size go."""
        self._kept += data
        if len(self._kept) > self._size:
            del self._kept[: len(self._kept) - self._size]
            self._lossy = True

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._lossy = False

    def read(self) -> bytes:
        """What is kept, from the beginning of a line where its first one is not whole."""
        kept = bytes(self._kept)
        return kept[kept.find(b"\n") + 1 :] if self._lossy else kept


class Word(StrEnum):
    """What a viewer is told between the pieces of text."""

    OPENED = "opened"  # text comes from now on
    WAITING = "waiting"  # there is no console now, and it is opened again when there is one
    DROPPED = "dropped"  # text, because the viewer was too slow, or input, because no console is open
    ENDED = "ended"  # nothing comes any more


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Words of ours for a viewer."""

    word: Word
    text: str


class Queue:
    """Text and notices for one viewer. Beyond the limit the oldest text is dropped, and that is told."""

    def __init__(self, limit: int = BEHIND) -> None:
        self._limit, self._pieces, self._size, self._dropped = limit, deque[bytes | Notice](), 0, 0

    def put(self, piece: bytes | Notice) -> None:
        """Add a piece. Notices are never dropped."""
        last = self._pieces[-1] if self._pieces else None
        if isinstance(piece, bytes) and isinstance(last, bytes) and len(last) < _JOINED:
            self._pieces[-1] = last + piece  # a guest prints letter by letter
        else:
            self._pieces.append(piece)
        if isinstance(piece, bytes):
            self._size += len(piece)
            self._drop()

    def _drop(self) -> None:
        notices = []
        while (over := self._size - self._limit) > 0:
            piece = self._pieces.popleft()
            if isinstance(piece, Notice):
                notices.append(piece)
                continue
            lost = min(over, len(piece))
            self._size -= lost
            self._dropped += lost
            if lost < len(piece):
                self._pieces.appendleft(piece[lost:])
        self._pieces.extendleft(reversed(notices))

    def take(self) -> bytes | Notice | None:
        """The next piece, None when there is none now."""
        if self._dropped:
            text = f"{self._dropped} bytes were left out here: you read slower than the machine prints."
            self._dropped = 0
            return Notice(word=Word.DROPPED, text=text)
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        if isinstance(piece, bytes):
            self._size -= len(piece)
        return piece


def retold(data: bytes) -> bytes:
    """What was printed before, for a terminal now: without the questions in it. Its answers would be typed into a
    guest that did not ask, and the firmware of one that starts takes them for a key to its menu."""
    return _QUESTIONS.sub(b"", data)


def plain(data: bytes) -> str:
    """The text without what steers a terminal: lines end in \\n, and nothing in it can harm who prints it."""
    return _CODES.sub("", data.decode("utf-8", "replace").replace("\r\n", "\n"))


def last_lines(data: bytes, count: int) -> str:
    """The last lines of the plain text that are not empty."""
    lines = [line.rstrip() for line in plain(data).splitlines() if line.strip()]
    return "\n".join(lines[-count:]) if count > 0 else ""
