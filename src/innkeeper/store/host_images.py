"""Which images hosts have, under which fingerprint, and who is giving one to a host just now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum

import sqlalchemy as sa

from innkeeper.store.database import NOW, Write
from innkeeper.store.deployment_tables import host_image
from innkeeper.store.operations import OPEN
from innkeeper.store.tables import host, operation

hi, op = host_image.c, operation.c


class Turn(Enum):
    """Whose an image on a host is to push."""

    THERE = "it is there"
    MINE = "mine"
    THEIRS = "another operation is at it"


@dataclass(frozen=True, kw_only=True)
class OnHost:
    """A host that has an image, or is being given it by the operation `pusher`. `fingerprint`: of which version."""

    host_id: int
    host: str
    fingerprint: str
    pushed: bool
    pusher: str
    used_at: float


def everywhere(sql: sa.Connection) -> dict[int, list[OnHost]]:
    """Which hosts have which images, by the image's id; hosts by name. One query."""
    columns = (hi.image_id, hi.host_id, host.c.name.label("host"), hi.fingerprint, hi.pushed, hi.pusher, hi.used_at)
    query = sa.select(*columns).join(host, host.c.id == hi.host_id).order_by(host.c.name)
    found: dict[int, list[OnHost]] = defaultdict(list)
    for row in sql.execute(query):
        values = dict(row._mapping)
        found[values.pop("image_id")].append(OnHost(**values))
    return dict(found)


def fingerprint(sql: sa.Connection, host_id: int, image_id: int) -> str | None:
    """Under which fingerprint a host has an image; None when it was not pushed there."""
    query = sa.select(hi.fingerprint).where(hi.host_id == host_id, hi.image_id == image_id, hi.pushed)
    return sql.scalar(query)


def take_turn(write: Write, host_id: int, image_id: int, *, fingerprint: str, operation_id: str) -> Turn:
    """Whether an image is on a host under that fingerprint; else whose turn it is to push it.

    A push of another operation is waited for while some process works on that one; if not, it is taken over. Of two
    who come first at once one cannot insert the row: its transaction is done again, and finds the other's.
    """
    row = _row(write, host_id, image_id)
    mine = {"fingerprint": fingerprint, "pushed": False, "pusher": operation_id, "used_at": write.now()}
    if row is None:
        write.sql.execute(sa.insert(host_image).values({"host_id": host_id, "image_id": image_id, **mine}))
        return Turn.MINE
    if row.pushed and row.fingerprint == fingerprint:
        _set(write, host_id, image_id)
        return Turn.THERE
    if not row.pushed and row.pusher != operation_id and _at_work(write.sql, row.pusher):
        return Turn.THEIRS
    _set(write, host_id, image_id, **mine)
    return Turn.MINE


def pushed(write: Write, host_id: int, image_id: int, *, fingerprint: str, operation_id: str) -> None:
    """Note that a host has an image."""
    _set(write, host_id, image_id, fingerprint=fingerprint, pushed=True, pusher=operation_id)


def lost(write: Write, host_id: int, image_id: int, *, fingerprint: str) -> None:
    """Note that a host has an image no more, if that is what is believed."""
    mine = hi.host_id == host_id, hi.image_id == image_id, hi.fingerprint == fingerprint
    write.sql.execute(sa.update(host_image).where(*mine).values(pushed=False, pusher=""))


def of_image(sql: sa.Connection, image_id: int) -> list[tuple[int, str]]:
    """(host, fingerprint) of every host that has an image, or is being given it."""
    rows = sql.execute(sa.select(hi.host_id, hi.fingerprint).where(hi.image_id == image_id).order_by(hi.host_id))
    return [(row.host_id, row.fingerprint) for row in rows]


def kept(sql: sa.Connection, host_id: int) -> set[str]:
    """The fingerprints of the images that a host has for us."""
    return set(sql.scalars(sa.select(hi.fingerprint).where(hi.host_id == host_id)))


def expire(write: Write, host_id: int, *, unused_for: float) -> None:
    """Forget that a host has images that nobody used for so many seconds, and pushes that came to nothing."""
    at_work = sa.select(op.id).where(op.state.in_(OPEN))
    old = sa.and_(hi.pushed, hi.used_at < NOW - unused_for)
    given_up = sa.and_(~hi.pushed, hi.pusher.not_in(at_work))
    write.sql.execute(sa.delete(host_image).where(hi.host_id == host_id, sa.or_(old, given_up)))


def _row(write: Write, host_id: int, image_id: int) -> sa.Row[tuple[object, ...]] | None:
    query = sa.select(host_image).where(hi.host_id == host_id, hi.image_id == image_id)
    return write.sql.execute(query if write.is_sqlite else query.with_for_update()).first()


def _set(write: Write, host_id: int, image_id: int, **values: object) -> None:
    """Change the row, used now. It may be gone with its image: then there is nothing to note."""
    mine = hi.host_id == host_id, hi.image_id == image_id
    write.sql.execute(sa.update(host_image).where(*mine).values({"used_at": write.now(), **values}))


def _at_work(sql: sa.Connection, id: str) -> bool:
    """Whether some process works on an operation just now."""
    query = sa.select(op.id).where(op.id == id, op.state.in_(OPEN), op.owner.is_not(None))
    return sql.execute(query).first() is not None
