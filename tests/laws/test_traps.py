"""The traps of the ledger's prototype, each sprung once more. Those of several processes are in files of their own."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.request import Request
from innkeeper.operations import remove_host
from innkeeper.operations.compose import COMPOSE
from innkeeper.operations.context import Work
from innkeeper.operations.engine import Lost
from innkeeper.operations.saga import Step
from innkeeper.operations.table import SAGAS
from innkeeper.store import events, hosts, ledger, machines, operations
from innkeeper.store.database import Write
from innkeeper.store.operations import Operation, State
from innkeeper.store.tables import operation, process
from tests.kit import databases
from tests.laws.stage import Stage

WEB = Request(hostname="web")


async def test_the_guard_refuses_when_the_heart_is_late(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another process holds the database's lock, so that no beat gets through: nothing is asked of a host."""
    directory = tmp_path_factory.mktemp("late")
    url = databases.fresh_sqlite(directory)
    late = Stage.open(directory / "stage", url, beat=0.05, lease=0.5)
    engine = late.engine()
    await engine.start()
    # not asked at once: a machine that stands still for the margin of 0.4 s after a beat is refused, and rightly
    await late.until(lambda: _guarded(engine.guard, engine.me))
    holder = sqlite3.connect(directory / "innkeeper.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(0.7)
    with pytest.raises(Lost):
        engine.guard(engine.me)
    holder.execute("ROLLBACK")
    holder.close()
    await late.until(lambda: _guarded(engine.guard, engine.me))
    with pytest.raises(Lost):
        engine.guard("another's name")
    await engine.stop()
    await late.close()


def _guarded(guard: Callable[[str], None], me: str) -> bool:
    try:
        guard(me)
    except Lost:
        return False
    return True


async def test_taken_for_dead_it_drops_its_work_and_takes_a_new_name(stage: Stage) -> None:
    """Its row is gone when it beats again: what it ran is not its own, until it is taken anew."""
    host = await stage.add_host()
    stage.change("alpha", lambda state: setattr(state, "create_seconds", 0.5))
    engine = stage.engine()
    await engine.start()
    before = engine.me
    _, id = stage.order_machine(host.id, request=WEB)
    await stage.until(lambda: stage.see("alpha").making)
    with stage.services.database.write() as write:
        write.sql.execute(sa.delete(process).where(process.c.id == before))
    await stage.until(lambda: engine.me != before)
    await stage.until(lambda: stage.find(id).state == State.DONE)
    assert stage.find(id).owner is None
    assert stage.see("alpha").calls["create"] <= 2
    assert [one.name for one in stage.see("alpha").instances.values()] == ["web"]
    await engine.stop()


async def test_work_of_an_owner_without_a_row_is_freed(stage: Stage) -> None:
    """The adopter may have died between deleting the dead one's row and taking its work."""
    host = await stage.add_host()
    _, id = stage.order_machine(host.id, request=WEB)
    with stage.services.database.write() as write:
        write.sql.execute(sa.update(operation).where(operation.c.id == id).values(owner="nobody"))
    ended = await stage.run(id)
    assert ended.state == State.DONE


async def test_the_undo_of_a_create_waits_for_the_host(stage: Stage) -> None:
    """The connection is cut while the host is still making the instance: it is not seen yet, and must not stay."""
    host = await stage.add_host()

    def slow(state: object) -> None:
        state.create_seconds = 0.4  # type: ignore[attr-defined]
        state.faults = [Fault(call="create", kind="cut", when="after")]  # type: ignore[attr-defined]

    stage.change("alpha", slow)
    _, id = stage.order_machine(host.id, request=WEB)
    ended = await stage.run(id)
    assert ended.state == State.FAILED
    await asyncio.sleep(0.5)
    state = stage.see("alpha")
    assert (state.instances, state.making) == ({}, {})


async def test_what_has_ended_is_never_claimed_again(stage: Stage) -> None:
    host = await stage.add_host()
    _, done = stage.order_machine(host.id, request=WEB)
    await stage.run(done)
    stage.change("alpha", lambda state: state.faults.append(Fault(call="create", kind="refuse")))
    _, failed = stage.order_machine(host.id)
    await stage.run(failed)
    before = [stage.find(one) for one in (done, failed)]
    calls = stage.see("alpha").calls
    taken = stage.services.database.transact(ledger.take, owner="me", per_host=100, crash_limit=5)
    assert taken == []
    engine = stage.engine()
    await engine.start()
    await asyncio.sleep(0.3)
    await engine.stop()
    assert [stage.find(one) for one in (done, failed)] == before
    assert stage.see("alpha").calls == calls


async def test_a_process_that_stops_in_order_hands_its_work_on(stage: Stage) -> None:
    """In the middle of a request to the host; the next one goes on, and no crash is counted."""
    host = await stage.add_host()
    stage.change("alpha", lambda state: setattr(state, "create_seconds", 0.5))
    first = stage.engine()
    await first.start()
    _, id = stage.order_machine(host.id, request=WEB)
    await stage.until(lambda: stage.see("alpha").making)
    await first.stop()
    row = stage.find(id)
    assert (row.state, row.step, row.owner, row.crashes) == (State.RUNNING, "create the instance", None, 0)
    assert first.me not in stage.services.database.ask(ledger.alive)
    ended = await stage.run(id)
    assert (ended.state, ended.crashes) == (State.DONE, 0)
    assert len(stage.see("alpha").instances) == 1


@pytest.mark.parametrize("module_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_work_taken_while_stopping_is_let_go(stage: Stage) -> None:
    """It stops while it is just taking work, which takes long: none is left with an owner that is gone.

    On SQLite one thread writes: what it takes comes before its leave anyway.
    """
    host, database = await stage.add_host(), stage.services.database
    _, id = stage.order_machine(host.id, request=WEB)
    engine = stage.engine()
    with database.engine.begin() as holder:
        holder.execute(sa.select(sa.func.pg_advisory_xact_lock(ledger.CLAIMING)))
        await engine.start()
        await asyncio.sleep(0.3)
        stopping = asyncio.create_task(engine.stop())
        await asyncio.sleep(0.5)
    await stopping
    await asyncio.sleep(0.3)
    row = stage.find(id)
    assert (row.started is not None, row.owner, row.crashes) == (True, None, 0)


async def test_a_cancel_undoes_the_step_that_a_dead_process_had_begun(stage: Stage) -> None:
    host = await stage.add_host()
    stage.change("alpha", lambda state: setattr(state, "create_seconds", 0.4))
    first = stage.engine()
    await first.start()
    _, id = stage.order_machine(host.id, request=WEB)
    await stage.until(lambda: stage.see("alpha").making)
    await first.stop()
    stage.services.database.transact(operations.cancel, id=id, actor="admin")
    ended = await stage.run(id)
    assert ended.state == State.FAILED
    await asyncio.sleep(0.5)
    state = stage.see("alpha")
    assert (state.instances, state.making) == ({}, {})
    assert stage.services.database.ask(machines.named, "web") is None


async def test_steps_are_found_by_name(stage: Stage) -> None:
    """A newer version has a step before the one where an old row stands: it goes on there, and undoes all."""
    host = await stage.add_host()
    told: list[str] = []

    async def do(_: Work) -> None:
        told.append("do")

    async def undo(_: Work) -> None:
        told.append("undo")

    for outcome, expected in ((State.DONE, []), (State.FAILED, ["undo"])):
        system_id, id = stage.order_machine(host.id)
        with stage.services.database.write() as write:
            at = sa.update(operation).where(operation.c.id == id)
            write.sql.execute(at.values(step="create the instance"))
        if outcome == State.FAILED:
            stage.change("alpha", lambda state: state.faults.append(Fault(call="create", kind="refuse")))
        newer = replace(COMPOSE, steps=(COMPOSE.steps[0], Step("say hello", do, undo), *COMPOSE.steps[1:]))
        ended = await stage.run(id, sagas=SAGAS | {"compose": newer})
        assert (ended.state, told) == (outcome, expected), system_id


async def test_an_operation_that_crashes_processes_is_stopped_and_can_be_resumed(stage: Stage) -> None:
    host = await stage.add_host()
    _, id = stage.order_machine(host.id, request=WEB)
    database, limit = stage.services.database, stage.services.settings.crash_limit

    def dies(write: Write, name: str) -> list[Operation]:
        return ledger.take(write, owner=name, per_host=8, crash_limit=limit)

    for number in range(limit):
        assert [one.id for one in database.transact(dies, f"dead{number}")] == [id]
        me = f"alive{number}"
        database.transact(ledger.beat, me=me, lease=5.0, address="", fresh_name=me)
        assert stage.find(id).crashes == number + 1
    assert database.transact(dies, "next") == []
    stopped = stage.find(id)
    assert stopped.state == State.STOPPED
    assert stopped.trouble == f"Stopped: {limit} processes died at the step 'reach the host'."
    assert [one.text for one in database.ask(events.after, cursor=0, operation=id)][-1] == stopped.trouble
    database.transact(operations.resume, id=id, actor="admin")
    assert (await stage.run(id)).state == State.DONE


async def test_a_defect_is_shown_and_keeps_no_place(stage: Stage) -> None:
    """An exception that no step answers for (here: in the closing commit) waits like any trouble, and is told."""
    host = await stage.add_host()
    failing = [True]

    def finish(write: Write, work: Work) -> None:
        if failing:
            raise ZeroDivisionError("nobody thought of it")
        COMPOSE.finish(write, work)

    _, id = stage.order_machine(host.id, request=WEB)
    engine = stage.engine(SAGAS | {"compose": replace(COMPOSE, finish=finish)})
    await engine.start()
    await stage.until(lambda: stage.find(id).trouble)
    row = stage.find(id)
    assert row.trouble == "Internal error: ZeroDivisionError: nobody thought of it"
    assert (row.state, row.owner) == (State.RUNNING, None)
    failing.clear()
    await stage.until(lambda: stage.find(id).state == State.DONE)
    await engine.stop()


async def test_an_operation_may_wait_for_days(stage: Stage) -> None:
    """After thousands of tries the pause is still a minute, not a number too big to be one."""
    host = await stage.add_host()
    stage.change("alpha", lambda state: setattr(state, "up", False))
    _, id = stage.order_machine(host.id, request=WEB)
    with stage.services.database.write() as write:
        undoing = {"state": State.UNDOING, "step": "create the instance", "attempts": 5000}
        write.sql.execute(sa.update(operation).where(operation.c.id == id).values(undoing))
    engine = stage.engine()
    await engine.start()
    await stage.until(lambda: stage.find(id).attempts == 5001)
    row = stage.find(id)
    assert row.owner is None
    assert 50 < row.retry_at - time.time() < 61
    stage.change("alpha", lambda state: setattr(state, "up", True))
    stage.services.database.transact(ledger.wake, host_id=host.id)
    await stage.until(lambda: stage.find(id).state == State.FAILED)
    await engine.stop()


async def test_a_slow_host_delays_only_itself(stage: Stage) -> None:
    """At most `per_host` at once on a host; another host's work is taken meanwhile."""
    slow, quick = await stage.add_host("alpha"), await stage.add_host("beta")
    small = Request(memory=1024)
    many = [stage.order_machine(slow.id, request=small)[1] for _ in range(10)]
    _, one = stage.order_machine(quick.id, request=small)
    database = stage.services.database
    taken = {row.id for row in database.transact(ledger.take, owner="me", per_host=3, crash_limit=5)}
    assert taken == {*many[:3], one}
    assert database.transact(ledger.take, owner="me", per_host=3, crash_limit=5) == []


async def test_a_host_that_is_gone_for_good_can_be_removed(stage: Stage) -> None:
    """Undoing for as long as it takes needs a way out: removing the host by force ends what waits, and names it."""
    host = await stage.add_host()
    _, id = stage.order_machine(host.id, request=WEB)
    engine = stage.engine()
    stage.change("alpha", lambda state: state.faults.append(Fault(call="create", kind="cut", when="after")))
    stage.change("alpha", lambda state: state.faults.append(Fault(call="delete", kind="cut")))
    await engine.start()
    await stage.until(lambda: stage.find(id).attempts)
    stage.change("alpha", lambda state: setattr(state, "up", False))
    database = stage.services.database
    removal = database.transact(remove_host.submit, host.id, decompose=False, force=True, actor="admin")
    await stage.until(lambda: stage.find(removal).state == State.DONE)
    await engine.stop()
    assert stage.find(id).state == State.FAILED
    told = [one.text for one in database.ask(events.after, cursor=0, operation=id)]
    assert f"marked with operation {id}" in told[-1]
    assert database.ask(hosts.listing) == []
    assert database.ask(machines.listing) == []
    assert any("trust list" in one.text for one in database.ask(events.after, cursor=0, operation=removal))
