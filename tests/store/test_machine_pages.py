"""Pages of machines and batches, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.store import batches, disks, hosts, machine_pages, machines, schema, users
from innkeeper.store.batches import Item, State
from innkeeper.store.database import Database, Write
from innkeeper.store.machine_pages import GROUPS, SORTS, Wanted
from innkeeper.store.machines import Filter
from innkeeper.store.secrets import load_key

NAMES = ("a-1", "a-2", "b-1")


def _fill(write: Write) -> None:
    ann = users.create(write, username="ann", password="secret")
    common = {"project": "default", "certificate": "", "state": HostState.READY, "zone_id": 1, "pool_id": 0}
    for name in ("alpha", "bravo"):
        hosts.insert(write, kind="simulated", name=name, address=f"{name}:1", fingerprint=name, **common)
    for number, name in enumerate((*NAMES, "alpha")):
        origin = Origin.HOST if name == "alpha" else Origin.COMPOSED
        machines.insert(
            write,
            system_id=f"id{number}",
            hostname=name,
            domain_id=0,
            zone_id=1,
            pool_id=0,
            origin=origin,
            status=int(Status.DEPLOYED if name == "b-1" else Status.READY),
            architecture="amd64/generic",
            cores=4 - number,
            memory=1024,
            host_id=None if origin == Origin.HOST else 2 if name == "b-1" else 1,
            owner_id=ann.id if name == "b-1" else None,
            power_state=PowerState.ON if name == "a-2" else PowerState.OFF,
            tags_json='["x","Web"]' if name == "a-1" else '["web"]' if name == "a-2" else "[]",
        )
        disks.insert(write, system_id=f"id{number}", position=0, device="root", size=(number + 1) * 10**9, pool="p")


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    one = Database(database_url)
    schema.upgrade(one)
    one.transact(schema.seed, load_key(tmp_path / "key"), domain_name="maas")
    one.transact(_fill)
    yield one
    one.close()


def names(database: Database, wanted: Wanted, *, sort: str = "name", down: bool = False, group: str = "") -> list[str]:
    page = database.ask(machine_pages.page, wanted, sort=sort, down=down, group=group, number=1, size=10)
    assert page.total == len(page.rows)
    return [one.hostname for one in page.rows]


def test_every_sort_and_group_gives_all_and_no_records_of_hosts(database: Database) -> None:
    every = Wanted(which=Filter())
    for sort in SORTS:
        for group in ("", *GROUPS):
            for down in (False, True):
                assert sorted(names(database, every, sort=sort, down=down, group=group)) == [*NAMES], (sort, group)
    assert names(database, every, sort="cores") == ["b-1", "a-2", "a-1"]
    assert names(database, every, sort="storage", down=True) == ["b-1", "a-2", "a-1"]
    assert names(database, every, sort="name", down=True, group="host") == ["a-2", "a-1", "b-1"]
    assert names(database, every, group="owner") == ["b-1", "a-1", "a-2"]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (Filter(tags=("web",)), ["a-2"]),
        (Filter(tags=("Web",)), ["a-1"]),
        (Filter(tags=("x", "Web")), ["a-1"]),
        (Filter(tags=("We",)), []),
        (Filter(tags=('x","Web',)), []),
        (Filter(not_tags=("web",)), ["a-1", "b-1"]),
        (Filter(powers=("on",)), ["a-2"]),
        (Filter(unowned=True), ["a-1", "a-2"]),
        (Filter(owner_ids=(1,)), ["b-1"]),
        (Filter(owner_ids=(1,), unowned=True), [*NAMES]),
        (Filter(owner_ids=(99,)), []),
        (Filter(seen_by=99), ["a-1", "a-2"]),
        (Filter(nothing=True), []),
    ],
)
def test_filters(database: Database, which: Filter, found: list[str]) -> None:
    assert names(database, Wanted(which=which)) == found
    with database.read() as sql:
        assert machine_pages.system_ids(sql, Wanted(which=which), limit=9) == [f"id{NAMES.index(one)}" for one in found]
        listed = [one.hostname for one in machines.listing(sql, which) if one.origin != Origin.HOST]
    assert listed == found


@pytest.mark.parametrize(
    ("words", "found"),
    [("A-", ["a-1", "a-2"]), ("alpha 2", ["a-2"]), ("DEPLOYED", ["b-1"]), ("ann", ["b-1"]), ("_", []), ("%", [])],
)
def test_words(database: Database, words: str, found: list[str]) -> None:
    assert names(database, Wanted(which=Filter(), words=tuple(words.split()))) == found


def test_groups_are_counted(database: Database) -> None:
    every = Wanted(which=Filter())
    with database.read() as sql:
        assert machine_pages.counts(sql, every, "host", [1, 2]) == {1: 2, 2: 1}
        assert machine_pages.counts(sql, every, "owner", [None]) == {None: 2}
        assert machine_pages.counts(sql, every, "status", [int(Status.DEPLOYED)]) == {int(Status.DEPLOYED): 1}


def test_a_batch_is_told_as_it_goes_and_as_it_was_left(database: Database) -> None:
    items = [Item(position=at, system_id=f"id{at}", hostname=name, host_id=1) for at, name in enumerate(NAMES)]
    about = {"action": "lock", "title": "Lock", "user_id": 1}
    said = {"operation": "", "title": "Lock", "actor": "ann"}
    assert database.transact(batches.create, id="b", owner="gone", items=items, **about)
    assert not database.transact(batches.create, id="b", owner="gone", items=items, **about)
    database.transact(batches.begin, "b", items[0], owner="gone")
    database.transact(batches.end, "b", items[0], error="", **said)
    database.transact(batches.begin, "b", items[1], owner="gone")
    found = database.ask(batches.find, "b", seen_by=1)
    assert [one.state for one in found.items] == [State.DONE, State.LOST, State.LEFT]
    assert found.over
    database.transact(batches.end, "b", items[1], error="no", **said)
    database.transact(batches.end, "b", items[2], error="", **said)
    found = database.ask(batches.find, "b", seen_by=None)
    assert found.ended is not None
    assert [(one.state, one.text) for one in found.items] == [(State.DONE, ""), (State.FAILED, "no"), (State.DONE, "")]
    with pytest.raises(NotFound):
        database.ask(batches.find, "b", seen_by=2)
    assert database.transact(batches.prune, older_than=-1.0) == 1
    with database.read() as sql:
        assert sql.scalar(sa.text("SELECT count(*) FROM batch_item")) == 0
