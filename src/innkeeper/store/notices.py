"""What is to be noticed: decided from the rows, kept while it lasts, told once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from innkeeper.model import notices as rules
from innkeeper.model.lifecycle import Status
from innkeeper.model.notices import FOR_ADMINISTRATORS, Kind, Missing, Notice, PoolLook
from innkeeper.store import events, hosts, storage_pools
from innkeeper.store.database import NOTICES_LOCK, Write, now
from innkeeper.store.events import Event
from innkeeper.store.figures import figures
from innkeeper.store.notice_tables import notice
from innkeeper.store.tables import host, machine
from innkeeper.store.visibility import Viewer

n, m = notice.c, machine.c
_KEPT = sa.select(notice).order_by(n.urgent.desc(), n.since, n.subject)
_MISSING = (
    sa.select(m.system_id, m.hostname, m.host_id, host.c.name)
    .join(host, host.c.id == m.host_id)
    .where(m.status == Status.MISSING)
)
_COUNTED = (
    sa.select(host.c.name, n.kind, sa.func.count()).join(host, host.c.id == n.host_id).group_by(host.c.name, n.kind)
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The first notices that somebody may see, the urgent ones first; `more`: how many others there are."""

    first: tuple[Notice, ...] = ()
    more: int = 0


def decide(sql: sa.Connection) -> tuple[Notice, ...]:
    """Every notice there is to give now: a fixed number of queries."""
    every = hosts.listing(sql)
    by_id = {one.id: one for one in every}
    counted = figures(sql, every)
    written = {(row.host_id, row.name): row.written for row in storage_pools.listing(sql)}
    pools = [
        PoolLook(host=by_id[id], name=name, figure=figure, written=written.get((id, name)))
        for id, mine in counted.items()
        for name, figure in mine.storage
    ]
    missing = [
        Missing(system_id=row.system_id, hostname=row.hostname, host_id=row.host_id, host=row.name)
        for row in sql.execute(_MISSING)
    ]
    return rules.decide(now=now(sql), hosts=every, pools=pools, missing=missing)


def kept(sql: sa.Connection) -> list[Notice]:
    """The notices that are kept, the urgent ones first, then the oldest."""
    return [_from_row(row) for row in sql.execute(_KEPT)]


def news(sql: sa.Connection) -> bool:
    """Whether what is kept is not what is to be given now."""
    return {one.subject: replace(one, since=0.0) for one in kept(sql)} != {one.subject: one for one in decide(sql)}


def settle(write: Write) -> None:
    """Keep what is to be given now. A new one, or one at a new stage, is an event; so is the end of one."""
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(NOTICES_LOCK)))
    before = {one.subject: one for one in kept(write.sql)}
    after = {one.subject: one for one in decide(write.sql)}
    at = write.now()
    for subject in before.keys() - after.keys():
        write.sql.execute(sa.delete(notice).where(n.subject == subject))
        _tell(write, before[subject], what="notice over", text=f"No longer: {before[subject].text}")
    for subject, one in after.items():
        old = before.get(subject)
        since = at if old is None else old.since
        values = asdict(replace(one, since=since))
        if old is None:
            write.sql.execute(sa.insert(notice).values(values))
        elif replace(old, since=0.0) != one:
            write.sql.execute(sa.update(notice).where(n.subject == subject).values(values))
        if old is None or old.stage != one.stage:
            _tell(write, one, what="notice", text=one.text)


def _tell(write: Write, one: Notice, *, what: str, text: str) -> None:
    kind = "machine" if one.system_id else "host"
    events.add(write, Event(kind=kind, what=what, text=text, host_id=one.host_id, system_id=one.system_id))


def shown(sql: sa.Connection, seen_by: Viewer | None, *, most: int | None = None) -> Shown:
    """What somebody may see (None: an administrator); of that the first `most`. One query."""
    query = _KEPT
    if seen_by is not None:
        theirs = sa.select(m.system_id).where(sa.or_(m.owner_id.is_(None), m.owner_id == seen_by.user_id))
        query = query.where(n.kind.not_in(FOR_ADMINISTRATORS), sa.or_(n.system_id == "", n.system_id.in_(theirs)))
    found = tuple(_from_row(row) for row in sql.execute(query))
    return Shown(first=found[:most], more=len(found) - len(found[:most]))


def counted(sql: sa.Connection) -> dict[tuple[str, Kind], int]:
    """How many there are, by the host's name and kind."""
    return {(name, Kind(kind)): number for name, kind, number in sql.execute(_COUNTED)}


def _from_row(row: Any) -> Notice:
    return Notice(**(dict(row._mapping) | {"kind": Kind(row.kind)}))
