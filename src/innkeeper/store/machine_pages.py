"""Machines as people look for them: by words and filters, sorted, grouped, page by page. Never all of them are read.

The records that stand for VM hosts are not among them: hosts have their own list.

A page costs a fixed number of queries: how many there are, which are on it, and those with their disks and NICs.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.store import machines
from innkeeper.store.account_tables import user_account
from innkeeper.store.machines import Filter
from innkeeper.store.network_tables import link
from innkeeper.store.tables import disk, host, interface, machine, resource_pool, zone

Key = str | int | None  # of a group: a host's, pool's or owner's id, the number of a status
m = machine.c
_SIZES = sa.select(sa.func.sum(disk.c.size)).where(disk.c.system_id == m.system_id)
_STORAGE = _SIZES.correlate(machine).scalar_subquery()
_STATUS = sa.case({int(one): one.label for one in Status}, value=m.status, else_="")
SORTS: dict[str, sa.ColumnElement[Any]] = {
    "name": m.hostname,
    "power": m.power_state,
    "status": _STATUS,
    "host": sa.func.coalesce(host.c.name, ""),
    "cores": m.cores,
    "memory": m.memory,
    "storage": sa.func.coalesce(_STORAGE, 0),
    "pool": resource_pool.c.name,
    "zone": zone.c.name,
    "owner": sa.func.coalesce(user_account.c.username, ""),
}
_GROUPS: dict[str, tuple[sa.ColumnElement[Any], tuple[sa.ColumnElement[Any], ...]]] = {
    "host": (m.host_id, (host.c.name.is_(None), host.c.name)),
    "status": (m.status, (_STATUS,)),
    "pool": (m.pool_id, (resource_pool.c.name,)),
    "owner": (m.owner_id, (user_account.c.username.is_(None), user_account.c.username)),
}
GROUPS = tuple(_GROUPS)
_JOINED = (
    machine.outerjoin(host, host.c.id == m.host_id)
    .outerjoin(user_account, user_account.c.id == m.owner_id)
    .outerjoin(zone, zone.c.id == m.zone_id)
    .outerjoin(resource_pool, resource_pool.c.id == m.pool_id)
)
_PLACES = (
    m.hostname,
    m.system_id,
    m.description,
    m.tags_json,
    m.power_state,
    m.osystem,
    m.distro_series,
    host.c.name,
    zone.c.name,
    resource_pool.c.name,
    user_account.c.username,
)
_ADDRESS = re.compile(r"[0-9a-f.:]*[.:][0-9a-f.:]*")  # of an IP or a MAC; a bare number is in most of them


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which machines. `words`: each of them is in the name, or in what else a machine is known by."""

    which: Filter
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """The machines of a page in their order; `total`: of all pages."""

    rows: tuple[Machine, ...]
    total: int
    number: int


def page(sql: sa.Connection, wanted: Wanted, *, sort: str, down: bool, group: str, number: int, size: int) -> Page:
    """The page of that number; one beyond the last is the last."""
    if wanted.which.nothing:
        return Page(rows=(), total=0, number=1)
    total = count(sql, wanted)
    number = min(max(number, 1), max((total + size - 1) // size, 1))
    column = SORTS[sort]
    order = [*(_GROUPS[group][1] if group else ()), column.desc() if down else column.asc(), m.hostname]
    query = _narrowed(sa.select(m.system_id), wanted).order_by(*order).limit(size).offset((number - 1) * size)
    ids = tuple(sql.scalars(query))
    found = {one.system_id: one for one in machines.listing(sql, Filter(system_ids=ids))} if ids else {}
    return Page(rows=tuple(found[id] for id in ids if id in found), total=total, number=number)


def count(sql: sa.Connection, wanted: Wanted) -> int:
    """How many there are."""
    return 0 if wanted.which.nothing else int(sql.scalar(_narrowed(sa.select(sa.func.count()), wanted)) or 0)


def counts(sql: sa.Connection, wanted: Wanted, group: str, keys: Collection[Key]) -> dict[Key, int]:
    """How many machines are in each of these groups. One query."""
    column = _GROUPS[group][0]
    some = sa.or_(column.in_([one for one in keys if one is not None]), *([column.is_(None)] if None in keys else []))
    query = _narrowed(sa.select(column, sa.func.count()), wanted).where(some).group_by(column)
    return {row[0]: int(row[1]) for row in sql.execute(query)}


def system_ids(sql: sa.Connection, wanted: Wanted, *, limit: int) -> list[str]:
    """The first so many of these machines, by name."""
    if wanted.which.nothing:
        return []
    return list(sql.scalars(_narrowed(sa.select(m.system_id), wanted).order_by(m.hostname).limit(limit)))


def key_of(one: Machine, group: str) -> Key:
    """The group of a machine."""
    keys: dict[str, Key] = {"host": one.host_id, "status": one.status, "pool": one.pool_id, "owner": one.owner_id}
    return keys[group]


def _narrowed(query: sa.Select[Any], wanted: Wanted) -> sa.Select[Any]:
    narrowed: sa.Select[Any] = machines.filtered(query.select_from(_JOINED), wanted.which)
    return narrowed.where(m.origin != Origin.HOST, *map(_says, wanted.words))


def _says(word: str) -> sa.ColumnElement[bool]:
    """The condition that a machine is known by a word, or a piece of one."""
    low = word.lower()
    holds = [sa.func.lower(one).contains(low, autoescape=True) for one in _PLACES]
    if statuses := [int(one) for one in Status if low in one.label.lower()]:
        holds.append(m.status.in_(statuses))
    if _ADDRESS.fullmatch(low):
        nics = sa.select(interface.c.system_id).outerjoin(link, link.c.interface_id == interface.c.id)
        like = (interface.c.mac.contains(low, autoescape=True), link.c.ip.contains(low, autoescape=True))
        holds.append(m.system_id.in_(nics.where(sa.or_(*like))))
    return sa.or_(*holds)
