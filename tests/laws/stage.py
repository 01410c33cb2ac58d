"""One process without watchers and without HTTP: services, engines that end, simulated hosts; all that laws need.

Watchers would take the faults that are meant for an operation, and see things before they are compared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from innkeeper.hypervisors import introduction, simulated
from innkeeper.hypervisors.base import Credentials, Guard
from innkeeper.hypervisors.simulated import PREFIX
from innkeeper.hypervisors.simulated_world import World, world
from innkeeper.model.host import Host
from innkeeper.model.machine import Machine
from innkeeper.model.request import Request
from innkeeper.operations import add_host
from innkeeper.operations.compose import COMPOSE
from innkeeper.operations.consoles import Consoles
from innkeeper.operations.context import Connections, Services, Work
from innkeeper.operations.engine import Engine, Place
from innkeeper.operations.saga import Saga
from innkeeper.operations.table import SAGAS
from innkeeper.settings import Settings
from innkeeper.store import claims, hosts, ledger, machines, operations
from innkeeper.store.opening import open_store
from innkeeper.store.operations import ENDED, Operation, State
from innkeeper.store.schema import metadata

_KEPT = frozenset({"installation", "zone", "resource_pool", "domain", "alembic_version"})


@cache
def credentials(name: str) -> Credentials:
    """A key and certificate of that name: the same ones whenever it is asked."""
    return introduction.make_credentials(name=name)


@dataclass
class Stage:
    """Services on one database, and a directory of simulated hosts."""

    services: Services
    directory: Path
    _engines: list[Engine] = field(default_factory=list)

    @classmethod
    def open(cls, directory: Path, url: str, **settings: Any) -> Stage:
        """On the database at that URL, brought to its schema; `settings` over the defaults."""
        directory.mkdir(exist_ok=True)
        given = {"data": directory, "database": url, "simulated_hosts": directory, "host": "0.0.0.0"} | settings
        chosen = Settings(**given)
        database, cipher, uuid = open_store(chosen)
        connections = Connections(database, cipher)
        services = Services(settings=chosen, database=database, cipher=cipher, uuid=uuid, connections=connections)
        return cls(services=services, directory=directory)

    async def reset(self) -> None:
        """As at the beginning: no simulated hosts, and nothing in tables but what an installation begins with."""
        alive = self.services.database.ask(ledger.alive)
        for engine in self._engines:  # a failed test has left it running
            if engine.me in alive:
                await engine.stop()
        await self.services.consoles.stop()
        self.services.consoles = Consoles(self.services.database, self.services.connections.to)
        await self.services.connections.close()
        self.wipe()

    def wipe(self) -> None:
        """`reset` for those who have spoken to no host."""
        for file in self.directory.glob("*.json"):
            file.unlink()
        with self.services.database.write() as write:
            for table in reversed(metadata.sorted_tables):
                if table.name not in _KEPT:
                    write.sql.execute(sa.delete(table))

    # --- hosts

    def file(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def change(self, name: str, change: Callable[[World], object]) -> None:
        """Do something to a simulated host behind our back (made when missing)."""
        with world(self.file(name)) as state:
            change(state)

    def see(self, name: str) -> World:
        """What is on a simulated host."""
        with world(self.file(name)) as state:
            return state

    def fingerprint_of(self, name: str) -> str:
        """The fingerprint of the certificate that a simulated host shows."""
        self.change(name, lambda state: None)
        return introduction.fingerprint(simulated.certificate(self.file(name)))

    def order_host(self, name: str, *, secret: str = "", made_here: bool = True, **more: Any) -> tuple[int, str]:
        """Order a simulated host to be added: (host, operation)."""
        self.change(name, lambda state: None)
        given: dict[str, Any] = {
            "kind": "simulated",
            "name": name,
            "address": f"{PREFIX}{self.file(name)}",
            "project": "default",
            "zone_id": 1,
            "pool_id": 0,
            "tags": (),
            "cpu_ratio": 1.0,
            "memory_ratio": 1.0,
            "macvlan_mode": None,
            "credentials": credentials(name),
            "made_here": made_here,
            "secret": secret,
            "power_user": "",
            "expected_fingerprint": "",
            "actor": "admin",
        }
        database, cipher = self.services.database, self.services.cipher
        host_id, id = database.transact(add_host.submit, cipher, **(given | more))
        return host_id, id

    async def add_host(self, name: str = "alpha", **more: Any) -> Host:
        """A host, added."""
        host_id, id = self.order_host(name, **more)
        ended = await self.run(id)
        assert ended.state == State.DONE, ended
        return self.services.database.ask(hosts.find, host_id)

    # --- machines

    def order_machine(self, host_id: int, *, request: Request | None = None, answered: bool = False) -> tuple[str, str]:
        """Claim a machine: (system_id, operation). `answered`: its caller was told that it is being made."""
        database = self.services.database
        claimed = database.transact(
            claims.compose,
            host_id=host_id,
            request=request or Request(),
            first_step=COMPOSE.first,
            uuid=self.services.uuid,
            actor_id=0,
            actor="admin",
        )
        if answered:
            database.transact(operations.answered, id=claimed.operation)
        return claimed.system_id, claimed.operation

    async def compose(self, host_id: int, *, request: Request | None = None) -> Machine:
        """A machine, composed."""
        system_id, id = self.order_machine(host_id, request=request)
        ended = await self.run(id)
        assert ended.state == State.DONE, ended
        return self.services.database.ask(machines.find, system_id)

    # --- operations

    def find(self, id: str) -> Operation:
        """The row of an operation."""
        return self.services.database.ask(operations.find, id)

    def engine(self, sagas: Mapping[str, Saga] = SAGAS, *, guard: Guard | None = None) -> Engine:
        """The real engine over these sagas, not started yet; with another guard than its own."""

        async def operate(at: Place) -> None:
            owner = at.owner
            work = Work(operation=at.row, services=self.services, guard=guard or (lambda: engine.guard(owner)))
            await sagas[at.row.kind].run(work, at)

        engine = Engine(self.services.database, self.services.settings, operate)
        self._engines.append(engine)
        return engine

    async def run(self, *ids: str, sagas: Mapping[str, Saga] = SAGAS, within: float = 30.0) -> Operation:
        """Let a new engine run until these operations have ended; the last one's row."""
        engine = self.engine(sagas)
        await engine.start()
        try:
            for id in ids:
                await self.until(lambda id=id: self.find(id).state in ENDED, within=within)  # type: ignore[misc]
        finally:
            await engine.stop()
        return self.find(ids[-1])

    async def until(self, holds: Callable[[], object], *, within: float = 10.0) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + within
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < deadline, "it did not come to hold"
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.services.consoles.stop()
        await self.services.connections.close()
        self.services.database.close()
