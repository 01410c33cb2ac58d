"""What each machine of a host holds of it, the oldest machine first: whose share is over when a limit goes down."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.store.figures import OURS
from innkeeper.store.tables import claim, claim_storage, machine

c, m = claim.c, machine.c
_OURS_OF_HOST = sa.and_(c.host_id == sa.bindparam("host_id"), c.origin.in_(OURS))
_GENERAL = sa.case((c.huge_pages, 0), else_=c.memory).label("memory")
_HELD = (
    sa.select(m.system_id, m.hostname, c.cores, _GENERAL, c.id)
    .join(machine, m.system_id == c.system_id)
    .where(_OURS_OF_HOST)
    .order_by(m.created, m.id)
)
_STORED = (
    sa.select(claim_storage.c.claim_id, claim_storage.c.pool, sa.func.sum(claim_storage.c.size))
    .join(claim)
    .where(_OURS_OF_HOST)
    .group_by(claim_storage.c.claim_id, claim_storage.c.pool)
)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A machine and what it claims: cores, general memory in MiB, bytes by storage pool."""

    system_id: str
    hostname: str
    cores: int
    memory: int
    storage: dict[str, int]


def of_host(sql: sa.Connection, host_id: int) -> list[Share]:
    """The machines of a host, the oldest first. Two queries. The sums are what `figures` calls claimed."""
    stored: dict[int, dict[str, int]] = defaultdict(dict)
    for claim_id, pool, size in sql.execute(_STORED, {"host_id": host_id}):
        stored[claim_id][pool] = int(size)
    return [
        Share(
            system_id=row.system_id,
            hostname=row.hostname,
            cores=row.cores,
            memory=row.memory,
            storage=stored.get(row.id, {}),
        )
        for row in sql.execute(_HELD, {"host_id": host_id})
    ]
