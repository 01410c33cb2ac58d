"""Operations as people look for them: by state, kind, VM host and machine, newest first, page by page, with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.store.operations import OPEN, Operation, State, from_values
from innkeeper.store.tables import host, machine, operation
from innkeeper.store.visibility import Viewer, visible

op = operation.c
_COLUMNS = tuple(column.name for column in operation.c)
RUNNING = "open"  # running or being undone
STATES = (RUNNING, State.DONE.value, State.FAILED.value, State.STOPPED.value)
_JOINED = operation.outerjoin(machine, sa.and_(machine.c.system_id == op.system_id, op.system_id != "")).outerjoin(
    host, host.c.id == op.host_id
)
_NAMES = (sa.func.coalesce(machine.c.hostname, "").label("hostname"), sa.func.coalesce(host.c.name, "").label("host"))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which operations; empty means all. `host`, `machine`: by name; a machine also by its system_id."""

    state: str = ""
    kind: str = ""
    host: str = ""
    machine: str = ""


@dataclass(frozen=True, kw_only=True)
class Named:
    """An operation with the names of what it is about; "" for what is gone, or for nothing."""

    operation: Operation
    hostname: str
    host: str


def page(
    sql: sa.Connection, wanted: Wanted, *, number: int, size: int, seen_by: Viewer | None = None
) -> tuple[list[Named], int]:
    """The operations of a page (from 1; one beyond the last is the last), and how many there are. Two queries."""
    conditions = _conditions(wanted, seen_by)
    total = int(sql.scalar(sa.select(sa.func.count()).select_from(_JOINED).where(*conditions)) or 0)
    last = max((total + size - 1) // size, 1)
    query = sa.select(operation, *_NAMES).select_from(_JOINED).where(*conditions)
    query = query.order_by(op.created.desc(), op.id).limit(size).offset((min(max(number, 1), last) - 1) * size)
    return [_named(row) for row in sql.execute(query)], total


def find(sql: sa.Connection, id: str, *, seen_by: Viewer | None = None) -> Named | None:
    """One operation with its names; None, also when it is not for the viewer to see."""
    query = sa.select(operation, *_NAMES).select_from(_JOINED).where(op.id == id, visible(op, seen_by))
    row = sql.execute(query).first()
    return _named(row) if row else None


def kinds(sql: sa.Connection) -> list[str]:
    """The kinds of all operations that are kept."""
    return list(sql.scalars(sa.select(op.kind).distinct().order_by(op.kind)))


def _conditions(wanted: Wanted, seen_by: Viewer | None) -> list[sa.ColumnElement[bool]]:
    found = [visible(op, seen_by)]
    if wanted.state:
        found.append(op.state.in_(OPEN) if wanted.state == RUNNING else op.state == wanted.state)
    if wanted.kind:
        found.append(op.kind == wanted.kind)
    if wanted.host:
        found.append(op.host_id.in_(sa.select(host.c.id).where(host.c.name == wanted.host)))
    if wanted.machine:
        named = sa.select(machine.c.system_id).where(machine.c.hostname == wanted.machine)
        found.append(sa.or_(op.system_id == wanted.machine, op.system_id.in_(named)))
    return found


def _named(row: Any) -> Named:
    values = {name: row._mapping[name] for name in _COLUMNS}
    return Named(operation=from_values(values), hostname=row.hostname, host=row.host)
