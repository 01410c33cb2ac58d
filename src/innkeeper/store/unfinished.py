"""Work that is not over: what must not be judged by what is seen just now, and what stands in a removal's way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.store.operations import OPEN, Operation, State, from_row
from innkeeper.store.tables import operation

op = operation.c
UNFINISHED = (*OPEN, State.STOPPED)  # a stopped operation may be resumed


def of_host(sql: sa.Connection, host_id: int) -> list[Operation]:
    """All operations on a host that have not ended for good, oldest first."""
    query = sa.select(operation).where(op.host_id == host_id, op.state.in_(UNFINISHED)).order_by(op.created, op.id)
    return [from_row(row) for row in sql.execute(query)]


def of_machine(sql: sa.Connection, system_id: str) -> list[Operation]:
    """All operations on a machine that have not ended for good, oldest first."""
    query = sa.select(operation).where(op.system_id == system_id, op.state.in_(UNFINISHED)).order_by(op.created, op.id)
    return [from_row(row) for row in sql.execute(query)]


def kinds(sql: sa.Connection, system_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The kinds of all operations on machines that have not ended for good, by system_id. One query."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(system_ids, ())
    query = sa.select(op.system_id, op.kind).where(op.system_id.in_(system_ids), op.state.in_(UNFINISHED))
    for row in sql.execute(query.order_by(op.created, op.id)):
        found[row.system_id] += (row.kind,)
    return found


def busy(sql: sa.Connection, host_id: int) -> set[str]:
    """Machines that an operation is working on: what is seen of them now is not the last word."""
    query = sa.select(op.system_id).where(op.host_id == host_id, op.state.in_(UNFINISHED))
    return {system_id for system_id in sql.scalars(query) if system_id}


@dataclass(frozen=True)
class Departing:
    """What operations take off a host: instances by name, and the mark they carry (None: whatever they carry)."""

    instances: frozenset[tuple[str, str | None]] = frozenset()

    def holds(self, name: str, mark: str) -> bool:
        """Whether an instance of that name and mark is one of them."""
        return (name, mark) in self.instances or (name, None) in self.instances

    @property
    def marks(self) -> frozenset[str]:
        return frozenset(mark for _, mark in self.instances if mark)


def departing(sql: sa.Connection, host_id: int, *, since: float) -> Departing:
    """What operations are taking off a host, or have since then (database clock).

    A listing begun before may still show it. What is seen later under that name is really there.
    """
    late = sa.or_(op.state.in_(UNFINISHED), op.ended >= since)
    undone = sa.and_(op.kind == "compose", op.state != State.DONE)
    query = sa.select(op.kind, op.system_id, op.arguments_json)
    query = query.where(op.host_id == host_id, late, sa.or_(undone, op.kind == "decompose"))
    found = set()
    for row in sql.execute(query):
        arguments = msgspec.json.decode(row.arguments_json)
        found.add((arguments["name"], row.system_id if row.kind == "compose" else arguments["mark"]))
    return Departing(frozenset(found))


def undone(sql: sa.Connection, id: str) -> bool:
    """Whether an operation was undone, or is being: what carries its mark belongs to nobody."""
    query = sa.select(op.id).where(op.id == id, op.state.in_((State.UNDOING, State.FAILED)))
    return sql.execute(query).first() is not None
