"""The figures of hosts: limits, claimed, others, free, counted from the claims by `model.capacity` alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host
from innkeeper.store import storage_pools
from innkeeper.store.storage_pools import PoolRow
from innkeeper.store.tables import claim, claim_storage

c = claim.c
OURS = ("composed", "adopted")  # what `claimed` counts; all else is `others`

_MINE = c.origin.in_(OURS)
_OF_HOSTS = c.host_id.in_(sa.bindparam("ids", expanding=True))
_GENERAL, _PAGED = sa.case((c.huge_pages, 0), else_=c.memory), sa.case((c.huge_pages, c.memory), else_=0)
_SUMS = (
    sa.select(c.host_id, _MINE.label("ours"), sa.func.sum(c.cores), sa.func.sum(_GENERAL), sa.func.sum(_PAGED))
    .where(_OF_HOSTS)
    .group_by(c.host_id, _MINE)
)
_STORAGE_SUMS = (
    sa.select(c.host_id, claim_storage.c.pool, _MINE, sa.func.sum(claim_storage.c.size))
    .join(claim_storage)
    .where(_OF_HOSTS)
    .group_by(c.host_id, claim_storage.c.pool, _MINE)
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of one host. None: not known yet."""

    cores: Figure | None
    memory: Figure | None
    huge_pages: Figure
    storage: tuple[tuple[str, Figure], ...]
    unmeasured: tuple[str, ...] = ()  # pools whose size the host could not tell


def figures(sql: sa.Connection, which: Collection[Host]) -> dict[int, Figures]:
    """The figures of hosts, by id: three queries, however many hosts."""
    ids = [one.id for one in which]
    rows = sql.execute(_SUMS, {"ids": ids})
    sums = {(row[0], bool(row[1])): (int(row[2]), int(row[3]), int(row[4])) for row in rows}
    held = _storage_sums(sql, ids)
    pools: dict[int, list[PoolRow]] = defaultdict(list)
    for row in storage_pools.listing(sql, ids):
        pools[row.host_id].append(row)
    return {one.id: _figures(one, sums, held, pools[one.id]) for one in which}


def _storage_sums(sql: sa.Connection, ids: Collection[int]) -> dict[tuple[int, str, bool], int]:
    rows = sql.execute(_STORAGE_SUMS, {"ids": ids})
    return {(row[0], row[1], bool(row[2])): int(row[3]) for row in rows}


def _figures(
    host: Host,
    sums: dict[tuple[int, bool], tuple[int, int, int]],
    held: dict[tuple[int, str, bool], int],
    pools: list[PoolRow],
) -> Figures:
    none = (0, 0, 0)
    ours, others = sums.get((host.id, True), none), sums.get((host.id, False), none)
    cores = memory = None
    if host.cores is not None:
        ratio = host.cpu_over_commit_ratio
        cores = capacity.cores(physical=host.cores, ratio=ratio, claimed=ours[0], others=others[0])
    if host.memory is not None:
        memory = capacity.memory(
            physical=host.memory,
            huge_pages=host.huge_pages,
            ratio=host.memory_over_commit_ratio,
            claimed=ours[1],
            others=others[1],
        )
    paged = capacity.huge_pages(total=host.huge_pages, claimed=ours[2], others=others[2])
    storage = tuple((row.name, pool_figure(row, held)) for row in pools if row.total is not None)
    unmeasured = tuple(row.name for row in pools if row.total is None)
    return Figures(cores=cores, memory=memory, huge_pages=paged, storage=storage, unmeasured=unmeasured)


def pool_figure(row: PoolRow, held: dict[tuple[int, str, bool], int]) -> Figure:
    """The figure of one storage pool."""
    return capacity.storage(
        name=row.name,
        total=row.total or 0,
        ratio=row.ratio,
        written=row.written or 0,
        foreign=row.foreign_bytes,
        claimed=held.get((row.host_id, row.name, True), 0),
        others=held.get((row.host_id, row.name, False), 0) + row.other_allocated,
    )
