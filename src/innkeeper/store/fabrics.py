"""Fabrics: VLANs that are switched together. Every one has its untagged VLAN."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.network import UNTAGGED, Fabric
from innkeeper.store import vlans
from innkeeper.store.database import Write
from innkeeper.store.network_tables import fabric

_IDS: sa.BindParameter[list[int]] = sa.bindparam("ids", expanding=True)
_ALL = sa.select(fabric.c.id, fabric.c.name, fabric.c.description, fabric.c.class_type).order_by(fabric.c.id)
_OF = _ALL.where(fabric.c.id.in_(_IDS))


def listing(sql: sa.Connection) -> list[Fabric]:
    """All fabrics, by id."""
    return [_from_row(row) for row in sql.execute(_ALL)]


def of(sql: sa.Connection, ids: Collection[int]) -> dict[int, Fabric]:
    """Fabrics by id."""
    return {row[0]: _from_row(row) for row in sql.execute(_OF, {"ids": list(ids)})}


def find(sql: sa.Connection, id: int) -> Fabric:
    """One fabric; NotFound."""
    row = sql.execute(_ALL.where(fabric.c.id == id)).first()
    if row is None:
        raise NotFound("No Fabric matches the given query.")
    return _from_row(row)


def create(write: Write, *, name: str = "", description: str = "", class_type: str | None = None) -> Fabric:
    """Make a fabric with its untagged VLAN; without a name it is called after its id. Conflict when it is taken."""
    if name:
        _free(write, name)
    values = {"name": name, "description": description, "class_type": class_type}
    id = int(write.sql.scalar(sa.insert(fabric).values(values).returning(fabric.c.id)) or 0)
    vlans.create(write, fabric_id=id, vid=UNTAGGED)
    return find(write.sql, id) if name else update(write, id=id, name=f"fabric-{id}")


def update(
    write: Write,
    *,
    id: int,
    name: str | None = None,
    description: str | None = None,
    class_type: str | None = None,
) -> Fabric:
    """Change what is given; a `class_type` of "" is none."""
    old = find(write.sql, id)
    values: dict[str, str | None] = {}
    if name is not None and name != old.name:
        _free(write, name)
        values["name"] = name
    if description is not None:
        values["description"] = description
    if class_type is not None:
        values["class_type"] = class_type or None
    if values:
        write.sql.execute(sa.update(fabric).where(fabric.c.id == id).values(values))
    return find(write.sql, id)


def delete(write: Write, *, id: int) -> None:
    """Delete a fabric with its VLANs, when nothing is on them; Conflict naming what is otherwise."""
    old = find(write.sql, id)
    if found := users(write.sql, id):
        raise Conflict(
            f"The fabric {old.name} is in use: {found}.",
            resolution="Move that to another VLAN, or delete it, first.",
        )
    write.sql.execute(sa.delete(fabric).where(fabric.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """The first VLAN of a fabric that something is on, and what, in words. "" nothing."""
    for one in vlans.in_fabric(sql, id):
        if found := vlans.users(sql, one.id):
            return f"on its VLAN {one.name} (id {one.id}) there is {found}"
    return ""


def _free(write: Write, name: str) -> None:
    if write.sql.scalar(sa.select(fabric.c.id).where(fabric.c.name == name)) is not None:
        raise Conflict(f"There is a fabric {name!r} already.")


def _from_row(row: Any) -> Fabric:
    """By position: every compose reads all of them, and reading by name costs ten times more."""
    id, name, description, class_type = row
    return Fabric(id=id, name=name, description=description, class_type=class_type)
