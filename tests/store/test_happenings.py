"""Events and operations as people look for them, page by page, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.store import event_pages, events, hosts, machines, operation_pages, operations, schema, users
from innkeeper.store.database import Database, Write
from innkeeper.store.event_pages import Wanted
from innkeeper.store.events import Event
from innkeeper.store.operation_pages import Wanted as Which
from innkeeper.store.secrets import load_key
from innkeeper.store.visibility import Viewer


def _fill(write: Write) -> None:
    ann = users.create(write, username="ann", password="secret")
    hosts.insert(
        write,
        kind="simulated",
        name="alpha",
        address="alpha:1",
        project="default",
        state=HostState.READY,
        zone_id=1,
        pool_id=0,
    )
    for number, name in enumerate(("web", "db")):
        machines.insert(
            write,
            system_id=f"id{number}",
            hostname=name,
            domain_id=0,
            zone_id=1,
            pool_id=0,
            origin=Origin.COMPOSED,
            status=int(Status.READY),
            architecture="amd64/generic",
            cores=2,
            memory=1024,
            host_id=1,
            owner_id=ann.id if name == "web" else None,
            power_state=PowerState.OFF,
        )


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    one = Database(database_url)
    schema.upgrade(one)
    one.transact(schema.seed, load_key(tmp_path / "key"), domain_name="maas")
    one.transact(_fill)
    yield one
    one.close()


def tell(database: Database, *many: Event) -> None:
    def add(write: Write) -> None:
        for one in many:
            events.add(write, one)

    database.transact(add)


def texts(database: Database, wanted: Wanted, **how: object) -> list[str]:
    found = database.ask(event_pages.page, wanted, limit=100, **how)  # type: ignore[arg-type]
    return [one.event.text for one in found.rows]


def test_words_are_looked_for_everywhere_and_as_they_stand(database: Database) -> None:
    tell(
        database,
        Event(kind="machine", what="status", text="100% Ready", host_id=1, system_id="id0"),
        Event(kind="host", what="state", text="1000 Ready", host_id=1),
        Event(kind="machine", what="removed", text="left", system_id="id9"),
    )
    assert texts(database, Wanted(words=("READY",))) == ["1000 Ready", "100% Ready"]
    assert texts(database, Wanted(words=("100%",))) == ["100% Ready"]
    assert texts(database, Wanted(words=("web", "ready"))) == ["100% Ready"]
    assert texts(database, Wanted(words=("alpha",), kind="host")) == ["1000 Ready"]
    assert texts(database, Wanted(machine="web")) == texts(database, Wanted(machine="id0")) == ["100% Ready"]
    assert texts(database, Wanted(machine="id9")) == ["left"]
    assert texts(database, Wanted(host="alpha")) == ["1000 Ready", "100% Ready"]
    assert texts(database, Wanted(host="beta")) == []
    rows = database.ask(event_pages.page, Wanted(), limit=100).rows
    assert [(one.hostname, one.host) for one in rows[:3]] == [("", ""), ("", "alpha"), ("web", "alpha")]


def test_pages_in_both_directions(database: Database) -> None:
    tell(database, *(Event(kind="host", what="test", text=str(number), host_id=1) for number in range(7)))
    wanted = Wanted(kind="host")
    first = database.ask(event_pages.page, wanted, limit=3)
    assert ([one.event.text for one in first.rows], first.newer, first.older) == (["6", "5", "4"], False, True)
    second = database.ask(event_pages.page, wanted, limit=3, before=first.rows[-1].event.id)
    assert ([one.event.text for one in second.rows], second.newer, second.older) == (["3", "2", "1"], True, True)
    last = database.ask(event_pages.page, wanted, limit=3, before=second.rows[-1].event.id)
    assert ([one.event.text for one in last.rows], last.older) == (["0"], False)
    back = database.ask(event_pages.page, wanted, limit=3, after=last.rows[0].event.id)
    assert [one.event.text for one in back.rows] == ["3", "2", "1"]
    assert (back.newer, back.older) == (True, True)
    newest = database.ask(event_pages.page, wanted, limit=3, after=back.rows[0].event.id)
    assert ([one.event.text for one in newest.rows], newest.newer) == (["6", "5", "4"], False)


def test_what_a_user_may_see(database: Database) -> None:
    tell(
        database,
        Event(kind="machine", what="status", text="ann's", system_id="id0"),
        Event(kind="machine", what="status", text="nobody's", system_id="id1"),
        Event(kind="audit", what="audit", text="secret", actor="bob"),
    )
    bob = Viewer(user_id=10**6, username="bob")
    assert texts(database, Wanted(), seen_by=bob) == ["nobody's"]
    assert texts(database, Wanted(), seen_by=None) == ["secret", "nobody's", "ann's"]


def order(write: Write, kind: str, system_id: str) -> str:
    return operations.submit(write, kind=kind, first_step="begin", host_id=1, system_id=system_id, actor="admin")


def test_operations_by_state_kind_and_what_they_are_about(database: Database) -> None:
    ids = [
        database.transact(order, kind, id) for kind, id in (("compose", "id0"), ("power_on", "id1"), ("compose", "id9"))
    ]

    def found(number: int = 1, size: int = 50, seen_by: Viewer | None = None, **which: str) -> list[str]:
        rows, _ = database.ask(operation_pages.page, Which(**which), number=number, size=size, seen_by=seen_by)
        return [one.operation.id for one in rows]

    assert sorted(found()) == sorted(ids)
    assert found(machine="web") == found(machine="id0") == ids[:1]
    assert found(kind="compose", machine="id9") == ids[2:]
    assert found(state="done") == found(host="beta") == []
    assert sorted(found(state="open", host="alpha")) == sorted(ids)
    assert database.ask(operation_pages.kinds) == ["compose", "power_on"]
    pages = [found(number=number, size=2) for number in (1, 2, 3)]
    assert (len(pages[0]), len(pages[1])) == (2, 1)
    assert pages[2] == pages[1]  # beyond the last is the last
    bob = Viewer(user_id=10**6, username="bob")
    assert found(seen_by=bob) == ids[1:2]
    named = database.ask(operation_pages.find, ids[1])
    assert named is not None
    assert (named.hostname, named.host) == ("db", "alpha")
    assert database.ask(operation_pages.find, ids[0], seen_by=bob) is None
    assert set(database.ask(event_pages.of_operations, ids)) == set(ids)
