"""What the handlers of this process work with, and how they wait for an operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from starlette.requests import HTTPConnection, Request

from innkeeper.api.auth import Actor
from innkeeper.api.feed import Feed
from innkeeper.errors import InnkeeperError, StillRunning, recall
from innkeeper.operations.context import Services
from innkeeper.operations.engine import Engine
from innkeeper.store import events, operations, users
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.fleet import Fleet
from innkeeper.store.operations import Operation, State
from innkeeper.watch import Watch

AFTERWARDS = "innkeeper.afterwards"  # of a request's scope: what is done when it was answered
PATIENCE = "innkeeper.patience"  # of a request's scope: how long it waits for an operation, seconds
MARK = "x-innkeeper-request"  # a client's own mark of its request: events carry it


@dataclass(kw_only=True)
class House:
    """One process: its services, its engine, its watchers, its event feed."""

    services: Services
    engine: Engine
    watch: Watch
    feed: Feed
    fleet: Fleet = field(default_factory=Fleet)  # for decisions
    _turns: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _errands: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        await self.feed.start()
        await self.engine.start()
        self.services.consoles.me = lambda: self.engine.me
        await self.watch.start()

    async def leave(self) -> None:
        """Before the server closes its connections: open streams end, and who waits hears how things stand."""
        await self.feed.end()
        self.engine.endings.let_go()
        await self.services.consoles.leave()

    def turn(self, host_id: int) -> asyncio.Lock:
        """Composes on one host take turns to look and claim: of a burst the rest wait here, where a wait costs nothing,
        and not in the threads and connections that readers need too."""
        return self._turns.setdefault(host_id, asyncio.Lock())

    def send(self, errand: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the requests. It is interrupted when the house stops."""
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def stop(self) -> None:
        """In this order: nobody looks, what runs lets go, connections close."""
        for task in self._errands:
            task.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        await self.watch.stop()
        await self.engine.stop()
        await self.services.consoles.stop()
        await self.feed.stop()
        await self.services.connections.close()
        self.services.database.close()

    async def outcome(self, id: str, request: Request) -> Operation:
        """Wait for an operation as long as a request may. Raises what it failed with; still running is an answer too.

        What is noted with the row: whether the caller was told. One that hung up may ask again for the same thing.
        Of what still runs it is noted before the answer, as its failure must know it; of what is over, after it was
        sent: a server that dies in between has told nobody.
        """
        database = self.services.database
        patience = request.scope.get(PATIENCE, self.services.settings.compose_wait)
        await self.engine.wait(id, timeout=patience)
        row = await database.reading(operations.find, id)
        if await request.is_disconnected():
            return row
        if row.state in operations.ENDED:
            afterwards(request, lambda: database.writing(operations.answered, id=id))
        else:
            row = await database.writing(operations.answered, id=id)
        if row.state == State.STOPPED:
            raise InnkeeperError(row.trouble, resolution=f"An administrator can resume operation {id}.")
        if row.state in (State.FAILED, State.UNDOING) and row.error is not None:
            raise recall(row.error)
        return row

    async def end(self, id: str, request: Request) -> None:
        """`outcome` of what must be over to be a success: StillRunning when it still waits for its host."""
        row = await self.outcome(id, request)
        if row.state not in operations.ENDED:
            raise StillRunning(
                row.trouble or "It is not over yet.",
                details=f"Operation {id} ({row.kind}) goes on by itself.",
                operation=id,
            )


def afterwards(request: Request, work: Callable[[], Awaitable[object]]) -> None:
    """Have something done when the answer to a request of the REST API 2.0 was sent (`dispatch` does it)."""
    request.scope.setdefault(AFTERWARDS, []).append(work)


class StoredKeys:
    """The API keys of the database, for `auth.ApiKey`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def secret(self, *, consumer: str, token: str) -> tuple[Actor, str] | None:
        """See `auth.Keys`."""
        found = self._services.database.ask(users.by_key, self._services.cipher, consumer=consumer, token=token)
        if found is None:
            return None
        user, secret = found
        return Actor(user_id=user.id, username=user.username, is_admin=user.is_admin, key=f"{consumer}:{token}"), secret


def audit(
    write: Write, request: HTTPConnection, actor: Actor, text: str, *, host_id: int | None = None, system_id: str = ""
) -> None:
    """An audit event: who changed (or read a secret of) what, from where."""
    address = request.client.host if request.client else ""
    events.add(
        write,
        Event(
            kind="audit",
            what="audit",
            text=text,
            host_id=host_id,
            system_id=system_id,
            actor=actor.username,
            address=address,
            request=request.headers.get(MARK, "")[:64],
        ),
    )


def mark(request: Request) -> str:
    """The client's own mark of this request, "" when it has none."""
    return request.headers.get(MARK, "")[:64]
