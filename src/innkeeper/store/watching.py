"""Who watches which host: one process a host, by a lease like that of operations."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.store import ledger
from innkeeper.store.database import Write
from innkeeper.store.tables import host, process


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A host as its watcher needs to know it."""

    id: int
    revision: int
    state: str


def share(write: Write, *, me: str) -> list[Watched]:
    """The hosts that this process is to watch now: its own, and a fair share of those that nobody alive watches."""
    alive = ledger.alive(write.sql) or [me]
    dead = sa.or_(host.c.watcher.is_(None), host.c.watcher.not_in(sa.select(process.c.id)))
    mine = write.sql.scalar(sa.select(sa.func.count()).select_from(host).where(host.c.watcher == me)) or 0
    count = write.sql.scalar(sa.select(sa.func.count()).select_from(host)) or 0
    room = -(-count // len(alive)) - mine
    if room > 0:
        free = sa.select(host.c.id).where(dead).order_by(host.c.id).limit(room)
        ids = list(write.sql.scalars(free if write.is_sqlite else free.with_for_update(skip_locked=True)))
        if ids:
            write.sql.execute(sa.update(host).where(host.c.id.in_(ids)).values(watcher=me, live=False))
    return watched(write.sql, me=me)


def unclaimed(sql: sa.Connection) -> bool:
    """Whether a host has no watcher that is alive (asked without a lock)."""
    dead = sa.or_(host.c.watcher.is_(None), host.c.watcher.not_in(sa.select(process.c.id)))
    return sql.execute(sa.select(host.c.id).where(dead).limit(1)).first() is not None


def watched(sql: sa.Connection, *, me: str) -> list[Watched]:
    """The hosts that this process watches."""
    query = sa.select(host.c.id, host.c.revision, host.c.state).where(host.c.watcher == me).order_by(host.c.id)
    return [Watched(**row._mapping) for row in sql.execute(query)]


def leave(write: Write, *, me: str) -> None:
    """A process stops: its hosts are free for others at once."""
    write.sql.execute(sa.update(host).where(host.c.watcher == me).values(watcher=None, live=False))
