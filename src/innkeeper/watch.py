"""One watcher per host among all processes: live events in, periodic refresh, reconnect, trust, sweep.

With an open event stream the host is asked nothing until it says something (and once in a long while everything).
A cut stream is told, and polling takes over until it is open again; then everything is read anew.
"""

from __future__ import annotations

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog

from innkeeper.errors import HostChanged, HostFailure, HostUntrusted, NotFound, Unavailable
from innkeeper.hypervisors.base import Change, HostEvent, Hypervisor
from innkeeper.model.host import HostState
from innkeeper.model.machine import PowerState
from innkeeper.operations import add_host, notices, refresh, retention, sweep
from innkeeper.operations.arrivals import Arrivals
from innkeeper.operations.context import Services
from innkeeper.operations.engine import Engine
from innkeeper.store import hosts, ledger, watching
from innkeeper.store.database import Write
from innkeeper.store.watching import Watched

log = structlog.get_logger(__name__)

LOOK = 1.0  # how often hosts are shared among processes, seconds
DEBOUNCE = 0.05  # a burst of events is one look
# After a look that took so long, the next one waits so many times longer, though never over a second: a host with many
# VMs on which much happens is then not kept busy by us.
REST, REST_MOST = 10, 1.0
BACKOFF_FIRST, BACKOFF_MOST = 1.0, 30.0
# A started guest asks for its address some time later, and nobody tells: it is looked for after so many seconds.
LEASES_AFTER = (1.0, 5.0, 15.0, 45.0, 120.0)
QUIET = (HostState.ADDING, HostState.REMOVING)  # an operation speaks to it


class Watch:
    """The watchers of this process."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services, self._engine = services, engine
        self._tasks: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self._main: asyncio.Task[None] | None = None
        self._arrivals = Arrivals(services)

    async def start(self) -> None:
        self._main = asyncio.create_task(self._share())

    async def stop(self) -> None:
        if self._main:
            self._main.cancel()
            await asyncio.gather(self._main, return_exceptions=True)
        await self._arrivals.stop()
        for _, task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self._tasks.values()), return_exceptions=True)
        with suppress(Unavailable):  # then the lease runs out instead
            await self._services.database.writing(watching.leave, me=self._engine.me)

    async def _share(self) -> None:
        database, clock = self._services.database, asyncio.get_running_loop().time
        prune_at = clock() + retention.EVERY
        notice_at = clock() + notices.EVERY
        while True:
            try:
                if clock() >= prune_at:
                    prune_at = clock() + retention.EVERY
                    await retention.prune(self._services)
                if await database.reading(watching.unclaimed):
                    await database.writing(watching.share, me=self._engine.me)
                self._tend(await database.reading(watching.watched, me=self._engine.me))
                await self._arrivals.look(self._tasks.keys())
                if clock() >= notice_at:
                    notice_at = clock() + notices.EVERY
                    await notices.look(self._services)
            except Exception as error:
                log.warning("could not share the hosts", error=str(error))
            await asyncio.sleep(LOOK)

    def _tend(self, mine: list[Watched]) -> None:
        """Start and stop tasks so that there is one for each host of ours, at its present revision."""
        wanted = {one.id: one.revision for one in mine if one.state not in QUIET}
        for host_id, (revision, task) in list(self._tasks.items()):
            if wanted.get(host_id) != revision or task.done():
                task.cancel()
                del self._tasks[host_id]
        for host_id, revision in wanted.items():
            if host_id not in self._tasks:
                task = asyncio.create_task(_Watcher(self._services, host_id).run(), name=f"watch host {host_id}")
                self._tasks[host_id] = (revision, task)


class _Watcher:
    """One host, watched."""

    def __init__(self, services: Services, host_id: int) -> None:
        self._services, self._id = services, host_id
        self._backoff = BACKOFF_FIRST
        self._dirty: set[Change] = set()
        self._started = False  # a VM was
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled or the host is gone."""
        while True:
            try:
                host = await self._services.connections.to(self._id)
                if await self._waits_for_trust(host):
                    await asyncio.sleep(self._services.settings.trust_every)
                    continue
                await self._follow(host)
                await self._down(HostFailure("Its event stream ended."))
            except NotFound:
                await self._services.connections.drop(self._id)
                return
            except HostFailure as error:
                await self._down(error)
            except Exception:
                log.exception("watcher stumbled", host=self._id)
            await self._pause()

    async def _waits_for_trust(self, host: Hypervisor) -> bool:
        record = await self._services.database.reading(hosts.find, self._id)
        if record.state != HostState.WAITING:
            return False
        if (await host.identify()).trusted:
            await self._services.database.patiently(add_host.submit_enrol, record)
        return True

    async def _follow(self, host: Hypervisor) -> None:
        """Open the stream, read everything, then look whenever the host says that something moved."""
        stream = host.events()
        try:
            await anext(stream)  # its first event says that it is open
            await refresh.read_host(self._services, self._id, host=host)
            await self._services.database.patiently(_opened, self._id)
            await sweep.sweep(self._services, self._id, host=host)
            self._backoff = BACKOFF_FIRST
            reader = asyncio.create_task(self._collect(stream))
            try:
                await self._look_on(host, reader)
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
        finally:
            await stream.aclose()

    async def _collect(self, stream: AsyncIterator[HostEvent]) -> None:
        async for event in stream:
            self._dirty.add(event.change)
            self._started |= event.power == PowerState.ON
            self._moved.set()

    async def _look_on(self, host: Hypervisor, reader: asyncio.Task[None]) -> None:
        settings, clock = self._services.settings, asyncio.get_running_loop().time
        full_at, rested_at = clock() + settings.refresh_every, 0.0
        leases_at: list[float] = []
        while not reader.done():
            moved = asyncio.create_task(self._moved.wait())
            left = max(min(full_at, *leases_at) - clock(), 0.0) if leases_at else max(full_at - clock(), 0.0)
            try:
                await asyncio.wait({moved, reader}, timeout=left, return_when=FIRST_COMPLETED)
            finally:  # also when it is we who are cancelled
                moved.cancel()
            if self._moved.is_set():
                await asyncio.sleep(max(DEBOUNCE, rested_at - clock()))
            dirty, self._dirty = self._dirty, set()
            self._moved.clear()
            begin = clock()
            if begin >= full_at:
                await refresh.read_host(self._services, self._id, host=host)
                await sweep.sweep(self._services, self._id, host=host)
                full_at = clock() + settings.refresh_every
            elif dirty & {Change.STORAGE, Change.NETWORK}:
                await refresh.read_host(self._services, self._id, host=host)
            elif dirty & {Change.INSTANCE, Change.POWER}:
                await refresh.read_instances(self._services, self._id, host=host)
            if leases_at and begin >= leases_at[0]:
                leases_at = [at for at in leases_at if at > begin]
                await refresh.read_leases(self._services, self._id, host=host)
            if self._started:  # the next look is not put off by what happens until then
                self._started = False
                leases_at = [*leases_at[:1], *(begin + after for after in LEASES_AFTER)]
            rested_at = clock() + min((clock() - begin) * REST, REST_MOST)
        reader.result()  # its failure is ours

    async def _down(self, error: HostFailure) -> None:
        """The stream is not open: say so, and read once by asking, which tells how the host is."""
        if not isinstance(error, (HostUntrusted, HostChanged)):
            try:
                host = await self._services.connections.to(self._id)
                await refresh.read_host(self._services, self._id, host=host)
                await self._services.database.patiently(_polled, self._id, str(error))
                return
            except NotFound:
                return
            except HostFailure as worse:
                error = worse
        await self._services.database.patiently(_lost, self._id, error)

    async def _pause(self) -> None:
        settings = self._services.settings
        await asyncio.sleep(min(self._backoff, settings.poll_every))
        self._backoff = min(self._backoff * 2, BACKOFF_MOST)


def _opened(write: Write, host_id: int) -> None:
    """The stream is open: what waited for this host may go on."""
    hosts.update(write, host_id, live=True)
    ledger.wake(write, host_id=host_id)


def _polled(write: Write, host_id: int, why: str) -> None:
    """It answers, but its stream is not open."""
    record = hosts.lock(write, host_id)
    if record.state == HostState.READY:
        reason = f"no live events, polling instead: {why}"
        refresh.tell_state(write, record, HostState.DEGRADED, reason)
        hosts.update(write, host_id, live=False, state=HostState.DEGRADED, reason=reason)
    else:
        hosts.update(write, host_id, live=False)


def _lost(write: Write, host_id: int, error: HostFailure) -> None:
    """It does not answer as it should: state and reason are visible, its last numbers stay."""
    record = hosts.lock(write, host_id)
    if record.state in QUIET:
        return
    if isinstance(error, HostChanged):
        state = HostState.CHANGED
    elif isinstance(error, HostUntrusted):
        state = HostState.UNTRUSTED
    else:
        state = HostState.UNREACHABLE
    if record.state == HostState.WAITING:
        state = HostState.WAITING
    refresh.tell_state(write, record, state, str(error))
    hosts.update(write, host_id, live=False, state=state, reason=str(error))
