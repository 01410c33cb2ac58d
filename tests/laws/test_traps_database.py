"""The database's traps: updates and events that are lost, locks that are held too long, commits that do not last."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from innkeeper.store import events
from innkeeper.store.database import Database, Write
from innkeeper.store.events import Event
from innkeeper.store.tables import operation
from tests.laws.stage import Stage

counter = sa.Table("counter", sa.MetaData(), sa.Column("n", sa.Integer, nullable=False))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with a counter at 0."""
    made = Database(database_url)
    with made.write() as write:
        counter.create(write.sql)
        write.sql.execute(counter.insert().values(n=0))
    yield made
    made.close()


def _more(write: Write) -> None:
    """Read, think, write: what loses updates when transactions begin too late."""
    before = write.sql.scalar(sa.select(counter.c.n).with_for_update())
    time.sleep(0.001)
    write.sql.execute(counter.update().values(n=before + 1))


def test_a_hundred_increments_are_a_hundred(database: Database) -> None:
    """Rule 1 on SQLite (own BEGIN IMMEDIATE) and rule 3 on PostgreSQL (FOR UPDATE): each succeeds at once.

    Over four engines, as of four processes: no lock inside one of them helps.
    """
    engines = [Database(database.url.render_as_string(hide_password=False)) for _ in range(4)]
    attempts: list[None] = []

    def increment(number: int) -> None:
        attempts.append(None)
        engines[number % 4].transact(_more)

    with ThreadPoolExecutor(100) as threads:
        list(threads.map(increment, range(100)))
    assert database.ask(lambda sql: sql.scalar(sa.select(counter.c.n))) == 100
    assert len(attempts) == 100
    for engine in engines:
        engine.close()


def test_a_reader_waits_for_no_writer(database: Database) -> None:
    """Reads begin plainly: with BEGIN IMMEDIATE every GET would take the write lock."""
    with database.write() as write:
        write.sql.execute(counter.update().values(n=7))
        before = time.monotonic()
        assert database.ask(lambda sql: sql.scalar(sa.select(counter.c.n))) == 0
        assert time.monotonic() - before < 1


def test_sessions_give_up_waiting_and_commits_survive_a_power_cut(database: Database) -> None:
    def ask(sql: sa.Connection, what: str) -> object:
        return sql.exec_driver_sql(what).scalar()

    if database.is_sqlite:
        pragmas = {
            name: database.ask(ask, f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2 is FULL
        assert database.ask(ask, "PRAGMA busy_timeout") == 30000
    else:
        assert database.ask(ask, "SHOW lock_timeout") == "20s"
        assert database.ask(ask, "SHOW idle_in_transaction_session_timeout") == "10s"
        assert database.ask(ask, "SHOW transaction_isolation") == "read committed"


def test_a_cursor_loses_no_event(stage: Stage) -> None:
    """16 writers; a reader that remembers the highest id it has seen gets every event, in order."""
    database = stage.services.database
    stop = threading.Event()
    seen: list[Event] = []

    def write(number: int) -> int:
        for count in range(25):
            with database.write() as one:
                events.add(one, Event(kind="host", what="test", text=f"{number}/{count}"))
                one.sql.execute(sa.select(sa.func.count()).select_from(operation))  # between the note and the commit
        return 25

    def read() -> None:
        cursor = 0
        while True:
            last = stop.is_set()
            while fresh := database.ask(events.after, cursor=cursor, kind="host"):
                seen.extend(fresh)
                cursor = fresh[-1].id
            if last:
                return
            time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(16) as threads:
        written = sum(threads.map(write, range(16)))
    stop.set()
    reader.join()
    assert len(seen) == written
    assert len({one.text for one in seen}) == written
