"""The volumes of a host's storage pools: as it told them, and what has been made or attached since, by the claims."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import sqlalchemy as sa

from innkeeper.model.host import Volume
from innkeeper.store import storage_pools
from innkeeper.store.tables import claim, claim_storage

c, held = claim.c, claim_storage.c
_HELD = (
    sa.select(c.project, c.instance, held.pool, held.volume, held.size)
    .join(claim_storage)
    .where(c.host_id == sa.bindparam("host_id"), c.present)
    .order_by(c.project, c.instance, held.position)
)
_INSTANCES = ("virtual-machine", "container")


def of_host(sql: sa.Connection, host_id: int) -> dict[str, tuple[Volume, ...]]:
    """By pool. A host is read as a whole now and then, its instances at once: what they hold is not missing until then,
    and no disk of theirs is an orphan. Two queries."""
    told = storage_pools.volumes(sql, host_id=host_id)
    roots = {(one.project, one.name) for many in told.values() for one in many if one.kind in _INSTANCES}
    known = {(pool, one.name) for pool, many in told.items() for one in many if one.kind not in _INSTANCES}
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    fresh: dict[str, list[Volume]] = defaultdict(list)
    for row in sql.execute(_HELD, {"host_id": host_id}):
        key = f"{row.project}/{row.instance}"
        if row.volume:
            users[row.pool, row.volume].append(key)
            if (row.pool, row.volume) not in known:
                known.add((row.pool, row.volume))
                fresh[row.pool].append(Volume(name=row.volume, kind="custom", project=row.project, size=row.size))
        elif (row.project, row.instance) not in roots:
            fresh[row.pool].append(
                Volume(name=row.instance, kind="virtual-machine", project=row.project, size=row.size)
            )
    return {
        pool: tuple(
            replace(one, holders=tuple(users.get((pool, one.name), ())))
            if one.kind == "custom" and not one.holders
            else one
            for one in (*told.get(pool, ()), *fresh[pool])
        )
        for pool in {**told, **fresh}
    }
