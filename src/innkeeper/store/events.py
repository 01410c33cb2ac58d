"""Events: what happened, append-only. They are collected in a write transaction and inserted last, in commit order."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from innkeeper.store.database import EVENTS_LOCK, NOW, Write
from innkeeper.store.tables import event
from innkeeper.store.visibility import Viewer, visible

_INSERT = sa.insert(event).values(at=NOW)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event. `kind`: operation, machine, host, audit. `request`: the client's own mark of its request."""

    kind: str
    what: str
    text: str = ""
    host_id: int | None = None
    system_id: str = ""
    operation: str = ""
    state: str = ""
    step: str = ""
    actor: str = ""
    address: str = ""
    request: str = ""
    id: int = 0
    at: float = 0.0


def add(write: Write, one: Event) -> None:
    """Note an event; it is stored with this transaction."""
    values = asdict(one)
    del values["id"], values["at"]
    write.events.append(values)


def insert(write: Write) -> None:
    """Store the collected events. On PostgreSQL under a lock, so that ids follow commits and no cursor loses one."""
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(EVENTS_LOCK)))
    write.sql.execute(_INSERT, write.events)


def after(
    sql: sa.Connection,
    *,
    cursor: int,
    limit: int = 500,
    host_id: int | None = None,
    system_id: str = "",
    operation: str = "",
    kind: str = "",
    seen_by: Viewer | None = None,
) -> list[Event]:
    """Events with an id above `cursor`, oldest first. Audit events are for administrators."""
    query = sa.select(event).where(event.c.id > cursor).order_by(event.c.id).limit(limit)
    if host_id is not None:
        query = query.where(event.c.host_id == host_id)
    if system_id:
        query = query.where(event.c.system_id == system_id)
    if operation:
        query = query.where(event.c.operation == operation)
    if kind:
        query = query.where(event.c.kind == kind)
    if seen_by is not None:
        query = query.where(event.c.kind != "audit", visible(event.c, seen_by))
    return [Event(**row._mapping) for row in sql.execute(query)]


def last(sql: sa.Connection) -> int:
    """The highest id there is (0: none)."""
    return int(sql.scalar(sa.select(sa.func.max(event.c.id))) or 0)


def prune(write: Write, *, older_than: float) -> int:
    """Delete events older than that age in seconds; how many went."""
    return write.sql.execute(sa.delete(event).where(event.c.at < write.now() - older_than)).rowcount
