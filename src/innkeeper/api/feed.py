"""The event feed of this process: one reader of the events table for any number of followers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import structlog

from innkeeper.store import events
from innkeeper.store.database import Database
from innkeeper.store.events import Event

log = structlog.get_logger(__name__)
INTERVAL = 0.5  # other processes' events are seen within this; our own at once
PAGE = 500


class Feed:
    """Wakes followers when there are events above what they have seen. The table is the truth: nothing can be lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nudged = asyncio.Event()
        self._turned = asyncio.Condition()
        self._last = 0
        self._followers = 0
        self._over = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = await self._database.reading(events.last)
        self._database.on_write(self._heard)
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def end(self) -> None:
        """End what follows, and what comes to follow: the process stops, and open streams must not hold it up."""
        async with self._turned:
            self._over = True
            self._turned.notify_all()

    async def rest(self, seconds: float) -> bool:
        """Wait so long; at once when the process stops. Whether it does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._turned:
                await self._turned.wait_for(lambda: self._over)
        return self._over

    def _heard(self, _events: list[dict[str, Any]]) -> None:
        if self._followers and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._nudged.set)

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(INTERVAL if self._followers else None):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            self._nudged.clear()
            if not self._followers:
                continue
            try:
                last = await self._database.reading(events.last)
            except Exception as error:
                log.warning("could not read the events", error=str(error))
                await asyncio.sleep(INTERVAL)
                continue
            if last != self._last:
                async with self._turned:
                    self._last = last
                    self._turned.notify_all()

    async def follow(self, *, cursor: int, idle: float = 15.0, **which: Any) -> AsyncGenerator[list[Event]]:
        """Events above `cursor` as they come, oldest first; an empty list each `idle` seconds without any."""
        self._followers += 1
        self._nudged.set()
        try:
            while not self._over:
                known = self._last  # before the page is read: what comes meanwhile is not in it
                page = await self._database.reading(events.after, cursor=cursor, limit=PAGE, **which)
                seen = page[-1].id if len(page) == PAGE else max(cursor, known, page[-1].id if page else 0)
                if page:
                    yield page
                    cursor = page[-1].id
                    if len(page) == PAGE:
                        continue
                try:
                    async with asyncio.timeout(idle), self._turned:
                        await self._turned.wait_for(lambda seen=seen: self._over or self._last > seen)  # type: ignore[misc]
                except TimeoutError:
                    yield []
        finally:
            self._followers -= 1
