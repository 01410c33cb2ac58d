"""DNS domains: labels of machines. The first one made is the default."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.store.tables import domain

_DEFAULT = sa.select(sa.func.min(domain.c.id))


@dataclass(frozen=True, kw_only=True)
class Domain:
    id: int
    name: str
    authoritative: bool = True
    ttl: int | None = None


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
