"""What may happen to claims, in any order that chance finds: rules for hypothesis, told against a Reality."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from innkeeper.errors import Conflict, ErrorRecord, OverLimit
from innkeeper.model.constraints import DiskRequest
from innkeeper.model.host import HostState, Inventory
from innkeeper.model.machine import DiskFacts, InstanceFacts
from innkeeper.model.request import Request
from innkeeper.operations import decompose, refresh
from innkeeper.operations.compose import COMPOSE
from innkeeper.operations.context import Work
from innkeeper.operations.decompose import DECOMPOSE
from innkeeper.store import hosts, ledger, machines, networks, operations, sightings, storage_pools
from innkeeper.store.database import Write, now
from innkeeper.store.network_tables import address
from innkeeper.store.operations import FINISH, State
from innkeeper.store.tables import machine, operation
from tests.laws.reality import Key, Making, Reality, Removing, asked, held, made, nics, two_nics
from tests.laws.stage import Stage

RATIOS = st.sampled_from([0.0, 0.5, 1.0, 1.4, 2.0, 5.5, 10.0])
HOSTS = st.fixed_dictionaries(
    {
        "cores": st.integers(4, 12),
        "memory": st.integers(4, 16),
        "pools": st.lists(st.integers(20, 90), min_size=1, max_size=2),
    }
)
ENDINGS = st.sampled_from(["done", "done", "done", "failed", "later"])
IPS = st.sampled_from(["", "10.0.0.5", "10.0.0.6", "10.0.0.7"])  # few, so that they are asked for again
SEEN = st.sampled_from([True, True, False])
ANY = st.integers(min_value=0, max_value=10**6)  # picks one of what there is
ERROR = ErrorRecord("HostRefused", "The host refused.")


class Story(RuleBasedStateMachine):
    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.stage.wipe()
        self.database = self.stage.services.database
        self.hosts: list[Reality] = []
        self.making: list[Making] = []
        self.removing: list[Removing] = []
        self.count = 0

    # --- what a person does

    @initialize(host=HOSTS)
    def first_host(self, host: dict[str, Any]) -> None:
        self.add_host(**host)

    @precondition(lambda self: len(self.hosts) == 1)
    @rule(host=HOSTS)
    def second_host(self, host: dict[str, Any]) -> None:
        self.add_host(**host)

    def add_host(self, cores: int, memory: int, pools: list[int]) -> None:
        name = self._name("host")
        sizes = {f"pool{number}": size * 1000 for number, size in enumerate(pools)}
        id = self.database.transact(_insert_host, name)
        ratios = dict.fromkeys(sizes, 1.0)
        one = Reality(id=id, name=name, cores=cores, memory=memory * 1024, pools=sizes, pool_ratios=ratios)
        self.hosts.append(one)
        self._refresh(one)

    @rule(
        which=ANY,
        cores=st.integers(1, 6),
        memory=st.integers(1, 6),
        disks=st.lists(st.integers(1, 20), min_size=1, max_size=3),
        ending=ENDINGS,
        ip=IPS,
    )
    def compose(self, which: int, cores: int, memory: int, disks: list[int], ending: str, ip: str = "") -> None:
        one = pick(self.hosts, which)
        wanted = tuple(DiskRequest(size=size * 1000) for size in disks)
        request = Request(
            hostname=self._name("vm"),
            cores=cores,
            memory=memory * 1024,
            disks=wanted,
            interfaces=two_nics(self.database.ask(networks.known), ip),
        )
        pool = next(iter(one.pools))
        needs, limits, used = asked(one, request, pool), one.limits(), self.database.ask(held, one)
        for row in self.database.ask(storage_pools.listing, [one.id]):
            used[f"pool {row.name}"] += row.other_allocated
        fits = all(used[name] + amount <= limits[name] for name, amount in needs.items())
        taken = ip in {row.ip for row in self._rows(address)}
        try:
            system_id, id = self.stage.order_machine(one.id, request=request)
        except OverLimit:
            assert not fits, (needs, used, limits)
            return
        except Conflict:
            assert taken
            return
        assert fits, (needs, used, limits)
        assert not taken
        uuid = self.stage.services.uuid
        facts = made(request, name=request.hostname, system_id=system_id, operation=id, uuid=uuid, pool=pool)
        facts = replace(facts, interfaces=nics(self.database.ask(machines.find, system_id)))
        making = Making(host=one, system_id=system_id, operation=id, facts=facts)
        self.making.append(making)
        if ending != "later":
            self._end_making(making, State.DONE if ending == "done" else State.FAILED)

    @rule(which=ANY, cpu=RATIOS, memory=RATIOS, pool=RATIOS)
    def change_ratios(self, which: int, cpu: float, memory: float, pool: float) -> None:
        one = pick(self.hosts, which)
        name = next(iter(one.pools))
        one.cpu_ratio, one.memory_ratio, one.pool_ratios[name] = cpu, memory, pool
        with self.database.write() as write:
            hosts.update(write, one.id, cpu_ratio=cpu, memory_ratio=memory)
            storage_pools.set_ratio(write, host_id=one.id, name=name, ratio=pool)

    @precondition(lambda self: self._composed())
    @rule(which=ANY, forced=st.booleans(), now=st.booleans())
    def remove(self, which: int, forced: bool, now: bool) -> None:
        one = pick(self._composed(), which)
        id = self.database.transact(decompose.submit, one, forced=forced, actor="admin")
        real = next(real for real in self.hosts if real.id == one.host_id)
        removing = Removing(host=real, operation=id, name=one.instance, system_id=one.system_id)
        self.removing.append(removing)
        if now:
            self._end_removing(removing)

    # --- what operations do that took longer

    @precondition(lambda self: self.making)
    @rule(which=ANY, failed=st.booleans(), answered=st.booleans())
    def end_compose(self, which: int, failed: bool, answered: bool) -> None:
        one = pick(self.making, which)
        if answered:
            self.database.transact(operations.answered, id=one.operation)
        self._end_making(one, State.FAILED if failed else State.DONE)

    @precondition(lambda self: self.removing)
    @rule(which=ANY)
    def end_removal(self, which: int) -> None:
        self._end_removing(pick(self.removing, which))

    def _end_making(self, one: Making, state: State) -> None:
        self.making.remove(one)
        if ("default", one.facts.name) in one.host.instances:
            state = State.FAILED  # somebody was faster: the host refuses the name
        if state == State.DONE:
            one.host.instances["default", one.facts.name] = one.facts
            self._end(one.operation, state, COMPOSE.finish)
        else:
            self._end(one.operation, state, lambda write, work: COMPOSE.abandon(write, work, ERROR))

    def _end_removing(self, one: Removing) -> None:
        self.removing.remove(one)
        there = one.host.instances.get(("default", one.name))
        if there and there.tag("machine") == one.system_id:
            del one.host.instances["default", one.name]
        self._end(one.operation, State.DONE, DECOMPOSE.finish)

    # --- what happens behind our back; mostly somebody looks soon

    @rule(
        which=ANY,
        cores=st.integers(1, 8),
        memory=st.integers(1, 8),
        size=st.integers(1, 30),
        tracked=st.booleans(),
        takes_a_name=st.booleans(),
        seen=SEEN,
    )
    def appear(
        self, which: int, cores: int, memory: int, size: int, tracked: bool, takes_a_name: bool, seen: bool
    ) -> None:
        one = pick(self.hosts, which)
        project = "default" if tracked else "other"
        name = self._name("theirs")
        if takes_a_name and one.instances:  # another in the place of one that was there
            lost = list(one.instances.values())[which % len(one.instances)]
            project, name = lost.key
            one.gone.append(lost)
        disks = (DiskFacts(device="root", pool=next(iter(one.pools)), size=size * 1000),)
        facts = InstanceFacts(name=name, project=project, cores=cores, memory=memory * 1024, disks=disks)
        one.instances[facts.key] = facts
        self._seen(one, seen)

    @precondition(lambda self: self._all_instances())
    @rule(which=ANY, cores=st.integers(1, 16), seen=SEEN)
    def change(self, which: int, cores: int, seen: bool) -> None:
        one, facts = pick(self._all_instances(), which)
        one.instances[facts.key] = replace(facts, cores=cores, memory=cores * 512)
        self._seen(one, seen)

    @precondition(lambda self: self._all_instances())
    @rule(which=ANY, seen=SEEN)
    def vanish(self, which: int, seen: bool) -> None:
        one, facts = pick(self._all_instances(), which)
        one.gone.append(one.instances.pop(facts.key))
        self._seen(one, seen)

    @precondition(lambda self: any(one.gone for one in self.hosts))
    @rule(which=ANY, seen=SEEN)
    def come_back(self, which: int, seen: bool) -> None:
        one = pick([one for one in self.hosts if one.gone], which)
        facts = one.gone.pop()
        one.instances.setdefault(facts.key, facts)
        self._seen(one, seen)

    @precondition(lambda self: self._all_instances())
    @rule(which=ANY, copied=st.booleans(), seen=SEEN)
    def rename_or_copy(self, which: int, copied: bool, seen: bool) -> None:
        one, facts = pick(self._all_instances(), which)
        moved = replace(facts, name=self._name("moved"), disks=facts.disks[:1])
        if not copied:
            del one.instances[facts.key]
            moved = replace(moved, disks=facts.disks)
        one.instances[moved.key] = moved
        self._seen(one, seen)

    def _seen(self, one: Reality, seen: bool) -> None:
        if seen:
            others = {row.instance for row in self._rows(machine) if row.host_id == one.id and row.origin == "adopted"}
            self._refresh(one)
            self._agrees(one, adopted_before=others)

    # --- the rest

    def _name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def _now(self) -> float:
        time.sleep(0.002)  # SQLite's clock counts milliseconds
        return self.database.ask(now)

    def _refresh(self, one: Reality) -> None:
        self._store(one, self._now(), one.inventory(), one.instances)

    def _store(self, one: Reality, at: float, inventory: Inventory | None, instances: dict[Key, InstanceFacts]) -> None:
        """Store a listing as a full refresh does, or (without an inventory) as a look at the instances does."""
        told, uuid = tuple(instances.values()), self.stage.services.uuid
        if inventory is None:
            self.database.transact(sightings.see, host_id=one.id, instances=told, listed_at=at, uuid=uuid)
        else:
            self.database.transact(refresh.store, one.id, inventory, told, listed_at=at, uuid=uuid)

    def _rows(self, table: sa.Table) -> list[Any]:
        return self.database.ask(lambda sql: list(sql.execute(sa.select(table))))

    def _composed(self) -> list[Any]:
        """Composed machines that nothing is working on."""
        busy = {one.system_id for one in self.removing} | {one.system_id for one in self.making}
        found = self.database.ask(machines.listing)
        return [one for one in found if one.origin == "composed" and one.system_id not in busy]

    def _all_instances(self) -> list[tuple[Reality, InstanceFacts]]:
        return [(one, facts) for one in self.hosts for facts in one.instances.values()]

    def _end(self, id: str, state: State, closing: Callable[[Write, Work], None]) -> None:
        """The closing commit of an operation, as the engine makes it."""
        with self.database.write() as write:
            write.sql.execute(sa.update(operation).where(operation.c.id == id).values(owner="me"))
            row = operations.find(write.sql, id)
            assert ledger.move(write, row, state=state, step=FINISH) is not None
            closing(write, Work(operation=row, services=self.stage.services, guard=lambda: None))


def pick(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


def _insert_host(write: Write, name: str) -> int:
    return hosts.insert(
        write,
        kind="simulated",
        name=name,
        address=f"simulated:{name}",
        project="default",
        state=HostState.READY,
        zone_id=1,
        pool_id=0,
    )
