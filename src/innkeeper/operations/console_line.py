"""The console of one machine in this process: who wants it, what it printed last, and the task that has it open.

A console that the host ends, as when the VM stops, is opened again when the VM runs, if it is still wanted. Where
another process watches the host, its console is watched through that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from innkeeper.errors import HostRefused, InnkeeperError, NotFound, Unavailable
from innkeeper.hypervisors.base import Console, Hypervisor
from innkeeper.model.console import Notice, Ring, Word, retold
from innkeeper.model.machine import PowerState
from innkeeper.model.relay import Call, unseen
from innkeeper.operations.console_viewer import Viewer
from innkeeper.operations.relay import Relay, Relays
from innkeeper.store.consoles import Place, place
from innkeeper.store.database import Database

log = structlog.get_logger(__name__)

LOOK = 0.5  # a machine that does not run is looked at again after that, seconds
RELOOK = 2.0  # how often an open console is compared with its machine's record, seconds
RETRY_MOST = 5.0  # the longest pause before a host that failed is asked again, seconds

Reach = Callable[[int], Awaitable[Hypervisor]]


class Line:
    """See the module."""

    def __init__(
        self, system_id: str, database: Database, reach: Reach, relays: Relays | None, me: Callable[[], str]
    ) -> None:
        self._id, self._database, self._reach, self._relays, self._me = system_id, database, reach, relays, me
        self.ring = Ring()
        self.owner_id: int | None = None  # whose text is in the ring
        self.task: asyncio.Task[None] | None = None
        self._viewers: set[Viewer] = set()
        self._deploying = self._begins = False
        self._console: Console | Relay | None = None
        self._changed = asyncio.Event()
        self._said: Notice | None = None

    @property
    def wanted(self) -> bool:
        """Whether somebody watches, or it is being deployed."""
        return bool(self._viewers) or self._deploying

    @property
    def is_open(self) -> bool:
        """Whether text comes."""
        return self._console is not None

    def join(self, viewer: Viewer, *, owner_id: int | None) -> None:
        """Show a viewer what is kept, how things stand, and what comes. `owner_id`: whose the machine is now."""
        self._belong(owner_id)
        if kept := self.ring.read():
            viewer.put(kept if viewer.relays else retold(kept))
        if self._said:
            viewer.put(self._said)
        self._viewers.add(viewer)
        self._go()

    def leave(self, viewer: Viewer) -> None:
        """A viewer goes."""
        self._viewers.discard(viewer)
        self._changed.set()

    def watch(self, *, starting: bool) -> None:
        """Open while the machine is Deploying. What an earlier boot printed is not this deployment's: it is forgotten
        when its guest is about to start; otherwise once the record says that it is Deploying, for who asks may be late.
        """
        if starting:
            self.ring.clear()
            self._begins = False
        elif not self._deploying:
            self._begins = True
        self._deploying = True
        self._go()

    def end(self, text: str, *, again: bool = False) -> None:
        """Nobody watches any more; they are told why. `again`: see `Viewer`."""
        self._deploying = False
        for viewer in self._viewers:
            viewer.end(text, again=again)
        self._viewers.clear()
        self._changed.set()

    async def type(self, data: bytes) -> bool:
        """Type something; whether it went anywhere."""
        console = self._console
        if console is None:
            return False
        try:
            await console.write(data)
        except InnkeeperError:
            return False  # it was cut in this moment; its reader notices too
        return True

    def _go(self) -> None:
        self._changed.set()
        if self.task is None:
            self.task = asyncio.create_task(self._run(), name=f"console of {self._id}")

    async def _run(self) -> None:
        pause = LOOK
        try:
            while self.wanted:
                self._changed.clear()
                try:
                    there = await self._database.reading(place, self._id)
                    if there is None:
                        raise NotFound("This machine is gone.")
                    if not self._still(there):
                        continue
                    if await self._visit(there):
                        pause = LOOK
                except NotFound as gone:
                    self.end(gone.brief)
                except InnkeeperError as error:
                    self._say(Word.WAITING, str(error))
                    pause = min(pause * 2, RETRY_MOST)
                if self.wanted:
                    await self._rest(pause)
        except Exception:
            log.exception("a console stumbled", machine=self._id)
            self.end("The console failed within Innkeeper; its log tells why.")
        finally:
            self.task = None
            self._said = None

    def _still(self, there: Place) -> bool:
        """Compare with the record: whether the console is still wanted, and whose its text is."""
        self._deploying = self._deploying and there.deploying
        if self._begins and self._deploying:
            self.ring.clear()
        self._begins = False
        self._belong(there.owner_id)
        return self.wanted

    def _keeper(self, there: Place) -> str:
        """The other process that has the console; "" when it is ours to open."""
        watcher = there.watcher or ""
        return "" if watcher == (self._me() or watcher) else watcher

    def _belong(self, owner_id: int | None) -> None:
        """Nobody sees what was printed under another owner, nor goes on watching what is another's now."""
        if self.owner_id == owner_id:
            return
        self.ring.clear()
        self.owner_id = owner_id
        for viewer in [one for one in self._viewers if not one.stays]:
            viewer.end("You may not watch this console any more: the machine has another owner now.")
            self._viewers.discard(viewer)
        if isinstance(self._console, Relay):  # it shows the earlier owner's text, so to the next one it is not open
            self._console = self._said = None
        self._changed.set()

    async def _visit(self, there: Place) -> bool:
        """Open the console if the machine runs, and stay until it ends or nobody wants it. Whether it was open."""
        if there.host_id is None or not there.instance:
            raise NotFound(f"{there.hostname} is no virtual machine, so it has no console here.")
        if keeper := self._keeper(there):
            return await self._relay(there, keeper)
        # A machine that is just being deployed is asked itself: our record learns that it runs a little later, and its
        # first lines would be lost.
        if there.power is PowerState.OFF and not self._deploying:
            self._say(Word.WAITING, f"{there.hostname} is off. Its console opens when it starts.")
            return False
        host = await self._reach(there.host_id)
        try:
            console = await host.console(name=there.instance)
        except HostRefused as refused:
            if refused.code not in (400, 404):
                raise
            self._say(Word.WAITING, f"{there.hostname} has no console now: {refused.details or refused.brief}.")
            return False
        self._console = console
        self._say(Word.OPENED, f"This is the console of {there.hostname}.")
        reading = asyncio.create_task(self._read(console))
        try:
            await self._stay(reading, there, keeper="")
        finally:
            self._console = None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await console.close()
        if reading.cancelled():
            return True
        reading.result()
        self._say(Word.WAITING, f"The console of {there.hostname} ended: the machine stopped, or its host restarted.")
        return True

    async def _read(self, console: Console) -> None:
        while data := await console.read():
            self._show(data)

    def _show(self, data: bytes, *, anew: bool = False) -> None:
        """Keep what comes, and show it. `anew`: it was printed before."""
        self.ring.add(data)
        for viewer in self._viewers:
            viewer.put(retold(data) if anew and not viewer.relays else data)

    async def _relay(self, there: Place, keeper: str) -> bool:
        """Watch the console through the process that has it. Whether it told anything."""
        # Not for a third one, else two could watch each other for ever.
        for viewer in [one for one in self._viewers if one.relays]:
            viewer.end("Another process of this server watches the host now.")
            self._viewers.discard(viewer)
        where = f"The console of {there.hostname} is another process's of this server: it watches the host."
        if not self.wanted:
            return False
        if self._relays is None:
            self._say(Word.WAITING, where)
            return False
        call = Call(process=keeper, system_id=self._id, owner_id=there.owner_id)
        try:
            relay = await self._relays.open(call, there)
        except Unavailable as why:
            raise Unavailable(where, details=str(why)) from None
        reading = asyncio.create_task(self._hear(relay, there.owner_id))
        try:
            await self._stay(reading, there, keeper=keeper)
        finally:
            self._console = None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await relay.close()
        last = "" if reading.cancelled() else reading.result()
        self._say(Word.WAITING, f"{where} It does not show it any more. {last}".rstrip())
        return True

    async def _hear(self, relay: Relay, owner_id: int | None) -> str:
        """Show what another process shows, until it ends. Its last words. `owner_id`: whose text it is; what is still
        under way when the machine becomes another's is nobody's."""
        seen = self.ring.read()  # what it tells first may be known: it was cut off, or this process had the console
        first = True
        while (piece := await relay.read()) is not None:
            if self.owner_id != owner_id:
                return ""
            if isinstance(piece, bytes):
                self._show(unseen(seen, piece), anew=first)
                seen, first = b"", False
            elif piece.word is Word.ENDED:
                return piece.text
            elif piece.word is Word.DROPPED:
                for viewer in self._viewers:
                    viewer.put(piece)
            else:
                self._console = relay if piece.word is Word.OPENED else None
                self._say(piece.word, piece.text)
        return ""

    async def _stay(self, reading: asyncio.Task[None] | asyncio.Task[str], opened: Place, *, keeper: str) -> None:
        """Until it ends, nobody wants it, or another process than `keeper` is to have it. A relayed one also until the
        machine becomes another's than when it was `opened`: it is asked for as that one's then."""
        clock = asyncio.get_running_loop().time
        look_at = clock() + RELOOK
        while not reading.done() and self.wanted and (not keeper or self.owner_id == opened.owner_id):
            changed = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait({reading, changed}, timeout=look_at - clock(), return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            self._changed.clear()
            if clock() >= look_at:
                look_at = clock() + RELOOK
                with suppress(Unavailable):  # the console needs no database
                    there = await self._database.reading(place, self._id)
                    if there is None or not self._still(there) or self._keeper(there) != keeper:
                        return

    async def _rest(self, seconds: float) -> None:
        """Until it is time to look again, or somebody comes or goes."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _say(self, word: Word, text: str) -> None:
        """Tell all viewers, once."""
        said = Notice(word=word, text=text)
        if said != self._said:
            self._said = said
            for viewer in self._viewers:
                viewer.put(said)
