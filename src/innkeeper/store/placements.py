"""Why a machine is where it is: the verdict of every host when it was placed.

Kept compressed: a thousand verdicts repeat themselves, and are read once in a blue moon.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from innkeeper.placement.decide import POLICY, Decision
from innkeeper.placement.fit import Reason
from innkeeper.store.database import Write
from innkeeper.store.deployment_tables import placement

_INSERT = sa.insert(placement)
_FIND = sa.select(placement.c.verdicts_json).where(placement.c.system_id == sa.bindparam("which"))


class StoredVerdict(NamedTuple):
    """What was said of one host. `score`: of one that fitted, the more the better; None: it did not."""

    host_id: int
    host: str
    score: float | None
    reasons: tuple[Reason, ...]


class Placement(NamedTuple):
    """The verdicts on all hosts that were looked at, the chosen one first, by `policy`."""

    policy: str
    host_id: int  # the chosen one
    verdicts: list[StoredVerdict]


_DECODER = msgspec.json.Decoder(Placement)  # made here, once: msgspec's first look at a type is not safe among threads


def placement_of(decision: Decision) -> Placement:
    """A decision as it is kept: the best first, then those that fitted, by score, then the others."""
    best = decision.best.host_id if decision.best else 0
    found = [
        StoredVerdict(one.host_id, one.host, one.score if one.fit is not None else None, one.reasons)
        for one in decision.verdicts
    ]
    found.sort(key=lambda one: (one.host_id != best, one.score is None, -(one.score or 0.0), one.host_id))
    return Placement(POLICY, best, found)


def pack(decision: Decision) -> str:
    """A decision as the table holds it. Takes milliseconds for a large fleet: do it before the transaction."""
    return b64encode(zlib.compress(msgspec.json.encode(placement_of(decision)), 1)).decode()


def insert(write: Write, *, system_id: str, packed: str) -> None:
    """Keep the verdicts with a machine; `packed`: as of `pack`."""
    write.sql.execute(_INSERT, {"system_id": system_id, "verdicts_json": packed})


def find(sql: sa.Connection, system_id: str) -> Placement | None:
    """The verdicts kept with a machine; None for one that was not placed by us."""
    packed = sql.scalar(_FIND, {"which": system_id})
    return _DECODER.decode(zlib.decompress(b64decode(packed))) if packed else None
