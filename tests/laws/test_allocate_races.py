"""Many allocate at once, in threads on one database: no machine has two owners, no group two machines on a host."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import sqlalchemy as sa

from innkeeper.model.allocation import Wish
from innkeeper.model.lifecycle import Status
from innkeeper.model.request import Request
from innkeeper.operations import decompose
from innkeeper.operations.compose import COMPOSE
from innkeeper.store import allocation, claims, machines, users
from innkeeper.store.claims import Allotment, Lost
from innkeeper.store.fleet import Fleet
from innkeeper.store.tables import claim, machine
from tests.laws.stage import Stage
from tests.laws.test_races import at_once, errors

PEOPLE = 5


def people(stage: Stage) -> list[int]:
    """Users who want machines."""
    database = stage.services.database
    return [
        database.transact(users.create, username=f"user{number}", password="x", is_admin=False).id
        for number in range(PEOPLE)
    ]


def take(stage: Stage, wish: Wish, owner_id: int) -> str:
    """A Ready machine that this user gets, "" for none: as the API does it, look and then take."""
    database = stage.services.database
    for system_id in database.ask(allocation.look, wish).fitting:
        if database.transact(allocation.take, system_id=system_id, wish=wish, owner_id=owner_id):
            return system_id
    return ""


def rows(stage: Stage, table: sa.Table) -> list[Any]:
    return stage.services.database.ask(lambda sql: list(sql.execute(sa.select(table))))


async def ready(stage: Stage, host_id: int, number: int, **more: Any) -> list[str]:
    """Machines that are Ready."""
    made = [stage.order_machine(host_id, request=Request(memory=1024, **more)) for _ in range(number)]
    await stage.run(*(id for _, id in made))
    return [system_id for system_id, _ in made]


async def test_fifty_want_a_few_machines(stage: Stage) -> None:
    host = await stage.add_host()
    there = await ready(stage, host.id, 6)
    owners = people(stage)
    calls = [partial(take, stage, Wish(), owners[number % PEOPLE]) for number in range(50)]
    got = await asyncio.to_thread(at_once, *calls)
    assert errors(got) == []
    assert Counter(one for one in got if one) == Counter(there)
    owned = {row.system_id: row.owner_id for row in rows(stage, machine) if row.system_id in there}
    assert owned == {one: owners[number % PEOPLE] for number, one in enumerate(got) if one}


async def test_a_group_is_one_a_host_whoever_asks(stage: Stage) -> None:
    """Ready machines and new ones, at once: on each host one of the group."""
    hosts = [await stage.add_host(name) for name in ("alpha", "beta")]
    for host in hosts:
        await ready(stage, host.id, 3)
    owner, wish = people(stage)[0], Wish(anti_affinity="db")
    calls: list[Any] = [partial(take, stage, wish, owner) for _ in range(8)]
    calls += [partial(stage.order_machine, one.id, request=Request(anti_affinity="db")) for one in hosts * 4]
    got = await asyncio.to_thread(at_once, *calls)
    assert len([one for one in got if one and not isinstance(one, Exception)]) == 2
    assert {str(one) for one in errors(got)} != set()
    members = [row.host_id for row in rows(stage, machine) if row.anti_affinity == "db"]
    assert sorted(members) == sorted(one.id for one in hosts)


async def test_taken_or_deleted_and_never_both(stage: Stage) -> None:
    host = await stage.add_host()
    there = await ready(stage, host.id, 8)
    owner, database = people(stage)[0], stage.services.database
    found = [database.ask(machines.find, system_id) for system_id in there]
    calls: list[Any] = []
    for one in found:
        wish = Wish(system_id=one.system_id)
        calls += [
            partial(take, stage, wish, owner),
            partial(database.transact, decompose.submit, one, forced=False, actor="admin"),
        ]
    got = await asyncio.to_thread(at_once, *calls)
    for number, one in enumerate(found):
        taken = got[2 * number] == one.system_id
        status = database.ask(machines.find, one.system_id).status
        assert status == (Status.ALLOCATED if taken else Status.READY)
    await stage.run(*got[1::2])
    assert stage.see("alpha").instances == {}


async def test_fifty_composes_by_allocate_for_room_for_twenty(stage: Stage) -> None:
    """Each decides over the fleet and claims; a lost race decides again. Not one core is promised twice."""
    for name, cores in (("alpha", 12), ("beta", 8)):
        stage.change(name, lambda state, cores=cores: setattr(state, "cores", cores))
        await stage.add_host(name)
    owner, fleet = people(stage)[0], Fleet()
    got = await asyncio.to_thread(at_once, *(partial(_compose, stage, fleet, owner) for _ in range(50)))
    assert errors(got) == []
    assert len([one for one in got if one]) == 20
    held = Counter[int]()
    for row in rows(stage, claim):
        held[row.host_id] += row.cores
    assert sorted(held.values()) == [8, 12]


def _compose(stage: Stage, fleet: Fleet, owner_id: int) -> str:
    """The machine that is ordered, "" when no host has room."""
    database, wish = stage.services.database, Wish(memory=1024)
    while True:
        choice = database.ask(fleet.choose, wish)
        if choice.decision.best is None:
            return ""
        try:
            claimed = database.transact(
                claims.compose,
                host_id=choice.decision.best.host_id,
                request=wish.request,
                first_step=COMPOSE.first,
                uuid=stage.services.uuid,
                actor_id=owner_id,
                actor="user",
                allotment=Allotment(wish=wish, around=choice.around),
            )
        except Lost:
            continue
        finally:
            fleet.claimed(choice)
        return claimed.system_id
