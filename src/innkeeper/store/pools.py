"""Resource pools: groups of machines and hosts that belong to somebody or something. Pool 0 is the default."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.store.database import Write
from innkeeper.store.few import READ, few
from innkeeper.store.tables import host, machine
from innkeeper.store.tables import resource_pool as pool

DEFAULT_ID = 0


@dataclass(frozen=True, kw_only=True)
class Pool:
    id: int
    name: str
    description: str = ""


def listing(sql: sa.Connection) -> list[Pool]:
    """All resource pools, by id."""
    return [Pool(**row._mapping) for row in sql.execute(sa.select(pool).order_by(pool.c.id))]


def find(sql: sa.Connection, *, id: int | None = None, name: str | None = None) -> Pool:
    """One resource pool by id (0 is valid) or name; NotFound."""
    query = sa.select(pool).where(pool.c.id == id if id is not None else pool.c.name == name)
    row = sql.execute(query).first()
    if row is None:
        raise NotFound(f"There is no resource pool {id if id is not None else name!r}.")
    return Pool(**row._mapping)


def create(write: Write, *, name: str, description: str = "") -> Pool:
    """Make a resource pool; Conflict when the name is taken."""
    _free(write, name)
    id = write.sql.scalar(sa.insert(pool).values(name=name, description=description).returning(pool.c.id))
    return find(write.sql, id=id)


def update(write: Write, *, id: int, name: str | None = None, description: str | None = None) -> Pool:
    """Change what is given."""
    old = find(write.sql, id=id)
    if name is not None and name != old.name:
        if id == DEFAULT_ID:
            raise Conflict("The default resource pool keeps its name.")
        _free(write, name)
        write.sql.execute(sa.update(pool).where(pool.c.id == id).values(name=name))
    if description is not None:
        write.sql.execute(sa.update(pool).where(pool.c.id == id).values(description=description))
    return find(write.sql, id=id)


def delete(write: Write, *, id: int) -> None:
    """Delete a resource pool that nothing uses; Conflict naming the users otherwise."""
    old = find(write.sql, id=id)
    if id == DEFAULT_ID:
        raise Conflict("The default resource pool cannot be deleted.")
    if found := users(write.sql, id):
        raise Conflict(f"The resource pool {old.name} is in use by {found}.", resolution="Move them first.")
    write.sql.execute(sa.delete(pool).where(pool.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """What is in a resource pool, in words, the first few of each kind. "" nothing."""
    hosts = sql.scalars(sa.select(host.c.name).where(host.c.pool_id == id).order_by(host.c.name).limit(READ)).all()
    machines = sql.scalars(
        sa.select(machine.c.hostname).where(machine.c.pool_id == id).order_by(machine.c.hostname).limit(READ)
    ).all()
    return ", ".join([*few(hosts, "VM host"), *few(machines, "machine")])


def _free(write: Write, name: str) -> None:
    if write.sql.scalar(sa.select(pool.c.id).where(pool.c.name == name)) is not None:
        raise Conflict(f"There is a resource pool {name!r} already.")
