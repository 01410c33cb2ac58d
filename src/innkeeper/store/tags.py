"""Tags: words that people put on machines and devices. A machine's record has the names; here stands what they mean.

Only what has a row here is put on a machine, so that a slip of the pen is not a new tag.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.store.account_tables import tag
from innkeeper.store.database import NOW, Write
from innkeeper.store.tables import machine

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_COLUMNS = (tag.c.id, tag.c.name, tag.c.comment)


@dataclass(frozen=True, kw_only=True)
class Tag:
    id: int
    name: str
    comment: str = ""


def listing(sql: sa.Connection) -> list[Tag]:
    """All tags, by name."""
    return [Tag(**row._mapping) for row in sql.execute(sa.select(*_COLUMNS).order_by(tag.c.name))]


def find(sql: sa.Connection, name: str) -> Tag:
    """One tag; NotFound."""
    row = sql.execute(sa.select(*_COLUMNS).where(tag.c.name == name)).first()
    if row is None:
        raise NotFound(f"There is no tag {name!r}.")
    return Tag(**row._mapping)


def create(write: Write, *, name: str, comment: str = "") -> Tag:
    """Make a tag; Invalid for an impossible name, Conflict when the name is taken."""
    _free(write, name)
    write.sql.execute(sa.insert(tag).values(name=name, comment=comment, definition="", kernel_opts=""))
    return find(write.sql, name)


def update(write: Write, old: Tag, *, name: str | None = None, comment: str | None = None) -> Tag:
    """Change what is given; a new name is the name on all machines too."""
    name = old.name if name is None else name
    if name != old.name:
        _free(write, name)
        for system_id, names in _carriers(write, old.name):
            _keep(write, system_id, [name if one == old.name else one for one in names])
    values = {"name": name, "comment": old.comment if comment is None else comment}
    write.sql.execute(sa.update(tag).where(tag.c.id == old.id).values(**values))
    return find(write.sql, name)


def delete(write: Write, old: Tag) -> None:
    """Delete a tag, and take it off all machines."""
    for system_id, names in _carriers(write, old.name):
        _keep(write, system_id, [one for one in names if one != old.name])
    write.sql.execute(sa.delete(tag).where(tag.c.id == old.id))


def put(write: Write, name: str, *, on: Collection[str], off: Collection[str]) -> tuple[list[str], list[str]]:
    """Put a tag on machines and take it off others, by system_id: the machines that it changed."""
    added, removed = [], []
    for system_id, names in _locked(write, machine.c.system_id.in_({*on, *off})):
        if system_id in off and name in names:
            removed.append(system_id)
            _keep(write, system_id, [one for one in names if one != name])
        elif system_id in on and system_id not in off and name not in names:
            added.append(system_id)
            _keep(write, system_id, [*names, name])
    return added, removed


def _carriers(write: Write, name: str) -> list[tuple[str, list[str]]]:
    """The machines with that tag, and all their tags. LIKE does not tell cases apart everywhere, so look again."""
    like = machine.c.tags_json.contains(f'"{name}"', autoescape=True)
    return [(system_id, names) for system_id, names in _locked(write, like) if name in names]


def _locked(write: Write, which: sa.ColumnElement[bool]) -> list[tuple[str, list[str]]]:
    """The tags of machines, which nobody else changes until the transaction ends."""
    query = sa.select(machine.c.system_id, machine.c.tags_json).where(which).order_by(machine.c.id)
    return [(row.system_id, msgspec.json.decode(row.tags_json)) for row in write.sql.execute(query.with_for_update())]


def _keep(write: Write, system_id: str, names: Collection[str]) -> None:
    text = msgspec.json.encode(list(names)).decode()
    one = sa.update(machine).where(machine.c.system_id == system_id)
    write.sql.execute(one.values(tags_json=text, updated=NOW))


def _free(write: Write, name: str) -> None:
    if not _NAME.fullmatch(name):
        message = f"{name[:80]!r} is not possible: letters, digits, hyphens and underscores (ASCII), 256 at most"
        raise Invalid(f"Invalid name: {message}.", fields={"name": [message]})
    if write.sql.scalar(sa.select(tag.c.id).where(tag.c.name == name)) is not None:
        raise Conflict(f"There is a tag {name!r} already.")
