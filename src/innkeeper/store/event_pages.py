"""Events as people look for them: by words, kind, VM host, machine and actor, newest first, page by page.

Names come with them: a thing that is gone has none, but its events still tell of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.store.events import Event
from innkeeper.store.tables import event, host, machine
from innkeeper.store.visibility import Viewer, visible

KINDS = ("operation", "machine", "host", "audit")

e = event.c
_ALL = (
    sa.select(
        event,
        sa.func.coalesce(machine.c.hostname, "").label("hostname"),
        sa.func.coalesce(host.c.name, "").label("host"),
    )
    .outerjoin(machine, sa.and_(machine.c.system_id == e.system_id, e.system_id != ""))
    .outerjoin(host, host.c.id == e.host_id)
)
_FIELDS = tuple(column.name for column in e)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events; empty means all. `words`: all of them are in the text, or in what it is about.

    `host` and `machine`: by name; a machine also by its system_id, under which one that is gone is found.
    """

    words: tuple[str, ...] = ()
    kind: str = ""
    host: str = ""
    machine: str = ""
    actor: str = ""
    operation: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event with the names of what it is about; "" for what is gone, or for nothing."""

    event: Event
    hostname: str
    host: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """Events, newest first. `older`, `newer`: whether there are any."""

    rows: tuple[Told, ...]
    older: bool
    newer: bool


def page(
    sql: sa.Connection,
    wanted: Wanted,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int,
    seen_by: Viewer | None = None,
) -> Page:
    """The newest events before `before`, or the oldest ones after `after`. One query and one look further."""
    query = _narrowed(_ALL, wanted, seen_by)
    if after is not None:
        found = [*reversed(sql.execute(query.where(e.id > after).order_by(e.id).limit(limit + 1)).all())]
        rows, newer, older = found[-limit:], len(found) > limit, True
    else:
        bounded = query.where(e.id < before) if before is not None else query
        found = [*sql.execute(bounded.order_by(e.id.desc()).limit(limit + 1))]
        rows, older, newer = found[:limit], len(found) > limit, before is not None
    return Page(rows=tuple(_told(row) for row in rows), older=older, newer=newer)


def of_operations(sql: sa.Connection, ids: Collection[str]) -> dict[str, list[Event]]:
    """The events of operations by their ids, oldest first. One query."""
    found: dict[str, list[Event]] = {id: [] for id in ids}
    for row in sql.execute(sa.select(event).where(e.operation.in_(list(ids))).order_by(e.id)) if ids else ():
        found[row.operation].append(Event(**row._mapping))
    return found


def _narrowed(query: sa.Select[Any], wanted: Wanted, seen_by: Viewer | None) -> sa.Select[Any]:
    if wanted.kind:
        query = query.where(e.kind == wanted.kind)
    if wanted.host:
        query = query.where(e.host_id.in_(sa.select(host.c.id).where(host.c.name == wanted.host)))
    if wanted.machine:
        named = sa.select(machine.c.system_id).where(machine.c.hostname == wanted.machine)
        query = query.where(sa.or_(e.system_id == wanted.machine, e.system_id.in_(named)))
    if wanted.actor:
        query = query.where(e.actor == wanted.actor)
    if wanted.operation:
        query = query.where(e.operation == wanted.operation)
    for word in wanted.words:
        places = (e.text, e.what, e.state, e.step, machine.c.hostname, host.c.name)
        query = query.where(sa.or_(*(sa.func.lower(one).contains(word.lower(), autoescape=True) for one in places)))
    if seen_by is not None:
        query = query.where(e.kind != "audit", visible(e, seen_by))
    return query


def _told(row: Any) -> Told:
    values = {name: row._mapping[name] for name in _FIELDS}
    return Told(event=Event(**values), hostname=row.hostname, host=row.host)
