"""How often what placement reads has moved: who has read it before reads only what moved since.

One stamp a host, for its row and for what is written under its row's lock (claims, pools); and
one for what is around hosts: networks, zones, resource pools. A look at a host that finds nothing new moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

import sqlalchemy as sa

from innkeeper.store.tables import stamp

AROUND = 0  # hosts' ids begin at 1
_AROUND_HOSTS = frozenset({"fabric", "vlan", "space", "subnet", "host_interface", "zone", "resource_pool"})
_OF_HOSTS = frozenset({"claim", "claim_storage", "storage_pool"})
_MOVE = sa.update(stamp).where(stamp.c.of == sa.bindparam("which")).values(number=stamp.c.number + 1)
_FIRST = sa.insert(stamp)
_FORGET = sa.delete(stamp).where(stamp.c.of == sa.bindparam("which"))
_ONE = sa.select(stamp.c.number).where(stamp.c.of == sa.bindparam("which"))
_ALL = sa.select(stamp.c.of, stamp.c.number)


def move(sql: sa.Connection, of: int) -> None:
    """Note, in the transaction that changes it, that a host (or what is AROUND them) moved."""
    if sql.execute(_MOVE, {"which": of}).rowcount == 0:
        sql.execute(_FIRST, {"of": of, "number": 1})


def move_what(sql: sa.Connection, *, written: Set[str], held: Iterable[int]) -> None:
    """At the end of a transaction: move the stamps of what it wrote to. `held`: the hosts that it has locked."""
    if written & _OF_HOSTS:
        for host_id in sorted(held):
            move(sql, host_id)
    if written & _AROUND_HOSTS:
        move(sql, AROUND)


def forget(sql: sa.Connection, host_id: int) -> None:
    """A host is gone."""
    sql.execute(_FORGET, {"which": host_id})


def of(sql: sa.Connection, which: int) -> int:
    """How often it moved."""
    return int(sql.scalar(_ONE, {"which": which}) or 0)


def all(sql: sa.Connection) -> dict[int, int]:
    """Every stamp there is. A host without one is not there."""
    return {of: number for of, number in sql.execute(_ALL)}  # noqa: C416 (a row is no pair to dict)
