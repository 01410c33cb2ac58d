"""One who watches a console. Slow ones keep nobody waiting: what is too much for them is dropped, and they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from innkeeper.model.console import Notice, Queue, Word

Type = Callable[[bytes], Awaitable[bool]]  # whether it went anywhere


class Viewer:
    """See the module."""

    def __init__(self, type: Type, *, stays: bool, relays: bool = False) -> None:
        self.stays = stays  # when the machine becomes another's: an administrator does
        self.relays = relays  # another process, for its own viewers
        self.again = False  # whether it is only this server that ends: another connection may have the console
        self._type, self._queue = type, Queue()
        self._fresh = asyncio.Event()
        self._over = False

    async def next(self) -> bytes | Notice | None:
        """The next piece of text or words of ours; None: it is over."""
        while (piece := self._queue.take()) is None:
            if self._over:
                return None
            self._fresh.clear()
            await self._fresh.wait()
        return piece

    async def type(self, data: bytes) -> None:
        """Type something; where no console is open the viewer is told that it went nowhere."""
        if not await self._type(data):
            self.put(Notice(word=Word.DROPPED, text="No console is open now: what you typed went nowhere."))

    def put(self, piece: bytes | Notice) -> None:
        """Have it read by `next`."""
        self._queue.put(piece)
        self._fresh.set()

    def end(self, text: str, *, again: bool = False) -> None:
        """The last words."""
        if not self._over:
            self._over, self.again = True, again
            self.put(Notice(word=Word.ENDED, text=text))
