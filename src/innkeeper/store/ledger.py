"""The ledger's other side: how the engine takes, moves and lets go of operations. One function, one commit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import ErrorRecord
from innkeeper.store.database import NOW, Write
from innkeeper.store.operations import ENDED, OPEN, Operation, State, find, from_row, note
from innkeeper.store.tables import operation, process

op = operation.c
CLAIMING = 0xC1A1  # advisory lock of PostgreSQL: one process at a time looks for work

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_WAITING = sa.select(op.id).where(op.state.in_(OPEN), op.owner.is_(None), op.retry_at <= NOW).limit(1)
_QUEUE = (
    sa.select(op.id, op.host_id, op.system_id, op.owner, op.retry_at, op.crashes)
    .where(op.state.in_(OPEN))
    .order_by(op.created, op.id)
)
_FREE = (op.state.in_(OPEN), op.owner.is_(None))  # looked at again in the change itself: it may just have been closed
_TAKE = sa.update(operation).where(op.id.in_(_IDS), *_FREE).values(started=sa.func.coalesce(op.started, NOW))
_TAKEN = sa.select(operation).where(op.id.in_(_IDS), op.owner == sa.bindparam("me")).order_by(op.created, op.id)
_MINE = sa.update(operation).where(op.id == sa.bindparam("which"), op.owner == sa.bindparam("whose"))
_MOVE = _MINE.returning(operation)
_END = _MINE.values(ended=NOW).returning(operation)


def waiting(sql: sa.Connection) -> bool:
    """Whether there is an operation that somebody could take now (asked without a lock)."""
    return sql.execute(_WAITING).first() is not None


def take(write: Write, *, owner: str, per_host: int, crash_limit: int) -> list[Operation]:
    """Own the oldest free operations: at most `per_host` running on a host, one at a time on a machine."""
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(CLAIMING)))
    now = write.now()
    rows = write.sql.execute(_QUEUE).all()
    busy = Counter(row.host_id for row in rows if row.owner is not None)
    held: set[str] = set()
    mine: list[str] = []
    for row in rows:
        first_of_machine = not row.system_id or row.system_id not in held
        held.add(row.system_id)
        if row.owner is not None or row.retry_at > now or not first_of_machine or busy[row.host_id] >= per_host:
            continue
        if row.crashes >= crash_limit:
            _stop(write, id=row.id, crashes=row.crashes)
            continue
        busy[row.host_id] += 1
        mine.append(row.id)
    if not mine:
        return []
    write.sql.execute(_TAKE, {"ids": mine, "owner": owner})
    return [from_row(row) for row in write.sql.execute(_TAKEN, {"ids": mine, "me": owner})]


def _stop(write: Write, *, id: str, crashes: int) -> None:
    row = find(write.sql, id)
    trouble = f"Stopped: {crashes} processes died at the step {row.step!r}."
    values = {"state": State.STOPPED, "trouble": trouble, "ended": write.now()}
    if not write.sql.execute(sa.update(operation).where(op.id == id, *_FREE).values(values)).rowcount:
        return
    note(
        write,
        id=id,
        kind=row.kind,
        host_id=row.host_id,
        system_id=row.system_id,
        state=State.STOPPED,
        step=row.step,
        text=trouble,
        actor=row.actor,
        request=row.request,
    )


def move(write: Write, at: Operation, *, state: State, step: str, error: ErrorRecord | None = None) -> Operation | None:
    """Move an operation, only for its owner: None when it is not `at.owner`'s any more. Progress, event: one commit."""
    ended = state in ENDED
    values: dict[str, Any] = {"state": state, "step": step, "crashes": 0, "attempts": 0, "retry_at": 0.0, "trouble": ""}
    if error is not None:
        values["error_json"] = msgspec.json.encode(error).decode()
    if ended:
        values |= {"owner": None}
    where = {"which": at.id, "whose": at.owner}
    row = write.sql.execute(_END if ended else _MOVE, values | where).first()
    if row is None:
        return None
    text = error.brief if error is not None else ""
    note(
        write,
        id=at.id,
        kind=at.kind,
        host_id=at.host_id,
        system_id=at.system_id,
        state=state,
        step=step,
        text=text,
        actor=at.actor,
        request=at.request,
    )
    return from_row(row)


def park(write: Write, at: Operation, *, trouble: str, pause: float) -> bool:
    """Let go of an operation until `pause` seconds from now; False when it is not ours any more."""
    values = {"owner": None, "trouble": trouble, "attempts": op.attempts + 1, "retry_at": write.now() + pause}
    mine = sa.update(operation).where(op.id == at.id, op.owner == at.owner)
    parked = write.sql.execute(mine.values(values)).rowcount == 1
    if parked and at.trouble != trouble:  # an event for each new reason, not for each try
        note(
            write,
            id=at.id,
            kind=at.kind,
            host_id=at.host_id,
            system_id=at.system_id,
            state=at.state,
            step=at.step,
            text=f"waiting: {trouble}",
            actor=at.actor,
            request=at.request,
        )
    return parked


def let_go(write: Write, at: Operation, *, pause: float) -> None:
    """Have an operation go on where it is, here or elsewhere, `pause` seconds from now. Nothing if it is not ours."""
    mine = sa.update(operation).where(op.id == at.id, op.owner == at.owner, op.state.in_(OPEN))
    write.sql.execute(mine.values(owner=None, retry_at=write.now() + pause))


def wake(write: Write, *, host_id: int) -> None:
    """A host is back: what waits for it may try again at once."""
    parked = sa.update(operation).where(op.host_id == host_id, op.state.in_(OPEN), op.owner.is_(None))
    write.sql.execute(parked.values(retry_at=0.0))


def beat(write: Write, *, me: str, lease: float, address: str, fresh_name: str) -> str:
    """Show that a process lives, and free the work of those that are dead, in one transaction. Returns its name.

    A process that finds its own row gone was taken for dead: it gets `fresh_name`, and what it ran is not its own.
    """
    now = write.now()
    # A process that sleeps in a transaction holds its rows until its session is ended: no reason to stop beating.
    stale = sa.select(process.c.id).where(process.c.beat < now - lease).with_for_update(skip_locked=True)
    write.sql.execute(sa.delete(process).where(process.c.id.in_(stale)))
    seen = write.sql.execute(sa.update(process).where(process.c.id == me).values(beat=now)).rowcount
    if not seen:
        me = fresh_name
        write.sql.execute(sa.insert(process).values(id=me, beat=now, address=address))
    orphaned = sa.and_(op.owner.is_not(None), op.owner.not_in(sa.select(process.c.id)))
    free = sa.select(op.id).where(op.state.in_(OPEN), orphaned).with_for_update(skip_locked=True)
    write.sql.execute(sa.update(operation).where(op.id.in_(free)).values(owner=None, crashes=op.crashes + 1))
    return me


def leave(write: Write, *, me: str) -> None:
    """A process stops in order: what it ran goes on elsewhere at once, without counting as a crash."""
    write.sql.execute(sa.delete(process).where(process.c.id == me))
    write.sql.execute(sa.update(operation).where(op.state.in_(OPEN), op.owner == me).values(owner=None))


def alive(sql: sa.Connection) -> list[str]:
    """The processes that beat."""
    return list(sql.scalars(sa.select(process.c.id).order_by(process.c.id)))
