"""Whose marks on a host belong to nobody any more.

A copy or a restored backup carries the marks of the machine that it was made of, and is its owner's. So a mark
alone proves nothing of a machine that was removed: only an instance under the removed one's own name, not running
and not adopted, soon after the removal, is taken for what a process did that had been asleep.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from innkeeper.store.database import NOW
from innkeeper.store.operations import State
from innkeeper.store.tables import claim, claim_storage, machine, operation
from innkeeper.store.unfinished import UNFINISHED

op = operation.c
SLEEP = 900.0  # seconds after a removal in which a sleeper may still wake up


def undone(sql: sa.Connection, *, operations: set[str], older_than: float) -> set[str]:
    """Of these operations, those that failed more than `older_than` seconds ago: what they had made was undone."""
    query = sa.select(op.id).where(op.id.in_(operations), op.state == State.FAILED)
    return set(sql.scalars(query.where(op.ended < NOW - older_than)))


def removed(sql: sa.Connection, *, system_ids: set[str], older_than: float = 0.0) -> set[tuple[str, str]]:
    """(pool, name) and, with pool "", (system_id, instance) of what was taken away with these machines.

    Only what an operation of ours took away counts, and only for a while. A record that went in another way (with
    its host, say) does not: its VM was left on purpose.
    """
    there = sa.select(machine.c.system_id)
    at_work = sa.select(op.system_id).where(op.state.in_(UNFINISHED))
    query = sa.select(op.system_id, op.arguments_json).where(
        op.system_id.in_(system_ids),
        op.system_id.not_in(there),
        op.system_id.not_in(at_work),
        op.kind == "decompose",
        op.state == State.DONE,
        op.ended < NOW - older_than,
        op.ended > NOW - SLEEP,
    )
    found = set()
    for row in sql.execute(query):
        arguments = msgspec.json.decode(row.arguments_json)
        found.add((row.system_id, arguments["name"]))
        found |= {(pool, volume) for pool, volume in arguments["volumes"]}
    return found


def somebodys(sql: sa.Connection, host_id: int, *, project: str) -> set[tuple[str, str]]:
    """What has a machine's record behind it: ("", instance) and (pool, volume)."""
    mine = claim.c.host_id == host_id, claim.c.project == project, claim.c.system_id.is_not(None)
    found = {("", name) for name in sql.scalars(sa.select(claim.c.instance).where(*mine))}
    held = sa.select(claim_storage.c.pool, claim_storage.c.volume).join(claim).where(*mine)
    return found | {(row.pool, row.volume) for row in sql.execute(held) if row.volume}
