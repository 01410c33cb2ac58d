"""Two things at once on one host or one name: both come out as if one had come after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.errors import Conflict, InnkeeperError, Invalid
from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import HostState
from innkeeper.model.machine import InstanceFacts
from innkeeper.model.request import Request
from innkeeper.operations import add_host, decompose, power, reconnect_host, refresh, remove_host
from innkeeper.operations.compose import COMPOSE
from innkeeper.operations.reconnect_host import Reconnect
from innkeeper.store import claims, events, hosts, machines, sightings
from innkeeper.store.database import Write, now
from innkeeper.store.operations import State
from innkeeper.store.tables import claim, interface, operation
from tests.laws.stage import Stage, credentials

WEB = Request(hostname="web", memory=1024)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Call all of these in the same moment, each in a thread; what they return, or the errors that are ours."""
    start = threading.Barrier(len(calls))

    def call(one: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return one()
        except InnkeeperError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def errors(results: Iterable[Any]) -> list[InnkeeperError]:
    return [one for one in results if isinstance(one, InnkeeperError)]


def rows(stage: Stage, table: sa.Table) -> list[Any]:
    return stage.services.database.ask(lambda sql: list(sql.execute(sa.select(table))))


async def test_one_name_on_two_hosts(stage: Stage) -> None:
    """One is made; the other is refused by name, not by the database."""
    alpha, beta = await stage.add_host("alpha"), await stage.add_host("beta")
    for number in range(8):
        request = replace(WEB, hostname=f"web{number}")
        found = at_once(*(partial(stage.order_machine, id, request=request) for id in (alpha.id, beta.id)))
        (refused,) = errors(found)
        assert isinstance(refused, Invalid)
        assert refused.fields == {"hostname": [f"there is a machine named 'web{number}' already"]}
    assert len(rows(stage, claim)) == 8


async def test_one_name_for_two_hosts(stage: Stage) -> None:
    credentials("alpha")
    found = at_once(*(lambda: stage.order_host("alpha") for _ in range(4)))
    assert len(errors(found)) == 3
    assert {str(one) for one in errors(found)} == {"There is a VM host named 'alpha' already."}


@pytest.mark.parametrize("module_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_macs_are_chosen_one_after_the_other(stage: Stage) -> None:
    """A compose on another host waits until the MACs of the first are there to be seen."""
    alpha, beta = await stage.add_host("alpha"), await stage.add_host("beta")
    database, seen = stage.services.database, []
    given: dict[str, Any] = {
        "request": Request(),
        "first_step": COMPOSE.first,
        "uuid": stage.services.uuid,
        "actor_id": 0,
        "actor": "admin",
    }
    with database.write() as write:
        claims.compose(write, host_id=alpha.id, **given)
        second = threading.Thread(
            target=lambda: seen.append(database.transact(claims.compose, host_id=beta.id, **given))
        )
        second.start()
        await asyncio.sleep(0.5)
        assert seen == []
    await asyncio.to_thread(second.join)
    macs = [row.mac for row in rows(stage, interface)]
    assert len(set(macs)) == len(macs) == 2


async def test_two_hosts_with_vms_of_the_same_names(stage: Stage) -> None:
    """Both are adopted in the same moment; the names are made different, and neither refresh fails."""
    names = [f"vm{number}" for number in range(20)]

    def full(state: Any) -> None:
        state.instances = {f"default/{name}": InstanceFacts(name=name, project="default") for name in names}

    ids = []
    for name in ("alpha", "beta", "gamma"):
        stage.change(name, full)
        ids.append(stage.order_host(name)[1])
    await stage.run(*ids)
    assert {stage.find(id).state for id in ids} == {State.DONE}
    found = stage.services.database.ask(machines.listing)
    assert len({one.hostname for one in found}) == len(found) == 63


async def test_removals_while_the_host_is_read(stage: Stage) -> None:
    """What goes while a listing is being stored is not met again, and fails nobody."""
    host = await stage.add_host()
    database = stage.services.database
    for _ in range(4):
        made = [stage.order_machine(host.id, request=Request(memory=1024)) for _ in range(6)]
        await stage.run(*(id for _, id in made))
        found = [database.ask(machines.find, system_id) for system_id, _ in made]
        work = []
        for one in found:
            work.append(database.transact(decompose.submit, one, forced=False, actor="admin"))
            work.append(database.transact(refresh.submit, host, actor="admin"))
        await stage.run(*work)
        assert [stage.find(id).error for id in work] == [None] * len(work)
        assert stage.see("alpha").instances == {}
        await stage.run(database.transact(refresh.submit, host, actor="admin"))
        assert [one.hostname for one in database.ask(machines.listing)] == ["alpha"]
        assert rows(stage, claim) == []


@pytest.mark.parametrize("module_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_an_ending_waits_for_the_look_that_is_being_stored(stage: Stage) -> None:
    """Else a claim would go between the look's reading of it and its writing to it."""
    host = await stage.add_host()
    one = await stage.compose(host.id, request=WEB)
    database = stage.services.database
    listed_at, instances = database.ask(now), tuple(stage.see("alpha").instances.values())
    id = database.transact(decompose.submit, one, forced=False, actor="admin")
    with database.write() as write:
        hosts.lock(write, host.id)
        engine = stage.engine()
        await engine.start()
        await stage.until(lambda: not stage.see("alpha").instances)
        await asyncio.sleep(0.3)
        assert stage.find(id).state == State.RUNNING
        sightings.see(write, host_id=host.id, instances=instances, listed_at=listed_at, uuid=stage.services.uuid)
    await stage.until(lambda: stage.find(id).ended)
    await engine.stop()
    assert stage.find(id).state == State.DONE
    assert rows(stage, claim) == []


async def test_a_compose_and_the_removal_of_its_host(stage: Stage) -> None:
    """One of them is refused, whoever comes first."""
    for _ in range(6):
        await stage.reset()
        host = await stage.add_host()
        found = at_once(
            lambda id=host.id: stage.order_machine(id, request=WEB),
            lambda id=host.id: stage.services.database.transact(
                remove_host.submit, id, decompose=True, force=False, actor="admin"
            ),
        )
        (refused,) = errors(found)
        assert isinstance(refused, Conflict)
        work = [row.id for row in rows(stage, operation) if row.kind in ("compose", "remove_host")]
        await stage.run(*work)
        assert len(work) == 1
        assert bool(stage.see("alpha").instances) == bool(stage.services.database.ask(hosts.listing))


async def test_nothing_is_ordered_on_a_host_that_is_being_removed(stage: Stage) -> None:
    """It would find no host, and could never end."""
    host = await stage.add_host()
    one = await stage.compose(host.id, request=WEB)
    database = stage.services.database
    database.transact(hosts.update, host.id, state=HostState.REMOVING)
    same = {"address": host.address, "fingerprint": "", "certificate": ""}
    old = {"old_address": "", "old_certificate": "", "old_server_certificate": "", "old_fingerprint": ""}
    wanted = Reconnect(**same, **old, old_made_here=True, made_here=True, redeem=False)
    orders: list[Callable[[Write], object]] = [
        lambda write: decompose.submit(write, one, forced=False, actor="admin"),
        lambda write: decompose.submit(write, one, forced=True, actor="admin"),
        lambda write: power.submit(write, power.POWER_ON, one, actor="admin"),
        lambda write: refresh.submit(write, host, actor="admin"),
        lambda write: reconnect_host.submit(write, host, wanted, actor="admin"),
    ]
    before = rows(stage, operation)
    for order in orders:
        with pytest.raises(Conflict, match="VM host alpha is being removed"):
            database.transact(order)
    assert rows(stage, operation) == before
    assert database.transact(add_host.submit_enrol, host) == ""  # it does not wait for trust


@pytest.mark.parametrize("step", ["create volumes", "create the instance", "read it back"])
async def test_a_machine_is_removed_by_force_while_it_is_made(stage: Stage, step: str) -> None:
    """Its record goes at once; then what makes it is undone, and nothing is left."""
    host = await stage.add_host()
    call = {"create volumes": "create_volume", "create the instance": "create", "read it back": "instance"}[step]
    stage.change("alpha", lambda state: state.faults.append(Fault(call=call, kind="delay", seconds=0.5)))
    disks = (*WEB.disks, WEB.disks[0])
    system_id, id = stage.order_machine(host.id, request=replace(WEB, disks=disks), answered=True)
    engine = stage.engine()
    await engine.start()
    await stage.until(lambda: call in stage.see("alpha").calls)
    database = stage.services.database
    one = database.ask(machines.find, system_id)
    removal = await database.writing(decompose.submit, one, forced=True, actor="admin")
    assert database.ask(machines.named, "web") is None
    assert [row.origin for row in rows(stage, claim)] == ["leftover"]
    for each in (id, removal):
        await stage.until(lambda each=each: stage.find(each).ended)
    await engine.stop()
    assert stage.find(removal).state == State.DONE
    error = stage.find(id).error
    assert (error.brief if error else "") == ("" if step == "read it back" else "Cancelled.")
    told = [one.text for one in database.ask(events.after, cursor=0, operation=id)]
    assert [text for text in told if text.startswith("waiting")] == []
    state = stage.see("alpha")
    assert (state.instances, state.volumes, state.making) == ({}, {}, {})
    assert rows(stage, claim) == []


async def test_a_machine_is_removed_by_force_while_its_undo_waits_for_the_host(stage: Stage) -> None:
    host = await stage.add_host()

    def dies(state: Any) -> None:
        state.faults = [Fault(call="create", kind="cut", when="after"), Fault(call="delete", kind="cut")]

    stage.change("alpha", dies)
    system_id, id = stage.order_machine(host.id, request=WEB, answered=True)
    engine = stage.engine()
    await engine.start()
    await stage.until(lambda: stage.find(id).attempts)
    database = stage.services.database
    removal = database.transact(decompose.submit, database.ask(machines.find, system_id), forced=True, actor="admin")
    for each in (id, removal):
        await stage.until(lambda each=each: stage.find(each).ended)
    await engine.stop()
    assert (stage.find(id).state, stage.find(removal).state) == (State.FAILED, State.DONE)
    assert stage.see("alpha").instances == {}
    assert rows(stage, claim) == []


async def test_two_ways_to_reach_a_host_at_once(stage: Stage) -> None:
    """The second would remember the first one's half-way as "before": it is refused."""
    host = await stage.add_host()
    database = stage.services.database
    certificate, server_certificate = database.ask(hosts.pins, host.id)
    wanted = Reconnect(
        address=host.address,
        old_address=host.address,
        fingerprint="",
        certificate=credentials("new").certificate,
        old_certificate=certificate,
        old_server_certificate=server_certificate,
        old_fingerprint=host.fingerprint,
        old_made_here=True,
        made_here=True,
        redeem=False,
    )
    found = at_once(*(lambda: database.transact(reconnect_host.submit, host, wanted, actor="admin") for _ in range(2)))
    (refused,) = errors(found)
    assert "How VM host alpha is reached cannot change now" in refused.brief
