"""The open consoles of this process: one connection per VM, whatever the number of those who watch.

A console is open while somebody views it or its machine is being deployed; otherwise it is let go, so that the host's
own `lxc console` works. What it printed last stays here for a while. Of several processes the one that watches the host
opens it, and the others watch through that one: a host's second console shows nothing until the first is closed.

For a deployment: `watch` before the VM is started (again by whoever takes the work over), `last_lines` when it failed.
Nothing needs to be called at its end: a machine that is no longer Deploying is no longer watched for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from innkeeper.errors import Unavailable
from innkeeper.model.console import last_lines
from innkeeper.model.relay import Call
from innkeeper.operations.console_line import Line, Reach
from innkeeper.operations.console_viewer import Viewer
from innkeeper.operations.relay import Kept, Relays
from innkeeper.store.consoles import Place
from innkeeper.store.database import Database

log = structlog.get_logger(__name__)

STOPPING = 10.0  # how long the end waits for consoles to be let go, seconds
GOODBYE = 1.0  # how long the end waits for viewers to hear of it, seconds
_LAST_WORDS = "This server is stopping."
KEPT = 64  # consoles whose last text stays when nobody watches any more


class Consoles:
    """All of them."""

    def __init__(self, database: Database, reach: Reach, relays: Relays | None = None) -> None:
        self._database, self._reach, self._relays = database, reach, relays
        self.me: Callable[[], str] = str  # this process, once it runs: one that was taken for dead gets another name
        self._lines: dict[str, Line] = {}  # by system_id; those that were wanted last are last
        self._over = False
        self._watching = 0  # viewers
        self._alone = asyncio.Event()

    @asynccontextmanager
    async def view(
        self, system_id: str, *, owner_id: int | None, stays: bool, relays: bool = False
    ) -> AsyncIterator[Viewer]:
        """Watch a machine: what is kept of its console first, then all that comes. `owner_id`: whose it is now;
        `stays`: also when it becomes another's; `relays`: for another process, while this one watches the host."""
        line = self._line(system_id)
        viewer = Viewer(line.type, stays=stays, relays=relays)
        if self._over:
            viewer.end(_LAST_WORDS, again=True)
        else:
            line.join(viewer, owner_id=owner_id)
        self._watching += 1
        self._alone.clear()
        try:
            yield viewer
        finally:
            line.leave(viewer)
            self._watching -= 1
            if not self._watching:
                self._alone.set()

    def watch(self, system_id: str, *, starting: bool = False) -> None:
        """Keep a machine's console open, and what it prints, for as long as it is Deploying. Can be repeated.
        `starting`: its guest is about to start."""
        if not self._over:
            self._line(system_id).watch(starting=starting)

    def last_lines(self, system_id: str, count: int) -> str:
        """The last lines that were printed while this process had the console open, without control codes."""
        line = self._lines.get(system_id)
        return last_lines(line.ring.read(), count) if line else ""

    def log(self, system_id: str, *, owner_id: int | None) -> bytes:
        """What is kept of a console; nothing of what was printed under another owner."""
        line = self._lines.get(system_id)
        return line.ring.read() if line and line.owner_id == owner_id else b""

    async def kept(self, system_id: str, there: Place) -> Kept:
        """`log` and `is_open`; of a console that another process has, what is kept there, if that one can be asked."""
        here = Kept(open=self.is_open(system_id), text=self.log(system_id, owner_id=there.owner_id))
        if here.open or there.watcher in (None, self.me() or there.watcher) or self._relays is None:
            return here
        call = Call(process=there.watcher, system_id=system_id, owner_id=there.owner_id)
        try:
            elsewhere = await self._relays.kept(call, there)
        except Unavailable as why:
            log.info("a console cannot be read where it is", machine=system_id, why=str(why))
            return here
        return elsewhere if elsewhere.text or elsewhere.open else here

    def is_open(self, system_id: str) -> bool:
        """Whether this process has the console open."""
        line = self._lines.get(system_id)
        return line is not None and line.is_open

    def end(self) -> None:
        """The process stops: who watches is told and let go."""
        self._over = True
        for line in self._lines.values():
            line.end(_LAST_WORDS, again=True)

    async def leave(self) -> None:
        """`end`, and the time that viewers need to hear it."""
        self.end()
        if self._watching:
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await self._alone.wait()

    async def stop(self) -> None:
        """Let go of every console."""
        self.end()
        tasks = {line.task for line in self._lines.values() if line.task}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOPPING)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _line(self, system_id: str) -> Line:
        line = self._lines.pop(system_id, None) or Line(
            system_id, self._database, self._reach, self._relays, lambda: self.me()
        )
        self._lines[system_id] = line
        idle = [id for id, one in self._lines.items() if not one.wanted and one.task is None and id != system_id]
        for id in idle[: max(0, len(idle) - KEPT)]:
            del self._lines[id]
        return line
