"""Claims: what everything on a host holds of it.

Every instance seen on a host has one claim row, whether we made it, adopted it, or only know of it; so a sum over
one table is what is used.
"""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.model.machine import PowerState
from innkeeper.store.database import Write
from innkeeper.store.tables import claim, claim_storage

c = claim.c
_INSERT = sa.insert(claim).returning(c.id)
_FREE_STORAGE = sa.delete(claim_storage).where(claim_storage.c.claim_id == sa.bindparam("claim_id"))
_HOLD_STORAGE = sa.insert(claim_storage)


def holds(system_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """For queries of machines: whether the machine holds anything of its host, as one does whose instance is there."""
    return sa.exists().where(c.system_id == system_id)


def insert(
    write: Write,
    *,
    host_id: int,
    project: str,
    instance: str,
    origin: str,
    cores: int,
    pinned: str,
    memory: int,
    huge_pages: bool,
    storage: tuple[tuple[int, str, str, int], ...],
    system_id: str | None = None,
    mark: str = "",
    power_state: str = PowerState.OFF,
    location: str = "",
    present: bool = False,
) -> int:
    """Write a claim; `storage` as (position, pool, volume, bytes). Returns its id."""
    values = {
        "host_id": host_id,
        "project": project,
        "instance": instance,
        "origin": origin,
        "system_id": system_id,
        "mark": mark,
        "cores": cores,
        "pinned": pinned,
        "memory": memory,
        "huge_pages": huge_pages,
        "power_state": power_state,
        "location": location,
        "present": present,
    }
    id = int(write.sql.scalar(_INSERT, values) or 0)
    write_storage(write, claim_id=id, storage=storage)
    return id


def write_storage(write: Write, *, claim_id: int, storage: tuple[tuple[int, str, str, int], ...]) -> None:
    """Write what a claim holds of storage pools, in place of what was there."""
    write.sql.execute(_FREE_STORAGE, {"claim_id": claim_id})
    names = ("position", "pool", "volume", "size")
    if rows := [{"claim_id": claim_id, **dict(zip(names, held, strict=True))} for held in storage]:
        write.sql.execute(_HOLD_STORAGE, rows)


def release(write: Write, *, system_id: str) -> None:
    """Give back what a machine holds (its instance is gone)."""
    write.sql.execute(sa.delete(claim).where(c.system_id == system_id))


def leave_behind(write: Write, *, system_id: str) -> None:
    """The machine's record goes, its instance stays for now: it counts as other use until it is removed or gone."""
    write.sql.execute(sa.update(claim).where(c.system_id == system_id).values(system_id=None, origin="leftover"))


def release_leftover(write: Write, *, host_id: int, instance: str) -> None:
    """Give back what a leftover of that name held."""
    mine = sa.delete(claim).where(c.host_id == host_id, c.instance == instance, c.origin == "leftover")
    write.sql.execute(mine)
