"""DNS domains: labels of machines. Names are answered by the network's own DNS. One domain is the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.store.database import Write
from innkeeper.store.few import READ, few
from innkeeper.store.tables import domain, machine

_DEFAULT = sa.select(domain.c.id).where(domain.c.is_default)


@dataclass(frozen=True, kw_only=True)
class Domain:
    id: int
    name: str
    authoritative: bool = True
    ttl: int | None = None
    is_default: bool = False


def listing(sql: sa.Connection) -> list[Domain]:
    """All domains, by id."""
    return [Domain(**row._mapping) for row in sql.execute(sa.select(domain).order_by(domain.c.id))]


def find(sql: sa.Connection, *, id: int | None = None, name: str | None = None) -> Domain:
    """One domain by id or name; NotFound."""
    query = sa.select(domain).where(domain.c.id == id if id is not None else domain.c.name == name)
    row = sql.execute(query).first()
    if row is None:
        raise NotFound(f"There is no domain {id if id is not None else name!r}.")
    return Domain(**row._mapping)


def default_id(sql: sa.Connection) -> int:
    """The id of the default domain."""
    return int(sql.scalar(_DEFAULT) or 0)


def create(write: Write, *, name: str, authoritative: bool = True, ttl: int | None = None) -> Domain:
    """Make a domain; Conflict when the name is taken."""
    _free(write, name)
    values = {"name": name, "authoritative": authoritative, "ttl": ttl, "is_default": False}
    return find(write.sql, id=write.sql.scalar(sa.insert(domain).values(values).returning(domain.c.id)))


def update(write: Write, *, id: int, **values: Any) -> Domain:
    """Change columns; Conflict when the new name is taken. Machines in it have the new name with it."""
    old = find(write.sql, id=id)
    if values.get("name", old.name) != old.name:
        _free(write, values["name"])
    if values:
        write.sql.execute(sa.update(domain).where(domain.c.id == id).values(values))
    return find(write.sql, id=id)


def set_default(write: Write, *, id: int) -> Domain:
    """New machines are in this domain from now on."""
    find(write.sql, id=id)
    write.sql.execute(sa.update(domain).values(is_default=domain.c.id == id))
    return find(write.sql, id=id)


def delete(write: Write, *, id: int) -> None:
    """Delete a domain that no machine is in; Conflict naming them otherwise, and for the default one."""
    old = find(write.sql, id=id)
    if old.is_default:
        raise Conflict(f"The domain {old.name} is the default.", resolution="Make another one the default first.")
    if found := users(write.sql, id):
        raise Conflict(f"The domain {old.name} is in use by {found}.", resolution="Move them to another domain first.")
    write.sql.execute(sa.delete(domain).where(domain.c.id == id))


def users(sql: sa.Connection, id: int) -> str:
    """The first few machines of a domain, in words. "" none."""
    query = sa.select(machine.c.hostname).where(machine.c.domain_id == id).order_by(machine.c.hostname)
    return ", ".join(few(sql.scalars(query.limit(READ)).all(), "machine"))


def _free(write: Write, name: str) -> None:
    if write.sql.scalar(sa.select(domain.c.id).where(domain.c.name == name)) is not None:
        raise Conflict(f"There is a domain {name!r} already.")
