"""The ledger's rows: queue entry, lease, program counter and what the user sees, in one."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, ErrorRecord, NotFound
from innkeeper.store import events
from innkeeper.store.database import NOW, Write
from innkeeper.store.events import Event
from innkeeper.store.tables import operation
from innkeeper.store.visibility import Viewer, visible

op = operation.c
# Made here, once: msgspec's first look at a type is not safe among threads.
_ERROR = msgspec.json.Decoder(ErrorRecord)
FINISH, ABANDON = "finish", "abandon"  # the places after the last step and before the first


class State(StrEnum):
    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # it kept crashing processes; an administrator can resume it


PATIENCE = 3  # tries (four seconds) before a caller hears that a host keeps its work waiting
OPEN = (State.RUNNING, State.UNDOING)
ENDED = frozenset((State.DONE, State.FAILED, State.STOPPED))

_SUBMIT = sa.insert(operation).values(created=NOW)
_WAITS = op.attempts > sa.case((op.state == State.UNDOING, 0), else_=PATIENCE)
_CLEAR = sa.or_(op.state.in_(ENDED), sa.and_(op.state.in_(OPEN), _WAITS))
_SETTLED = sa.select(op.id, op.state).where(op.id.in_(sa.bindparam("ids", expanding=True)), _CLEAR)
_ANSWERED = (
    sa.update(operation)
    .where(op.id == sa.bindparam("which"), op.state.in_((State.RUNNING, State.DONE)))
    .values(answered=True)
    .returning(operation)
)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One durable piece of work. `trouble`: why it waits just now; `error`: why it is (being) undone."""

    id: str
    kind: str
    host_id: int | None
    system_id: str
    state: str
    step: str
    error: ErrorRecord | None
    trouble: str
    arguments: dict[str, Any]
    cancelled: bool
    owner: str | None
    crashes: int
    attempts: int
    retry_at: float
    answered: bool
    actor: str
    request: str
    created: float
    started: float | None
    ended: float | None


def from_row(row: Any) -> Operation:
    return from_values(dict(row._mapping))


def from_values(values: dict[str, Any]) -> Operation:
    """An operation of the values of its columns."""
    error = values.pop("error_json")
    arguments = values.pop("arguments_json")
    return Operation(
        error=_ERROR.decode(error) if error else None,
        arguments=msgspec.json.decode(arguments),
        **values,
    )


def submit(
    write: Write,
    *,
    kind: str,
    first_step: str,
    host_id: int | None,
    system_id: str = "",
    arguments: dict[str, Any] | None = None,
    actor: str = "",
    request: str = "",
    id: str = "",
) -> str:
    """Write the row that is the order to work, in the caller's transaction. Returns its id."""
    id = id or uuid.uuid4().hex
    values = {
        "id": id,
        "kind": kind,
        "host_id": host_id,
        "system_id": system_id,
        "state": State.RUNNING,
        "step": first_step,
        "error_json": "",
        "trouble": "",
        "arguments_json": msgspec.json.encode(arguments or {}).decode(),
        "cancelled": False,
        "crashes": 0,
        "attempts": 0,
        "retry_at": 0.0,
        "answered": False,
        "actor": actor,
        "request": request,
    }
    write.sql.execute(_SUBMIT, values)
    note(
        write,
        id=id,
        kind=kind,
        host_id=host_id,
        system_id=system_id,
        state=State.RUNNING,
        step=first_step,  # it waits for its turn at that step already
        text="",
        actor=actor,
        request=request,
    )
    return id


def note(
    write: Write,
    *,
    id: str,
    kind: str,
    host_id: int | None,
    system_id: str,
    state: str,
    step: str,
    text: str,
    actor: str,
    request: str,
) -> None:
    """An event of an operation's progress."""
    events.add(
        write,
        Event(
            kind="operation",
            what=kind,
            text=text,
            host_id=host_id,
            system_id=system_id,
            operation=id,
            state=state,
            step=step,
            actor=actor,
            request=request,
        ),
    )


def find(sql: sa.Connection, id: str, *, seen_by: Viewer | None = None) -> Operation:
    """One operation; NotFound, also when it is not for the viewer to see."""
    row = sql.execute(sa.select(operation).where(op.id == id, visible(op, seen_by))).first()
    if row is None:
        raise NotFound(f"No operation {id}.")
    return from_row(row)


def listing(
    sql: sa.Connection,
    *,
    host_id: int | None = None,
    system_id: str = "",
    open_only: bool = False,
    limit: int = 100,
    seen_by: Viewer | None = None,
) -> list[Operation]:
    """Operations, newest first."""
    query = sa.select(operation).where(visible(op, seen_by)).order_by(op.created.desc()).limit(limit)
    if host_id is not None:
        query = query.where(op.host_id == host_id)
    if system_id:
        query = query.where(op.system_id == system_id)
    if open_only:
        query = query.where(op.state.in_(OPEN))
    return [from_row(row) for row in sql.execute(query)]


def last_of(sql: sa.Connection, *, system_id: str, kind: str) -> Operation | None:
    """The newest operation of a kind on a machine."""
    query = sa.select(operation).where(op.system_id == system_id, op.kind == kind).order_by(op.created.desc()).limit(1)
    row = sql.execute(query).first()
    return from_row(row) if row else None


def settled_among(sql: sa.Connection, ids: list[str]) -> dict[str, str]:
    """Of these, the state of those whose outcome is clear: ended, or waiting for its host.

    What is being undone has failed whenever that ends; what goes forward may yet succeed, after a few tries.
    """
    return {row.id: row.state for row in sql.execute(_SETTLED, {"ids": ids})}


def answered(write: Write, *, id: str) -> Operation:
    """Note that the caller was told how things stand: while it runs, or that it is done. Returns the row.

    Only then does a compose that fails later leave a record behind, and a repeated request ask for something new.
    """
    row = write.sql.execute(_ANSWERED, {"which": id}).first()
    return from_row(row) if row else find(write.sql, id)


def cancel(write: Write, *, id: str, actor: str) -> Operation:
    """Ask an operation to stop between two steps and be undone; Conflict when it has ended."""
    row = find(write.sql, id)
    if row.state not in OPEN:
        raise Conflict(f"Operation {id} has ended already ({row.state}).")
    changed = {"cancelled": True, "retry_at": 0.0}
    write.sql.execute(sa.update(operation).where(op.id == id, op.state.in_(OPEN)).values(changed))
    note(
        write,
        id=id,
        kind=row.kind,
        host_id=row.host_id,
        system_id=row.system_id,
        state=row.state,
        step=row.step,
        text="cancel requested",
        actor=actor,
        request=row.request,
    )
    return find(write.sql, id)


def resume(write: Write, *, id: str, actor: str) -> Operation:
    """Let a stopped operation go on where it was; Conflict when it is not stopped."""
    row = find(write.sql, id)
    if row.state != State.STOPPED:
        raise Conflict(f"Operation {id} is not stopped ({row.state}).")
    state = State.UNDOING if row.error else State.RUNNING
    values = {"state": state, "crashes": 0, "attempts": 0, "retry_at": 0.0, "ended": None, "trouble": ""}
    write.sql.execute(sa.update(operation).where(op.id == id).values(values))
    note(
        write,
        id=id,
        kind=row.kind,
        host_id=row.host_id,
        system_id=row.system_id,
        state=state,
        step=row.step,
        text="resumed",
        actor=actor,
        request=row.request,
    )
    return find(write.sql, id)


def prune(write: Write, *, older_than: float) -> int:
    """Delete operations that ended longer ago than that, in seconds; how many went."""
    old = sa.delete(operation).where(op.state.in_((State.DONE, State.FAILED)), op.ended < write.now() - older_than)
    return write.sql.execute(old).rowcount


def public(one: Operation) -> dict[str, Any]:
    """An operation as the API shows it (without its arguments)."""
    values = asdict(one)
    for hidden in ("arguments", "owner", "crashes", "retry_at", "answered"):
        del values[hidden]
    return values


def close_by_force(write: Write, one: Operation, *, reason: str) -> None:
    """End an open operation where it is, its host being given up; what it may have left there is named."""
    error = ErrorRecord("Conflict", reason, details=f"It was at the step {one.step!r} ({one.state}).")
    values = {
        "state": State.FAILED,
        "owner": None,
        "ended": write.now(),
        "error_json": msgspec.json.encode(error).decode(),
    }
    write.sql.execute(sa.update(operation).where(op.id == one.id).values(values))
    text = f"{reason}; left as it was at the step {one.step!r}: instances and volumes marked with operation {one.id}"
    note(
        write,
        id=one.id,
        kind=one.kind,
        host_id=one.host_id,
        system_id=one.system_id,
        state=State.FAILED,
        step=one.step,
        text=text,
        actor=one.actor,
        request=one.request,
    )
