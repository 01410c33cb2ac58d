"""A host told by listings: what is on it is what a test says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import ErrorRecord
from innkeeper.model.host import HostInterface, HostState, Inventory, NumaNode, StoragePool, Thread, Volume
from innkeeper.model.machine import DiskFacts, InstanceFacts, Machine
from innkeeper.model.request import Request
from innkeeper.operations import decompose, refresh
from innkeeper.operations.compose import COMPOSE
from innkeeper.operations.context import Connections, Services, Work
from innkeeper.operations.decompose import DECOMPOSE
from innkeeper.settings import Settings
from innkeeper.store import claims, figures, hosts, ledger, machines, operations, sightings
from innkeeper.store.database import Database, now
from innkeeper.store.opening import open_store
from innkeeper.store.operations import FINISH, State
from innkeeper.store.tables import claim, claim_storage, event, operation

GB = 10**9
POOLS = ("fast", "slow")
ERROR = ErrorRecord("HostRefused", "The host refused.")
INVENTORY = Inventory(
    server_name="alpha",
    architectures=("amd64/generic",),
    memory=64 * 2**30,
    numa_nodes=(NumaNode(id=0, threads=tuple(Thread(id=number) for number in range(16))),),
    interfaces=(HostInterface(name="br0", kind="bridge", managed=True),),
    pools=tuple(StoragePool(name=name, driver="zfs", total=1000 * GB, written=0) for name in POOLS),
)
THEIRS = InstanceFacts(
    name="theirs",
    project="default",
    cores=2,
    memory=1024,
    disks=(DiskFacts(device="root", pool="fast", size=10 * GB),),
)


@dataclass
class Seen:
    """The database and the host's id; `there`: what is on the host now."""

    services: Services
    host_id: int = 0
    there: dict[tuple[str, str], InstanceFacts] = field(default_factory=dict)

    @classmethod
    def open(cls, url: str, directory: Path) -> Seen:
        settings = Settings(data=directory, database=url)
        database, cipher, uuid = open_store(settings)
        connections = Connections(database, cipher)
        services = Services(settings=settings, database=database, cipher=cipher, uuid=uuid, connections=connections)
        made = cls(services=services)
        there = database.ask(hosts.named, "alpha")
        if there is not None:
            made.host_id = there.id
            return made
        made.host_id = database.transact(
            hosts.insert,
            kind="simulated",
            name="alpha",
            address="simulated:alpha",
            project="default",
            state=HostState.READY,
            zone_id=1,
            pool_id=0,
        )
        made.look()
        return made

    @property
    def database(self) -> Database:
        return self.services.database

    # --- the host

    def put(self, *instances: InstanceFacts) -> None:
        """These are on the host from now on."""
        self.there |= {facts.key: facts for facts in instances}

    def moment(self) -> float:
        """The database's clock, a moment later than all that was."""
        time.sleep(0.002)  # SQLite's clock counts milliseconds
        found = self.database.ask(now)
        time.sleep(0.002)
        return found

    def look(self, at: float | None = None, *, instances: dict[Any, InstanceFacts] | None = None) -> bool:
        """Store what is there (or was, in a listing begun `at`), as a look at the instances does; the first time
        everything. Whether it was taken."""
        told = tuple((self.there if instances is None else instances).values())
        at = self.moment() if at is None else at
        if not self.host.refreshed_at:
            self.look_at_all(at)
        return self.database.transact(
            sightings.see, host_id=self.host_id, instances=told, listed_at=at, uuid=self.services.uuid
        )

    def look_at_all(self, at: float | None = None, inventory: Inventory = INVENTORY) -> None:
        """Store everything, as a full refresh does; `volumes` of the instances are told by the pools."""
        at = self.moment() if at is None else at
        pools = tuple(replace(pool, volumes=(*pool.volumes, *self._volumes(pool.name))) for pool in inventory.pools)
        told = replace(inventory, pools=pools)
        self.database.transact(
            refresh.store, self.host_id, told, tuple(self.there.values()), listed_at=at, uuid=self.services.uuid
        )

    def _volumes(self, pool: str) -> list[Volume]:
        found = []
        for facts in self.there.values():
            for disk in (one for one in facts.disks if one.pool == pool):
                kind = "custom" if disk.volume else "virtual-machine"
                name = disk.volume or facts.name
                found.append(Volume(name=name, kind=kind, project=facts.project, size=disk.size, tags=facts.tags))
        return found

    # --- what operations do

    def order(self, request: Request) -> tuple[Machine, str]:
        """A claimed machine, and the operation that makes it."""
        claimed = self.database.transact(
            claims.compose,
            host_id=self.host_id,
            request=request,
            first_step=COMPOSE.first,
            uuid=self.services.uuid,
            actor_id=0,
            actor="admin",
        )
        return self.database.ask(machines.find, claimed.system_id), claimed.operation

    def compose(self, name: str = "web", **wishes: Any) -> Machine:
        """A machine that was made: it is Ready, and its instance on the host."""
        one, id = self.order(Request(hostname=name, **wishes))
        self.put(self.made(one, id))
        self.end(id, State.DONE)
        return self.database.ask(machines.find, one.system_id)

    def made(self, one: Machine, id: str) -> InstanceFacts:
        """The instance that a host makes of a machine."""
        disks = tuple(DiskFacts(device=d.device, pool=d.pool, volume=d.volume, size=d.size) for d in one.disks)
        tags = (("installation", self.services.uuid), ("machine", one.system_id), ("operation", id))
        return InstanceFacts(
            name=one.instance, project=one.project, cores=one.cores, memory=one.memory, disks=disks, tags=tags
        )

    def remove(self, one: Machine, *, forced: bool = False) -> str:
        """Order the removal of a machine."""
        return self.database.transact(decompose.submit, one, forced=forced, actor="admin")

    def end(self, id: str, state: State) -> None:
        """The closing commit of a compose or a removal."""
        with self.database.write() as write:
            write.sql.execute(sa.update(operation).where(operation.c.id == id).values(owner="me"))
            row = operations.find(write.sql, id)
            assert ledger.move(write, row, state=state, step=FINISH) is not None
            work = Work(operation=row, services=self.services, guard=lambda: None)
            saga = {"compose": COMPOSE, "decompose": DECOMPOSE}[row.kind]
            if state == State.DONE:
                saga.finish(write, work)
            else:
                saga.abandon(write, work, ERROR)

    # --- what is known

    @property
    def host(self) -> Any:
        return self.database.ask(hosts.find, self.host_id)

    @property
    def machines(self) -> dict[str, Machine]:
        """The machines, by instance."""
        return {one.instance: one for one in self.database.ask(machines.listing)}

    def rows(self, table: sa.Table) -> list[Any]:
        return self.database.ask(lambda sql: list(sql.execute(sa.select(table))))

    @property
    def claims(self) -> dict[str, tuple[Any, ...]]:
        """(origin, cores, memory, bytes by disk) of each claim, by instance."""
        sizes: dict[int, list[int]] = {}
        for row in sorted(self.rows(claim_storage), key=lambda row: int(row.position)):
            sizes.setdefault(row.claim_id, []).append(row.size)
        return {
            row.instance: (row.origin, row.cores, row.memory, tuple(sizes.get(row.id, ()))) for row in self.rows(claim)
        }

    @property
    def figures(self) -> figures.Figures:
        return self.database.ask(lambda sql: figures.figures(sql, [hosts.find(sql, self.host_id)]))[self.host_id]

    def told(self, what: str) -> list[str]:
        """The texts of the events of that kind."""
        return [row.text for row in self.rows(event) if row.what == what]
