"""Storage pools of hosts: what the host reported, what a person decided (ratio), and what is not machines'."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.model import capacity
from innkeeper.model.host import StoragePool, Volume
from innkeeper.store.database import Write
from innkeeper.store.tables import claim, claim_storage, storage_pool
from innkeeper.store.unfinished import Departing

pool = storage_pool.c
# Made here, once: msgspec's first look at a type is not safe among threads.
_DECODER = msgspec.json.Decoder(tuple[Volume, ...])


@dataclass(frozen=True, kw_only=True)
class PoolRow:
    """A storage pool as kept: bytes. `other_allocated`: volumes that belong to no instance we know."""

    host_id: int
    name: str
    driver: str
    path: str
    total: int | None
    written: int | None
    foreign_bytes: int
    other_allocated: int
    ratio: float
    stale: bool


_COLUMNS = (
    pool.host_id,
    pool.name,
    pool.driver,
    pool.path,
    pool.total,
    pool.written,
    pool.foreign_bytes,
    pool.other_allocated,
    pool.ratio,
    pool.stale,
)
_ALL = sa.select(*_COLUMNS).where(pool.present).order_by(pool.host_id, pool.position)
_OF_HOSTS = _ALL.where(pool.host_id.in_(sa.bindparam("ids", expanding=True)))
_VOLUMES = (
    sa.select(pool.name, pool.volumes_json).where(pool.host_id == sa.bindparam("host_id")).order_by(pool.position)
)


def listing(sql: sa.Connection, host_ids: Collection[int] | None = None) -> list[PoolRow]:
    """The pools of these hosts (None: of all), in each host's own order."""
    rows = sql.execute(_ALL) if host_ids is None else sql.execute(_OF_HOSTS, {"ids": list(host_ids)})
    return [PoolRow(**row._mapping) for row in rows]


def volumes(sql: sa.Connection, *, host_id: int) -> dict[str, tuple[Volume, ...]]:
    """The volumes of a host's pools, by pool."""
    rows = sql.execute(_VOLUMES, {"host_id": host_id})
    return {row.name: _DECODER.decode(row.volumes_json) for row in rows}


def set_ratio(write: Write, *, host_id: int, name: str, ratio: float) -> bool:
    """Set a pool's overcommit ratio; False when the host has no such pool."""
    mine = sa.update(storage_pool).where(pool.host_id == host_id, pool.name == name)
    return write.sql.execute(mine.values(ratio=ratio)).rowcount == 1


def see(
    write: Write,
    *,
    host_id: int,
    pools: tuple[StoragePool, ...],
    faults: dict[str, str],
    project: str,
    departing: Departing,
) -> None:
    """Store what a host told about its pools. What it could not tell keeps its last numbers, marked stale.

    Root disks of instances that have left since are not kept: their names are free.
    """
    left = {(project, name) for name, _ in departing.instances}
    known = {row.name: row for row in write.sql.execute(sa.select(storage_pool).where(pool.host_id == host_id))}
    if "storage pools" in faults:
        write.sql.execute(sa.update(storage_pool).where(pool.host_id == host_id).values(stale=True))
        return
    for position, one in enumerate(pools):
        stale = f"pool {one.name}" in faults
        before = known.get(one.name)
        values = {"position": position, "driver": one.driver, "path": one.path, "present": True, "stale": stale}
        if not stale or before is None:
            values |= {
                "total": one.total,
                "written": one.written,
                "foreign_bytes": capacity.foreign(one),
                "volumes_json": _without(one.volumes, left),
            }
        if before is None:
            fresh = {"host_id": host_id, "name": one.name, "ratio": 1.0, "other_allocated": 0}
            write.sql.execute(sa.insert(storage_pool).values(fresh | values))
        elif any(getattr(before, name) != value for name, value in values.items()):
            write.sql.execute(
                sa.update(storage_pool).where(pool.host_id == host_id, pool.name == one.name).values(values)
            )
    for gone in set(known) - {one.name for one in pools}:
        write.sql.execute(
            sa.update(storage_pool).where(pool.host_id == host_id, pool.name == gone).values(present=False)
        )


def forget_instance(write: Write, *, host_id: int, project: str, name: str) -> None:
    """An instance is gone, and its root disk with it: known at once, not only when the host is read again."""
    for pool_name, found in volumes(write.sql, host_id=host_id).items():
        kept = _without(found, {(project, name)})
        mine = sa.update(storage_pool).where(pool.host_id == host_id, pool.name == pool_name)
        write.sql.execute(mine.where(pool.volumes_json != kept).values(volumes_json=kept))


def _without(found: tuple[Volume, ...], instances: set[tuple[str, str]]) -> str:
    """Volumes as stored, less the root disks of these instances (project, name)."""
    kept = [one for one in found if one.kind != "virtual-machine" or (one.project, one.name) not in instances]
    return msgspec.json.encode(kept).decode()


def recount(write: Write, *, host_id: int, departing: Departing) -> None:
    """Count what volumes allocate that no claim counts: orphans, containers', images'. Call it after the claims.

    What operations take off the host is counted by its claim until it is gone, and not at all after that.
    """
    claimed = sa.select(claim.c.project, claim.c.instance, claim.c.mark).where(claim.c.host_id == host_id)
    rows = write.sql.execute(claimed).all()
    instances = {f"{row.project}/{row.instance}" for row in rows}
    marks = {row.mark for row in rows if row.mark} | departing.marks
    joined = sa.select(claim_storage.c.pool, claim_storage.c.volume).join(claim).where(claim.c.host_id == host_id)
    counted = {(row.pool, row.volume) for row in write.sql.execute(joined) if row.volume}
    for name, found in volumes(write.sql, host_id=host_id).items():
        others = sum(
            volume.size or volume.written or 0
            for volume in found
            if not _belongs(volume, name, instances=instances, marks=marks, counted=counted)
        )
        changed = sa.update(storage_pool).where(
            pool.host_id == host_id, pool.name == name, pool.other_allocated != others
        )
        write.sql.execute(changed.values(other_allocated=others))


def _belongs(
    volume: Volume, pool_name: str, *, instances: set[str], marks: set[str], counted: set[tuple[str, str]]
) -> bool:
    """Whether a claim counts this volume."""
    if volume.kind == "virtual-machine":
        return f"{volume.project}/{volume.name}" in instances
    return dict(volume.tags).get("machine", "") in marks or (pool_name, volume.name) in counted
