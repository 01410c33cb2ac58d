"""The one engine factory, and the two kinds of transaction: read and write.

SQLite: WAL, one writer (an in-process queue before it), BEGIN IMMEDIATE for writes and plain BEGIN for reads,
synchronous=FULL so that an operation that was acknowledged survives a power cut.
PostgreSQL: READ COMMITTED with row locks taken explicitly; sessions give up waiting for locks and for a
client that fell asleep inside a transaction.

SQL called from the event loop runs in threads of two kinds, so that writers that wait for a lock keep no reader
waiting: on SQLite one thread writes, for there is one writer anyway. Few threads: they all share one interpreter.

Statements that every request or step needs are built once, as constants of their module: building one anew costs five
times what running it does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from innkeeper.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_WRITTEN = "tables written"  # a note on a connection
EVENTS_LOCK = 0x1EE7  # advisory lock: events get their ids in the order of commits
NETWORKS_LOCK = 0x1EE8  # advisory lock: networks that a host is the first to tell of are made one at a time
NOTICES_LOCK = 0x1EE9  # advisory lock: what is noticed is told once, whoever looks
ADDRESSES_LOCK = 0x1EEA  # advisory lock: shared by who takes addresses, alone for who sets ranges of them apart
LOCK_TIMEOUT_MS = 20_000
IDLE_IN_TRANSACTION_MS = 10_000
READERS, WRITERS, OTHERS = 4, 8, 8  # threads that read, that write (PostgreSQL); connections beside theirs


@dataclass(frozen=True)
class Write:
    """A write transaction: its connection, and the events that go in last, under one lock."""

    sql: sa.Connection
    is_sqlite: bool
    events: list[dict[str, Any]] = field(default_factory=list)
    held: set[int] = field(default_factory=set)  # hosts whose rows it has locked

    def now(self) -> float:
        """The database's clock, epoch seconds."""
        return now(self.sql)


class _Clock(FunctionElement[float]):
    type = sa.Float()
    inherit_cache = True


@compiles(_Clock, "sqlite")
def _sqlite_clock(*_: object, **__: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_Clock, "postgresql")
def _postgresql_clock(*_: object, **__: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS FLOAT)"


# The database's clock as an SQL expression, epoch seconds. All processes compare with this one clock.
NOW = _Clock()
_ASK_NOW = sa.select(NOW)


def now(sql: sa.Connection) -> float:
    """The database's clock, epoch seconds."""
    return float(sql.scalar(_ASK_NOW) or 0.0)


def strings(text: str) -> tuple[str, ...]:
    """The strings of a JSON list in a column; mostly there are none, and nothing to decode."""
    return tuple(msgspec.json.decode(text)) if text != "[]" else ()


class Database:
    """Connections to one database. `url`: sqlite:///path or postgresql+psycopg://…"""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        writers = 1 if self.is_sqlite else WRITERS
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="write")
        pool = READERS + writers + OTHERS
        self._after_write: list[Callable[[list[dict[str, Any]]], None]] = []
        self._turn: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()
        if self.is_sqlite:
            self.engine = sa.create_engine(url, pool_size=pool, max_overflow=30, hide_parameters=True)
            sa.event.listen(self.engine, "connect", _configure_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            options = (
                f"-c lock_timeout={LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
            )
            self.engine = sa.create_engine(
                url,
                isolation_level="READ COMMITTED",
                pool_size=pool,
                max_overflow=20,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"options": options, "connect_timeout": 5},
            )
        sa.event.listen(self.engine, "after_execute", _notice)
        self._reader = self.engine.execution_options(reading=True)

    def on_write(self, call: Callable[[list[dict[str, Any]]], None]) -> None:
        """Have `call` called with the events (in the writing thread) after every commit that wrote some."""
        self._after_write.append(call)

    @contextmanager
    def write(self) -> Iterator[Write]:
        """A write transaction: commits at the end, rolls back on any exception. Events are inserted last.

        Raises Unavailable, as everything here that asks the database.
        """
        from innkeeper.store import events, stamps

        with _told(), self._turn, self.engine.begin() as connection:
            write = Write(connection, self.is_sqlite)
            connection.info[_WRITTEN] = set()
            yield write
            stamps.move_what(connection, written=connection.info[_WRITTEN], held=write.held)
            if write.events:
                events.insert(write)
        if write.events:
            for call in self._after_write:
                call(write.events)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read transaction: one consistent view, no lock."""
        with _told(), self._reader.connect() as connection:
            yield connection

    def transact(self, change: Callable[Concatenate[Write, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `change` in a write transaction of its own; again, when somebody took in the same moment what it had
        found free: the second look says so in its own words."""
        try:
            with self.write() as write:
                return change(write, *args, **kwargs)
        except IntegrityError:
            with self.write() as write:
                return change(write, *args, **kwargs)

    def ask(self, question: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `question` in a read transaction of its own."""
        with self.read() as connection:
            return question(connection, *args, **kwargs)

    async def writing(self, change: Callable[Concatenate[Write, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`transact` in a thread: SQL never runs in the event loop."""
        return await _in(self._writers, lambda: self.transact(change, *args, **kwargs))

    async def reading(
        self, question: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`ask` in a thread."""
        return await _in(self._readers, lambda: self.ask(question, *args, **kwargs))

    async def patiently(self, change: Callable[Concatenate[Write, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`writing`, waiting for a database that is away instead of failing: for work that must not be lost."""
        return await _until_there(self._writers, lambda: self.transact(change, *args, **kwargs))

    async def patiently_reading(
        self, question: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`reading`, waiting for a database that is away."""
        return await _until_there(self._readers, lambda: self.ask(question, *args, **kwargs))

    def close(self) -> None:
        """Close all connections, when what runs has ended."""
        for threads in (self._readers, self._writers):
            threads.shutdown()
        self.engine.dispose()


async def _in(threads: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


async def _until_there(threads: Executor, work: Callable[[], T]) -> T:
    while True:
        try:
            return await _in(threads, work)
        except Unavailable:
            await asyncio.sleep(0.5)


@contextmanager
def _told() -> Iterator[None]:
    """That the database is away or busy, as our own error: trying again later makes sense then, and only then."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, OperationalError) or error.connection_invalidated:
            raise Unavailable("The database does not answer now.", resolution="Try again in a moment.") from error
        raise


def _notice(
    connection: sa.Connection, clause: Any, _multi: object, _parameters: object, _options: object, result: Any
) -> None:
    """Note which tables a transaction really writes to. How many rows a statement that returns some has changed is
    not known before they are read: it counts."""
    if not getattr(clause, "is_dml", False) or _WRITTEN not in connection.info:
        return
    if clause.is_insert or result.returns_rows or result.rowcount != 0:
        connection.info[_WRITTEN].add(clause.table.name)


def _configure_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # our begin hook says BEGIN; pysqlite's own way loses updates
    for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=30000", "foreign_keys=on"):
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
