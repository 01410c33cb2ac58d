"""How many hosts and machines are in each zone, and in each resource pool; how many machines on each host.

`seen_by`: a user's id, and only their machines and unowned ones are counted, as in lists of machines.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import sqlalchemy as sa

from innkeeper.model.machine import Origin
from innkeeper.store.tables import host, machine


@dataclass(frozen=True, kw_only=True)
class Count:
    hosts: int = 0
    machines: int = 0


def in_zones(sql: sa.Connection, *, seen_by: int | None = None) -> dict[int, Count]:
    """By the zone's id; two queries."""
    return _counted(sql, host.c.zone_id, machine.c.zone_id, seen_by)


def in_pools(sql: sa.Connection, *, seen_by: int | None = None) -> dict[int, Count]:
    """By the resource pool's id; two queries."""
    return _counted(sql, host.c.pool_id, machine.c.pool_id, seen_by)


def in_domains(sql: sa.Connection, *, seen_by: int | None = None) -> dict[int, int]:
    """How many machines are in each domain, by its id; one query."""
    m = machine.c
    rows = sql.execute(sa.select(m.domain_id, sa.func.count()).where(*_seen(seen_by)).group_by(m.domain_id))
    return {row[0]: int(row[1]) for row in rows}


def on_hosts(sql: sa.Connection, *, seen_by: int | None = None) -> dict[int, int]:
    """How many machines each host has, by its id; one query."""
    m = machine.c
    rows = sql.execute(sa.select(m.host_id, sa.func.count()).where(*_seen(seen_by)).group_by(m.host_id))
    return {row[0]: int(row[1]) for row in rows}


def on_host(sql: sa.Connection, host_id: int) -> int:
    """How many machines a host has: composed and adopted ones."""
    m = machine.c
    mine = sa.select(sa.func.count()).where(m.host_id == host_id, m.origin.in_((Origin.COMPOSED, Origin.ADOPTED)))
    return int(sql.scalar(mine) or 0)


def _counted(
    sql: sa.Connection, of_host: sa.Column[int], of_machine: sa.Column[int], seen_by: int | None
) -> dict[int, Count]:
    found: dict[int, Count] = defaultdict(Count)
    for id, number in sql.execute(sa.select(of_host, sa.func.count()).group_by(of_host)):
        found[id] = replace(found[id], hosts=number)
    for id, number in sql.execute(sa.select(of_machine, sa.func.count()).where(*_seen(seen_by)).group_by(of_machine)):
        found[id] = replace(found[id], machines=number)
    return dict(found)


def _seen(seen_by: int | None) -> list[sa.ColumnElement[bool]]:
    """The conditions of a machine that is counted."""
    m = machine.c
    real: list[sa.ColumnElement[bool]] = [m.origin.in_((Origin.COMPOSED, Origin.ADOPTED))]
    return real if seen_by is None else [*real, sa.or_(m.owner_id.is_(None), m.owner_id == seen_by)]
