"""Wait for an operation to end without a thread or a connection per waiter.

One task asks the database about all the waited-for ids at once. The row is the truth, so no notification can be
lost; `nudge` (an ending in this process) only makes it sooner.
"""

from __future__ import annotations

import asyncio

import structlog

from innkeeper.store import operations
from innkeeper.store.database import Database

log = structlog.get_logger(__name__)
CHUNK = 500


class Endings:
    """The waiters of this process."""

    def __init__(self, database: Database, *, interval: float = 0.2) -> None:
        self._database, self._interval = database, interval
        self._waiting: dict[str, list[asyncio.Future[str | None]]] = {}
        self._over = False
        self._nudged = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.queries = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def let_go(self) -> None:
        """The process stops: who waits, or comes to wait, hears how things stand. Call it in the event loop."""
        self._over = True
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)

    def nudge(self) -> None:
        """Ask now. Call it in the event loop."""
        self._nudged.set()

    async def of(self, id: str, *, timeout: float) -> str | None:
        """The state in which an operation's outcome became clear; None when the time (seconds) is over first."""
        if self._over:
            return None
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(id, []).append(future)
        self._nudged.set()
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return None
        finally:
            futures = self._waiting.get(id, [])
            if future in futures:
                futures.remove(future)
                if not futures:
                    del self._waiting[id]

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._interval if self._waiting else None):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            self._nudged.clear()
            try:
                await self._look()
            except Exception as error:  # the database is away: the waiters go on waiting
                log.warning("could not ask for endings", error=str(error))
                await asyncio.sleep(self._interval)

    async def _look(self) -> None:
        ids = list(self._waiting)
        for start in range(0, len(ids), CHUNK):
            self.queries += 1
            clear = await self._database.reading(operations.settled_among, ids[start : start + CHUNK])
            for id, state in clear.items():
                for future in self._waiting.pop(id, []):
                    if not future.done():
                        future.set_result(state)
