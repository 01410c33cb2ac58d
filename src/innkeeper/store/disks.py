"""Disks of machine records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.model.machine import Disk
from innkeeper.store.database import Write, strings
from innkeeper.store.rows import made
from innkeeper.store.tables import disk

_INSERT = sa.insert(disk)
_ALL = sa.select(disk).order_by(disk.c.system_id, disk.c.position)
_OF = _ALL.where(disk.c.system_id.in_(sa.bindparam("ids", expanding=True)))


def insert(
    write: Write,
    *,
    system_id: str,
    position: int,
    device: str,
    size: int,
    pool: str,
    volume: str = "",
    tags: tuple[str, ...] = (),
    why: str = "",
) -> None:
    """Add a disk to a machine."""
    values: dict[str, Any] = {"position": position, "device": device, "size": size, "pool": pool, "volume": volume}
    text = msgspec.json.encode(tags).decode()
    write.sql.execute(_INSERT, {"system_id": system_id, "tags_json": text, "why": why, **values})


def of(sql: sa.Connection, ids: Collection[str] | None) -> dict[str, list[Disk]]:
    """The disks of machines by system_id, in their order; None: of all machines. One query."""
    found: dict[str, list[Disk]] = defaultdict(list)
    for row in sql.execute(_ALL) if ids is None else sql.execute(_OF, {"ids": list(ids)}):
        found[row.system_id].append(from_row(row))
    return found


def from_row(row: Any) -> Disk:
    """A disk of its row."""
    id, _, _, device, size, pool, volume, tags, why = row
    values = {"id": id, "device": device, "size": size, "pool": pool, "volume": volume, "why": why}
    values["tags"] = strings(tags)
    return made(Disk, values)


def update(write: Write, id: int, **values: Any) -> None:
    """Change columns of a disk."""
    write.sql.execute(sa.update(disk).where(disk.c.id == id).values(**values))


def tag(write: Write, id: int, tags: Collection[str]) -> None:
    """Give a disk these tags, in place of those it had."""
    update(write, id, tags_json=msgspec.json.encode(list(tags)).decode())


def delete(write: Write, id: int) -> None:
    """Forget a disk."""
    write.sql.execute(sa.delete(disk).where(disk.c.id == id))
