"""Zones: where things stand, so that what must not fall together stands apart."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.store.database import Write
from innkeeper.store.few import READ, few
from innkeeper.store.tables import host, machine, zone

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Zone:
    id: int
    name: str
    description: str = ""


def listing(sql: sa.Connection) -> list[Zone]:
    """All zones, by id."""
    return [Zone(**row._mapping) for row in sql.execute(sa.select(zone).order_by(zone.c.id))]


def find(sql: sa.Connection, *, id: int | None = None, name: str | None = None) -> Zone:
    """One zone by id or name; NotFound."""
    query = sa.select(zone).where(zone.c.id == id if id is not None else zone.c.name == name)
    row = sql.execute(query).first()
    if row is None:
        raise NotFound(f"There is no zone {id if id is not None else name!r}.")
    return Zone(**row._mapping)


def create(write: Write, *, name: str, description: str = "") -> Zone:
    """Make a zone; Conflict when the name is taken."""
    _free(write, name)
    id = write.sql.scalar(sa.insert(zone).values(name=name, description=description).returning(zone.c.id))
    return find(write.sql, id=id)


def update(write: Write, *, id: int, name: str | None = None, description: str | None = None) -> Zone:
    """Change what is given."""
    old = find(write.sql, id=id)
    if name is not None and name != old.name:
        if old.name == DEFAULT:
            raise Conflict("The default zone keeps its name.")
        _free(write, name)
        write.sql.execute(sa.update(zone).where(zone.c.id == id).values(name=name))
    if description is not None:
        write.sql.execute(sa.update(zone).where(zone.c.id == id).values(description=description))
    return find(write.sql, id=id)


def delete(write: Write, *, id: int) -> None:
    """Delete a zone that nothing uses; Conflict naming the users otherwise."""
    old = find(write.sql, id=id)
    if old.name == DEFAULT:
        raise Conflict("The default zone cannot be deleted.")
    if found := users(write.sql, id):
        raise Conflict(f"The zone {old.name} is in use by {found}.", resolution="Move them to another zone first.")
    write.sql.execute(sa.delete(zone).where(zone.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """What is in a zone, in words, the first few of each kind. "" nothing."""
    hosts = sql.scalars(sa.select(host.c.name).where(host.c.zone_id == id).order_by(host.c.name).limit(READ)).all()
    machines = sql.scalars(
        sa.select(machine.c.hostname).where(machine.c.zone_id == id).order_by(machine.c.hostname).limit(READ)
    ).all()
    return ", ".join([*few(hosts, "VM host"), *few(machines, "machine")])


def _free(write: Write, name: str) -> None:
    if write.sql.scalar(sa.select(zone.c.id).where(zone.c.name == name)) is not None:
        raise Conflict(f"There is a zone {name!r} already.")
