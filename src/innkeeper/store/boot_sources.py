"""Trees of images on the web, and what is wanted of each."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.store.database import Write
from innkeeper.store.deployment_tables import boot_selection, boot_source

src, sel = boot_source.c, boot_selection.c


@dataclass(frozen=True, kw_only=True)
class BootSource:
    id: int
    url: str
    created: float
    updated: float


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Releases wanted of a source; `arches` are families ("amd64"), "*" is all."""

    id: int
    source_id: int
    os: str
    release: str
    arches: tuple[str, ...]


def listing(sql: sa.Connection) -> list[BootSource]:
    """All sources, by id."""
    return [BootSource(**row._mapping) for row in sql.execute(sa.select(boot_source).order_by(src.id))]


def find(sql: sa.Connection, id: int) -> BootSource:
    """One source; NotFound."""
    row = sql.execute(sa.select(boot_source).where(src.id == id)).first()
    if row is None:
        raise NotFound(f"There is no boot source {id}.")
    return BootSource(**row._mapping)


def create(write: Write, *, url: str) -> BootSource:
    """Make a source; Conflict when it is there."""
    _free(write, url)
    now = write.now()
    values = {"url": url, "created": now, "updated": now}
    return find(write.sql, int(write.sql.execute(sa.insert(boot_source).values(values).returning(src.id)).scalar_one()))


def update(write: Write, id: int, *, url: str) -> BootSource:
    """Give a source another address; Conflict when another one has it."""
    if find(write.sql, id).url != url:
        _free(write, url)
        write.sql.execute(sa.update(boot_source).where(src.id == id).values(url=url, updated=write.now()))
    return find(write.sql, id)


def delete(write: Write, id: int) -> BootSource:
    """Forget a source and its selections; images that came from it stay. Returns what it was."""
    gone = find(write.sql, id)
    write.sql.execute(sa.delete(boot_source).where(src.id == id))
    return gone


def selections(sql: sa.Connection, *, source_id: int | None = None) -> list[Selection]:
    """The selections of a source, or of all, by id."""
    query = sa.select(boot_selection).order_by(sel.id)
    if source_id is not None:
        query = query.where(sel.source_id == source_id)
    return [_selection(row) for row in sql.execute(query)]


def selection(sql: sa.Connection, source_id: int, id: int) -> Selection:
    """One selection of a source; NotFound."""
    row = sql.execute(sa.select(boot_selection).where(sel.source_id == source_id, sel.id == id)).first()
    if row is None:
        raise NotFound(f"Boot source {source_id} has no selection {id}.")
    return _selection(row)


def select(write: Write, source_id: int, *, os: str, release: str, arches: tuple[str, ...]) -> Selection:
    """Want a release of a source; Conflict when it is wanted already."""
    source = find(write.sql, source_id)
    _free_selection(write, source, os=os, release=release)
    values = {"source_id": source_id, "os": os, "release": release, "arches_json": _json(arches)}
    made = sa.insert(boot_selection).values(values).returning(sel.id)
    return selection(write.sql, source_id, int(write.sql.execute(made).scalar_one()))


def change_selection(write: Write, one: Selection, *, os: str, release: str, arches: tuple[str, ...]) -> Selection:
    """Want something else."""
    if (os, release) != (one.os, one.release):
        _free_selection(write, find(write.sql, one.source_id), os=os, release=release)
    values = {"os": os, "release": release, "arches_json": _json(arches)}
    write.sql.execute(sa.update(boot_selection).where(sel.id == one.id).values(values))
    return selection(write.sql, one.source_id, one.id)


def deselect(write: Write, one: Selection) -> None:
    """Want it no more."""
    write.sql.execute(sa.delete(boot_selection).where(sel.id == one.id))


def _free(write: Write, url: str) -> None:
    if write.sql.scalar(sa.select(src.id).where(src.url == url)) is not None:
        raise Conflict(f"There is a boot source {url} already.")


def _free_selection(write: Write, source: BootSource, *, os: str, release: str) -> None:
    taken = sa.select(sel.id).where(sel.source_id == source.id, sel.os == os, sel.release == release)
    if write.sql.scalar(taken) is not None:
        raise Conflict(f"{os}/{release} of {source.url} is selected already.")


def _selection(row: sa.Row[tuple[object, ...]]) -> Selection:
    values = dict(row._mapping)
    arches = msgspec.json.decode(values.pop("arches_json"), type=tuple[str, ...])
    return Selection(arches=arches, **values)


def _json(arches: tuple[str, ...]) -> str:
    return msgspec.json.encode(arches).decode()
