"""Whose marks on a host belong to nobody any more."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.database import NOW
from innkeeper.store.operations import State
from innkeeper.store.tables import machine, operation
from innkeeper.store.unfinished import UNFINISHED

op = operation.c


def undone(sql: sa.Connection, *, operations: set[str], older_than: float) -> set[str]:
    """Of these operations, those that failed more than `older_than` seconds ago: what they had made was undone."""
    query = sa.select(op.id).where(op.id.in_(operations), op.state == State.FAILED)
    return set(sql.scalars(query.where(op.ended < NOW - older_than)))


def removed(sql: sa.Connection, *, system_ids: set[str], older_than: float) -> set[str]:
    """Of these machines, those that were removed more than `older_than` seconds ago.

    Only what an operation of ours took away counts. A record that went in another way (with its host, say) does
    not: its VM was left on purpose.
    """
    there = sa.select(machine.c.system_id)
    at_work = sa.select(op.system_id).where(op.state.in_(UNFINISHED))
    query = sa.select(op.system_id).where(
        op.system_id.in_(system_ids),
        op.system_id.not_in(there),
        op.system_id.not_in(at_work),
        op.kind == "decompose",
        op.state == State.DONE,
        op.ended < NOW - older_than,
    )
    return set(sql.scalars(query))
