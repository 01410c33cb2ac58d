"""What is noticed, and whose share is how large, on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.model.notices import Kind
from innkeeper.store import events, holdings, hosts, machines, notices, schema, shares, users
from innkeeper.store.database import Database, Write
from innkeeper.store.secrets import load_key
from innkeeper.store.tables import machine
from innkeeper.store.visibility import Viewer

DAY, GB = 86400.0, 10**9


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
        certificate_expires=time.time() + 5.5 * DAY,
    )
    for number, name in enumerate(("web", "db", "gone")):
        machines.insert(
            write,
            system_id=f"id{number}",
            hostname=name,
            domain_id=0,
            zone_id=1,
            pool_id=0,
            origin=Origin.COMPOSED,
            status=int(Status.MISSING if name == "gone" else Status.READY),
            architecture="amd64/generic",
            cores=2,
            memory=1024,
            host_id=1,
            owner_id=ann.id if name == "gone" else None,
            power_state=PowerState.OFF,
        )
        holdings.insert(
            write,
            host_id=1,
            project="default",
            instance=name,
            origin="composed",
            cores=2 + number,
            pinned="",
            memory=1024,
            huge_pages=name == "db",
            storage=((0, "fast", name, GB), (1, "fast", f"{name}-1", GB), (2, "slow", f"{name}-2", 3 * GB)),
            system_id=f"id{number}",
        )


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    one = Database(database_url)
    schema.upgrade(one)
    one.transact(schema.seed, load_key(tmp_path / "key"), domain_name="maas")
    one.transact(_fill)
    yield one
    one.close()


def told(database: Database) -> list[str]:
    """What events said of notices."""
    return [one.what for one in database.ask(events.after, cursor=0) if one.what.startswith("notice")]


def test_it_is_kept_and_told_once_whoever_looks(database: Database) -> None:
    assert database.ask(notices.news)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: database.transact(notices.settle), range(8)))
    assert not database.ask(notices.news)
    assert [one.subject for one in database.ask(notices.kept)] == ["certificate/1", "missing/id2"]
    assert all(one.since > 0 for one in database.ask(notices.kept))
    assert told(database) == ["notice", "notice"]
    assert database.ask(notices.counted) == {("alpha", Kind.CERTIFICATE): 1, ("alpha", Kind.MISSING): 1}


def test_it_ends_with_its_cause(database: Database) -> None:
    database.transact(notices.settle)
    ready = sa.update(machine).where(machine.c.system_id == "id2").values(status=int(Status.READY))
    database.transact(lambda write: write.sql.execute(ready).rowcount)
    database.transact(hosts.update, 1, certificate_expires=time.time() + 400 * DAY)
    database.transact(notices.settle)
    assert database.ask(notices.kept) == []
    assert told(database) == ["notice", "notice", "notice over", "notice over"]


def test_who_sees_what(database: Database) -> None:
    database.transact(notices.settle)
    ann = database.ask(lambda sql: next(one.id for one in users.listing(sql) if one.username == "ann"))

    def seen(viewer: Viewer | None, most: int | None = None) -> tuple[list[str], int]:
        found = database.ask(notices.shown, viewer, most=most)
        return [one.subject for one in found.first], found.more

    assert seen(None) == (["certificate/1", "missing/id2"], 0)
    assert seen(None, 1) == (["certificate/1"], 1)
    assert seen(Viewer(user_id=ann, username="ann")) == (["missing/id2"], 0)
    assert seen(Viewer(user_id=ann + 1, username="bob")) == ([], 0)


def test_shares_add_up(database: Database) -> None:
    found = database.ask(shares.of_host, 1)
    assert [(one.hostname, one.cores, one.memory) for one in found] == [
        ("web", 2, 1024),
        ("db", 3, 0),
        ("gone", 4, 1024),
    ]
    assert all(one.storage == {"fast": 2 * GB, "slow": 3 * GB} for one in found)
    assert database.ask(shares.of_host, 2) == []
