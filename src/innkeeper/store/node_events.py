"""Events as MAAS tells them: by node (a machine, a device, or the record of a VM host) and by level, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import sqlalchemy as sa

from innkeeper.model.lifecycle import Status
from innkeeper.store import machines
from innkeeper.store.machines import Filter
from innkeeper.store.operations import State
from innkeeper.store.tables import event, host, machine
from innkeeper.store.visibility import Viewer, visible


class Level(IntEnum):
    """How much an event matters; audit events stand apart, and are shown only when asked for."""

    AUDIT = 0
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@dataclass(frozen=True, kw_only=True)
class NodeEvent:
    """One event. `node`: the system_id of what it is about, "" for none; its name is "" once it is gone."""

    id: int
    at: float
    level: Level
    kind: str
    what: str
    text: str
    node: str
    hostname: str
    username: str


e = event.c
_NODE = sa.case((e.system_id != "", e.system_id), else_=sa.func.coalesce(host.c.system_id, ""))
_NAME = sa.case((e.system_id != "", sa.func.coalesce(machine.c.hostname, "")), else_=sa.func.coalesce(host.c.name, ""))
_FAILED = [status.label[:10] for status in Status if status.label.startswith("Failed")]
_level = sa.case(
    (e.kind == "audit", int(Level.AUDIT)),
    (sa.and_(e.kind == "operation", e.state.in_((State.FAILED, State.STOPPED))), int(Level.ERROR)),
    (sa.and_(e.kind == "operation", e.state == State.UNDOING), int(Level.WARNING)),
    (sa.and_(e.kind == "operation", e.step != "", e.state == State.RUNNING), int(Level.DEBUG)),
    (sa.and_(e.kind == "machine", e.state.in_(_FAILED)), int(Level.ERROR)),
    (e.what == "notice", int(Level.WARNING)),
    else_=int(Level.INFO),
)
_ALL = (
    sa.select(
        e.id, e.at, _level.label("level"), e.kind, e.what, e.text, _NODE.label("node"), _NAME.label("hostname"), e.actor
    )
    .outerjoin(machine, sa.and_(machine.c.system_id == e.system_id, e.system_id != ""))
    .outerjoin(host, host.c.id == e.host_id)
)


def page(
    sql: sa.Connection,
    *,
    nodes: Filter | None = None,
    level: Level = Level.INFO,
    username: str = "",
    before: int | None = None,
    after: int | None = None,
    limit: int,
    seen_by: Viewer | None = None,
) -> list[NodeEvent]:
    """Events of that level or above (AUDIT: only those), newest first: the newest ones before `before`, or the
    oldest ones after `after`. One query; a viewer sees no audit events."""
    wanted = _level == 0 if level == Level.AUDIT else sa.and_(e.kind != "audit", _level >= int(level))
    query = _ALL.where(wanted)
    if nodes is not None:
        query = query.where(_NODE.in_(machines.ids(nodes)))
    if username:
        query = query.where(e.actor == username)
    if seen_by is not None:
        query = query.where(e.kind != "audit", visible(e, seen_by))
    if before is not None:
        query = query.where(e.id < before)
    if after is not None:
        query = query.where(e.id > after)
    order = e.id.desc() if after is None else e.id
    rows = sql.execute(query.order_by(order).limit(limit)).all()
    found = [
        NodeEvent(
            id=row.id,
            at=row.at,
            level=Level(row.level),
            kind=row.kind,
            what=row.what,
            text=row.text,
            node=row.node,
            hostname=row.hostname,
            username=row.actor,
        )
        for row in rows
    ]
    return found if after is None else found[::-1]
