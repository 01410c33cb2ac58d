"""What operations work with: the services of a process, and the narrow view that a step has of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import sqlalchemy as sa

from innkeeper.hypervisors import registry
from innkeeper.hypervisors.base import Guard, Hypervisor, unguarded
from innkeeper.operations.consoles import Consoles
from innkeeper.operations.relay import Relays
from innkeeper.settings import Settings
from innkeeper.store import hosts
from innkeeper.store.database import Database, Write
from innkeeper.store.operations import Operation
from innkeeper.store.secrets import Cipher

P = ParamSpec("P")
T = TypeVar("T")


class Connections:
    """One connection to each host, shared by everything in this process, renewed when the host's revision moves."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database, self._cipher = database, cipher
        self._open: dict[int, tuple[int, Hypervisor]] = {}
        self._retired: list[Hypervisor] = []
        self._lock = asyncio.Lock()

    async def to(self, host_id: int, *, patiently: bool = False) -> Hypervisor:
        """The host, ready to be spoken to; NotFound when it is gone. `patiently`: waits for a database that is away."""
        ask = self._database.patiently_reading if patiently else self._database.reading
        host = await ask(hosts.find, host_id)
        known = self._open.get(host_id)
        if known and known[0] == host.revision:
            return known[1]
        async with self._lock:
            known = self._open.get(host_id)
            if known and known[0] == host.revision:
                return known[1]
            kind, target = await ask(hosts.target, self._cipher, host_id)
            fresh = await registry.connect(kind, target, unguarded)
            if known:  # somebody may still be using it: it is closed with the others at the end
                self._retired.append(known[1])
            self._open[host_id] = (host.revision, fresh)
            return fresh

    async def drop(self, host_id: int) -> None:
        """Close the connection to a host that is gone."""
        known = self._open.pop(host_id, None)
        if known:
            await known[1].close()

    async def close(self) -> None:
        """Close all connections."""
        for _, one in self._open.values():
            await one.close()
        for one in self._retired:
            await one.close()
        self._open.clear()
        self._retired.clear()


@dataclass(kw_only=True)
class Services:
    """What one process is made of. `uuid`: this installation's id, which marks what it makes on hosts."""

    settings: Settings
    database: Database
    cipher: Cipher
    uuid: str
    connections: Connections
    relays: Relays = field(init=False)
    consoles: Consoles = field(init=False)

    def __post_init__(self) -> None:
        self.relays = Relays(self.cipher)
        self.consoles = Consoles(self.database, self.connections.to, self.relays)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the steps of an operation see. `guard` raises when the work is not ours any more."""

    operation: Operation
    services: Services
    guard: Guard
    _host: list[Hypervisor] = field(default_factory=list)
    _known: dict[Any, Any] = field(default_factory=dict)

    @property
    def host_id(self) -> int:
        assert self.operation.host_id is not None
        return self.operation.host_id

    @property
    def arguments(self) -> dict[str, Any]:
        return self.operation.arguments

    async def host(self) -> Hypervisor:
        """The operation's host; every change of it is preceded by the guard."""
        if not self._host:
            shared = await self.services.connections.to(self.host_id, patiently=True)
            self._host.append(shared.guarded(self.guard))
        return self._host[0]

    def forget_host(self) -> None:
        """Take a new connection next time (the pin or the credentials were just written)."""
        self._host.clear()

    async def write(self, change: Callable[Concatenate[Write, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A write transaction; waits for a database that is away."""
        return await self.services.database.patiently(change, *args, **kwargs)

    async def read(self, question: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A read; waits for a database that is away."""
        return await self.services.database.patiently_reading(question, *args, **kwargs)

    async def once(self, question: Callable[[sa.Connection, Work], T]) -> T:
        """A read of what does not change while the operation runs: asked once, then remembered."""
        if question not in self._known:
            self._known[question] = await self.read(question, self)
        return cast(T, self._known[question])

    @property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """Our marks for what this operation makes on the host."""
        return (
            ("installation", self.services.uuid),
            ("machine", self.operation.system_id),
            ("operation", self.operation.id),
        )
