"""Durable operations. The operation's row is the queue entry, the lease, the program counter and what the user
sees; there is no other record.

    submit   write the row in the caller's transaction (`store.operations.submit`): that is all
    start    run what is free, and free what dead processes held
    wait     the outcome of an operation
    guard    are we sure that our work is still ours?
    stop

A process owns what it has taken for as long as it beats. Every move is fenced: it changes the row only if we
still own it. A process that was taken for dead can therefore write nothing; `guard` keeps it from touching a host.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from innkeeper.errors import ErrorRecord, Unavailable, as_record
from innkeeper.operations.endings import Endings
from innkeeper.operations.relay import own_address
from innkeeper.settings import Settings
from innkeeper.store import hosts, ledger, operations
from innkeeper.store.database import Database, Write
from innkeeper.store.operations import Operation, State

log = structlog.get_logger(__name__)

POLL = 0.2
STOPPING = 5.0  # how long the end waits for what is being taken just now, seconds
PARK_MOST = 60.0


class Lost(asyncio.CancelledError):
    """Another process owns this operation now, or may. Flies like a cancellation: nobody answers it."""


class Parked(Exception):
    """The operation was let go until later."""


class Engine:
    """Runs operations: `operate` performs one from where its row is."""

    def __init__(self, database: Database, settings: Settings, operate: Callable[[Place], Awaitable[None]]) -> None:
        self.database, self.settings, self._operate = database, settings, operate
        self.me = uuid.uuid4().hex
        self.endings = Endings(database)
        self._beaten = 0.0
        self._address = ""  # where the installation's other processes reach this one
        self._running: dict[asyncio.Task[None], str] = {}  # and the operation that it performs
        self._stopping = threading.Event()
        self._nudged = asyncio.Event()
        self._ordered = False  # there is work to take for sure: no need to look first
        database.on_write(self._heard)

    async def start(self) -> None:
        """Begin to beat and to look for work. Call it in the loop that everything lives in."""
        self._loop = asyncio.get_running_loop()
        self._address = await asyncio.to_thread(own_address, self.settings)
        await asyncio.to_thread(self._beat)
        self._pulse = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        self._pulse.start()
        self.endings.start()
        self._dispatcher = asyncio.create_task(self._dispatch())

    async def stop(self) -> None:
        """Let go. What runs is interrupted and goes on in the next process."""
        self._stopping.set()
        await asyncio.to_thread(self._pulse.join)
        self._nudged.set()
        # not cancelled at once: work that it is just taking would be ours after we have left
        await asyncio.wait({self._dispatcher}, timeout=STOPPING)
        tasks = {self._dispatcher, *self._running}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.endings.stop()
        with suppress(Unavailable):  # then the lease runs out instead
            await self.database.writing(ledger.leave, me=self.me)

    async def wait(self, id: str, *, timeout: float) -> str | None:
        """The state in which the outcome became clear, or None when the time (seconds) is over first."""
        return await self.endings.of(id, timeout=timeout)

    def guard(self, owner: str) -> None:
        """Called before every request that changes a host. Raises Lost unless the lease is surely ours."""
        margin = self.settings.lease - 2 * self.settings.beat
        if owner != self.me or _clock() - self._beaten > margin:
            raise Lost

    def _heard(self, written: list[dict[str, Any]]) -> None:
        """Events were committed in this process (we are in the writing thread)."""
        moved = {one["operation"]: one["state"] for one in written if one["kind"] == "operation"}
        if moved and not self._stopping.is_set() and hasattr(self, "_loop"):
            self._loop.call_soon_threadsafe(self._notice, moved)

    def _notice(self, moved: dict[str, str]) -> None:
        """Look at once: for endings when one ended, for work when it is not what runs here that moved."""
        if not operations.ENDED.isdisjoint(moved.values()):
            self.endings.nudge()
        if not moved.keys() <= set(self._running.values()):
            self._ordered = True
            self._nudged.set()

    async def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()
            ordered, self._ordered = self._ordered, False
            try:
                if ordered or await self.database.reading(ledger.waiting):
                    for row in await self.database.writing(self._take):
                        self._begin(row)
            except Exception as error:
                log.warning("could not look for work", error=str(error))
            try:
                async with asyncio.timeout(POLL * random.uniform(0.8, 1.2)):
                    await self._nudged.wait()
            except TimeoutError:
                pass

    def _take(self, write: Write) -> list[Operation]:
        return ledger.take(write, owner=self.me, per_host=self.settings.per_host, crash_limit=self.settings.crash_limit)

    def _begin(self, row: Operation) -> None:
        if row.owner != self.me or self._stopping.is_set():  # taken for dead since the claim, or about to let go
            return
        task = asyncio.create_task(self._run(Place(self.database, row, retry_first=self.settings.retry_first)))
        self._running[task] = row.id
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._nudged.set()  # a place on the host is free

    async def _run(self, at: Place) -> None:
        with suppress(Parked):
            try:
                await self._operate(at)
            except Parked:
                raise
            except Lost:  # another's now; or the heartbeat was only late, and nobody else would take it from us
                await self.database.patiently(ledger.let_go, at.row, pause=self.settings.beat)
            except Exception as error:  # the database refused, or a defect: the row still says where we are
                log.exception("stumbled, will go on", operation=at.row.id, kind=at.row.kind, step=at.row.step)
                trouble = as_record(error)
                await at.park(f"{trouble.brief}: {trouble.details}")

    def _live(self) -> None:
        """A thread of its own: a busy loop must not make us look dead."""
        while not self._stopping.wait(self.settings.beat):
            try:
                self._beat()
            except Exception as error:
                log.warning("heartbeat failed", error=str(error))

    def _beat(self) -> None:
        before = _clock()  # taken before the commit: the lease never looks younger than it is
        me = self.database.transact(
            ledger.beat,
            me=self.me,
            lease=self.settings.lease,
            address=self._address,
            fresh_name=uuid.uuid4().hex if self._beaten else self.me,
        )
        if me != self.me:
            log.warning("taken for dead, going on under a new name", was=self.me, now=me)
            self.me = me  # before the cancellation: the guard refuses what still runs under the old name
            self._loop.call_soon_threadsafe(self._drop)
        self._beaten = before

    def _drop(self) -> None:
        for task in list(self._running):
            task.cancel()


class Place:
    """Where one operation is: its row, and the right to move it."""

    def __init__(self, database: Database, row: Operation, *, retry_first: float) -> None:
        self._database, self.row, self._retry_first = database, row, retry_first
        self.owner = row.owner or ""

    async def move(
        self,
        state: State,
        step: str,
        *,
        error: ErrorRecord | None = None,
        closing: Callable[[Write], None] | None = None,
    ) -> None:
        """One commit: the new place, what the ending writes, the event. Waits for a database that is away."""
        self.row = await self._database.patiently(self._move, state, step, error, closing)

    def _move(
        self,
        write: Write,
        state: State,
        step: str,
        error: ErrorRecord | None,
        closing: Callable[[Write], None] | None,
    ) -> Operation:
        if closing and self.row.host_id is not None:
            hosts.hold(write, self.row.host_id)  # it changes claims, and looks at the host wait their turn
        row = ledger.move(write, self.row, state=state, step=step, error=error)
        if row is None:
            raise Lost
        if closing:
            closing(write)
        return row

    async def park(self, trouble: str) -> None:
        """Let go until later; raises Parked."""
        pause = min(
            self._retry_first * 2 ** min(self.row.attempts, 10), PARK_MOST
        )  # a day of tries is no float any more
        await self._database.patiently(ledger.park, self.row, trouble=trouble, pause=pause)
        raise Parked


def _clock() -> float:
    """Seconds, also those we slept through."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
