"""Spaces: groups of VLANs. The pseudo space of VLANs without one has no row."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.network import UNDEFINED, Space
from innkeeper.store.database import Write
from innkeeper.store.few import READ, first
from innkeeper.store.network_tables import fabric, space, vlan

_IDS: sa.BindParameter[list[int]] = sa.bindparam("ids", expanding=True)
_ALL = sa.select(space).order_by(space.c.id)
_OF = _ALL.where(space.c.id.in_(_IDS))


def listing(sql: sa.Connection) -> list[Space]:
    """All spaces, by id."""
    return [Space(**row._mapping) for row in sql.execute(_ALL)]


def of(sql: sa.Connection, ids: Collection[int]) -> dict[int, Space]:
    """Spaces by id."""
    return {row.id: Space(**row._mapping) for row in sql.execute(_OF, {"ids": list(ids)})}


def find(sql: sa.Connection, id: int) -> Space:
    """One space; NotFound."""
    row = sql.execute(sa.select(space).where(space.c.id == id)).first()
    if row is None:
        raise NotFound("No Space matches the given query.")
    return Space(**row._mapping)


def create(write: Write, *, name: str = "", description: str = "") -> Space:
    """Make a space; without a name it is called after its id. Conflict when the name is taken."""
    if name:
        _free(write, name)
    statement = sa.insert(space).values(name=name, description=description).returning(space.c.id)
    id = int(write.sql.scalar(statement) or 0)
    return find(write.sql, id) if name else update(write, id=id, name=f"space-{id}")


def update(write: Write, *, id: int, name: str | None = None, description: str | None = None) -> Space:
    """Change what is given."""
    old = find(write.sql, id)
    if name is not None and name != old.name:
        _free(write, name)
        write.sql.execute(sa.update(space).where(space.c.id == id).values(name=name))
    if description is not None:
        write.sql.execute(sa.update(space).where(space.c.id == id).values(description=description))
    return find(write.sql, id)


def delete(write: Write, *, id: int) -> None:
    """Delete a space that no VLAN is in; Conflict naming them otherwise."""
    old = find(write.sql, id)
    if found := users(write.sql, id):
        raise Conflict(f"The space {old.name} is in use by {found}.", resolution="Move them to another space first.")
    write.sql.execute(sa.delete(space).where(space.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """The first few VLANs of a space, in words. "" none."""
    joined = sa.select(vlan.c.id, vlan.c.name, fabric.c.name.label("of")).join(fabric, fabric.c.id == vlan.c.fabric_id)
    rows = sql.execute(joined.where(vlan.c.space_id == id).order_by(vlan.c.id).limit(READ))
    return ", ".join(first([f"VLAN {row.name} of fabric {row.of} (id {row.id})" for row in rows], "VLANs"))


def _free(write: Write, name: str) -> None:
    if name == UNDEFINED:
        raise Conflict(f"{UNDEFINED!r} is what VLANs without a space are in; no space can be called so.")
    if write.sql.scalar(sa.select(space.c.id).where(space.c.name == name)) is not None:
        raise Conflict(f"There is a space {name!r} already.")
