"""What is on its way out of a host, and what was thought to be and is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from innkeeper.model.constraints import DiskRequest
from innkeeper.model.machine import Machine, PowerState
from innkeeper.model.request import Request
from innkeeper.store import machines
from innkeeper.store.operations import State
from innkeeper.store.tables import operation
from tests.unit.store.seen import GB, THEIRS, Seen

TWO = (DiskRequest(label="root", size=8 * GB), DiskRequest(size=5 * GB))


def test_removed_by_force_its_capacity_stays_counted_until_it_is_gone(seen: Seen) -> None:
    id = seen.remove(seen.compose(cores=2), forced=True)
    for _ in range(2):
        assert seen.machines == {}
        assert seen.claims == {"web": ("leftover", 2, 2048, (8 * GB,))}
        cores = seen.figures.cores
        assert cores is not None
        assert (cores.claimed, cores.others) == (0, 2)
        seen.look()  # it is still there, and not adopted
    del seen.there["default", "web"]
    seen.end(id, State.DONE)
    assert seen.claims == {}


def test_a_copy_of_one_that_is_on_its_way_out_is_followed(seen: Seen) -> None:
    """It carries the mark of the machine that goes, and is another's."""
    one = seen.compose()
    copy = replace(seen.there["default", "web"], name="copy")
    seen.put(copy)
    seen.look()
    seen.remove(one, forced=True)  # the order waits for its host
    for cores in (5, 7):
        seen.put(replace(copy, cores=cores))
        seen.look()
        assert seen.claims["copy"] == ("adopted", cores, 2048, (8 * GB,))
        assert seen.machines["copy"].cores == cores


def test_a_listing_from_before_the_removal_brings_nothing_back(seen: Seen) -> None:
    for forced in (False, True):
        one = seen.compose()
        at, before = seen.moment(), dict(seen.there)
        del seen.there["default", "web"]
        seen.end(seen.remove(one, forced=forced), State.DONE)
        assert seen.look(at, instances=before)
        assert (seen.machines, seen.claims) == ({}, {})


def test_an_adopted_one_that_was_removed_is_not_met_by_an_older_listing(seen: Seen) -> None:
    """It carries no mark of ours: its name tells."""
    seen.put(THEIRS)
    seen.look()
    one = seen.machines["theirs"]
    at, before = seen.moment(), dict(seen.there)
    seen.there.clear()
    seen.end(seen.remove(one), State.DONE)
    seen.look(at, instances=before)
    assert (seen.machines, seen.claims) == ({}, {})


@pytest.mark.parametrize(
    ("power", "late", "name", "origin"),
    [
        pytest.param(PowerState.ON, False, "web", "adopted", id="restored and started"),
        pytest.param(PowerState.OFF, True, "web", "adopted", id="restored another day"),
        pytest.param(PowerState.OFF, False, "copy", "adopted", id="a copy"),
        pytest.param(PowerState.OFF, False, "web", "leftover", id="made by a sleeper"),
    ],
)
def test_what_carries_the_marks_of_a_removed_machine_counts(
    seen: Seen, power: PowerState, late: bool, name: str, origin: str
) -> None:
    """A backup or a copy carries them too and is its owner's. Only what a sleeper may have made is left over."""
    one = seen.compose(cores=3)
    facts = replace(seen.there.pop(("default", "web")), power=power, name=name)
    id = seen.remove(one)
    seen.end(id, State.DONE)
    if late:
        with seen.database.write() as write:
            write.sql.execute(sa.update(operation).where(operation.c.id == id).values(ended=operation.c.ended - 1000))
    seen.look()
    seen.put(facts)
    for _ in range(2):
        seen.look()
        assert seen.claims[name][:2] == (origin, 3)
        assert [one.locked for one in seen.machines.values()] == ([True] if origin == "adopted" else [])


def test_what_an_undone_compose_left_counts_and_is_nobodys(seen: Seen) -> None:
    """A sleeper's request came after the undo. The sweep will take it; until then it is there."""
    one, id = seen.order(Request(hostname="web", cores=3))
    seen.end(id, State.FAILED)
    seen.put(seen.made(one, id))
    for _ in range(2):
        seen.look()
        assert seen.machines == {}
        assert seen.claims["web"][:2] == ("leftover", 3)
    seen.there.clear()
    seen.look()
    assert seen.claims == {}


def test_an_instance_that_an_undo_is_taking_away_is_not_met(seen: Seen) -> None:
    one, id = seen.order(Request(hostname="web"))
    at, before = seen.moment(), {("default", "web"): seen.made(one, id)}
    seen.end(id, State.FAILED)
    seen.look(at, instances=before)
    assert (seen.machines, seen.claims) == ({}, {})


def _unlocked(seen: Seen, name: str) -> Machine:
    seen.database.transact(machines.update, seen.machines[name].system_id, locked=False)
    return seen.machines[name]


def test_two_adopted_ones_removed_by_force_are_two(seen: Seen) -> None:
    """The end of one gives back what that one held."""
    seen.put(THEIRS, replace(THEIRS, name="more"))
    seen.look()
    first = seen.remove(_unlocked(seen, "theirs"), forced=True)
    second = seen.remove(_unlocked(seen, "more"), forced=True)
    seen.look()
    assert {origin for origin, *_ in seen.claims.values()} == {"leftover"}
    del seen.there["default", "theirs"]
    seen.end(first, State.DONE)
    assert set(seen.claims) == {"more"}
    del seen.there["default", "more"]
    seen.end(second, State.DONE)
    assert seen.claims == {}


def test_a_removal_that_was_given_up_leaves_it_to_be_met_anew(seen: Seen) -> None:
    """Nobody removes it any more, so it is not left to itself."""
    id = seen.remove(seen.compose(), forced=True)
    seen.end(id, State.FAILED)
    assert seen.claims["web"][0] == "leftover"
    seen.look()
    assert seen.claims["web"][0] == "adopted"
    assert seen.machines["web"].locked


def test_volumes_on_their_way_out_are_not_others(seen: Seen) -> None:
    """The pools were read before the removal and are stored after it: the room is free again, at once."""
    one = seen.compose(disks=TWO)
    seen.look_at_all()
    at, before = seen.moment(), dict(seen.there)
    seen.end(seen.remove(one), State.DONE)
    seen.there = before
    seen.look_at_all(at)
    pool = dict(seen.figures.storage)["fast"]
    assert (pool.claimed, pool.others, pool.free) == (0, 0, 1000 * GB)
    seen.look_at_all()  # and if they are there still, they count
    assert dict(seen.figures.storage)["fast"].used == 13 * GB


def test_orphans_count_as_others(seen: Seen) -> None:
    one = seen.compose(disks=TWO)
    orphan = replace(THEIRS, name="orphan", project="elsewhere")
    seen.put(orphan)
    seen.look_at_all()
    pool = dict(seen.figures.storage)["fast"]
    assert (pool.claimed, pool.others) == (13 * GB, 10 * GB)
    assert one.disks[1].volume
