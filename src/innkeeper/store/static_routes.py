"""Static routes: guests on one subnet reach another through a gateway that is not their default one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.network import StaticRoute
from innkeeper.store.database import Write
from innkeeper.store.network_tables import static_route

_ALL = sa.select(static_route).order_by(static_route.c.id)


def listing(sql: sa.Connection) -> list[StaticRoute]:
    """All routes, by id."""
    return [StaticRoute(**row._mapping) for row in sql.execute(_ALL)]


def find(sql: sa.Connection, id: int) -> StaticRoute:
    """One route; NotFound."""
    row = sql.execute(_ALL.where(static_route.c.id == id)).first()
    if row is None:
        raise NotFound("No StaticRoute matches the given query.")
    return StaticRoute(**row._mapping)


def create(write: Write, *, source_id: int, destination_id: int, gateway_ip: str, metric: int = 0) -> StaticRoute:
    """Make a route (the gateway in normal form, on the source); Conflict when there is one."""
    _free(write, source_id, destination_id, gateway_ip)
    values = {"source_id": source_id, "destination_id": destination_id, "gateway_ip": gateway_ip, "metric": metric}
    statement = sa.insert(static_route).values(values).returning(static_route.c.id)
    return find(write.sql, int(write.sql.scalar(statement) or 0))


def update(write: Write, *, id: int, **values: Any) -> StaticRoute:
    """Change columns; Conflict when there is such a route."""
    old = find(write.sql, id)
    key = tuple(values.get(name, getattr(old, name)) for name in ("source_id", "destination_id", "gateway_ip"))
    if key != (old.source_id, old.destination_id, old.gateway_ip):
        _free(write, *key)
    if values:
        write.sql.execute(sa.update(static_route).where(static_route.c.id == id).values(values))
    return find(write.sql, id)


def delete(write: Write, *, id: int) -> None:
    """Delete a route."""
    find(write.sql, id)
    write.sql.execute(sa.delete(static_route).where(static_route.c.id == id))


def _free(write: Write, source_id: int, destination_id: int, gateway_ip: str) -> None:
    c = static_route.c
    same = sa.and_(c.source_id == source_id, c.destination_id == destination_id, c.gateway_ip == gateway_ip)
    if (id := write.sql.scalar(sa.select(c.id).where(same))) is not None:
        raise Conflict(f"There is such a route already (id {id}).")
