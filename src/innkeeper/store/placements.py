"""Why a machine is where it is: the verdict of every host when it was placed.

Kept compressed: a thousand verdicts repeat themselves, and are read once in a blue moon.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.placement.decide import POLICY, Decision, Verdict
from innkeeper.store.database import Write
from innkeeper.store.deployment_tables import placement

_INSERT = sa.insert(placement)
_FIND = sa.select(placement.c.verdicts_json).where(placement.c.system_id == sa.bindparam("which"))


@dataclass(frozen=True, kw_only=True)
class StoredReason:
    """Something that stood against a host: the constraint that failed, and how, in words."""

    constraint: str
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class StoredVerdict:
    """What was said of one host. `score`: of one that fitted, the more the better."""

    host_id: int
    host: str
    fits: bool
    score: float | None = None
    reasons: tuple[StoredReason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The verdicts on all hosts that were looked at, the chosen one first, by `policy`."""

    policy: str = POLICY
    host_id: int = 0  # the chosen one
    verdicts: tuple[StoredVerdict, ...] = ()


_DECODER = msgspec.json.Decoder(Placement)  # made here, once: msgspec's first look at a type is not safe among threads


def placement_of(decision: Decision) -> Placement:
    """A decision as it is kept: the best first, then those that fitted, by score, then the others."""
    found = [_stored(one) for one in decision.verdicts]
    best = decision.best.host_id if decision.best else 0
    found.sort(key=lambda one: (one.host_id != best, not one.fits, -(one.score or 0.0), one.host_id))
    return Placement(host_id=best, verdicts=tuple(found))


def _stored(one: Verdict) -> StoredVerdict:
    return StoredVerdict(
        host_id=one.host_id,
        host=one.host,
        fits=one.fit is not None,
        score=one.score if one.fit is not None else None,
        reasons=tuple(StoredReason(constraint=each.about, kind=each.kind, text=each.text) for each in one.reasons),
    )


def pack(decision: Decision) -> str:
    """A decision as the table holds it. Takes milliseconds for a big fleet: do it before the transaction."""
    return b64encode(zlib.compress(msgspec.json.encode(placement_of(decision)), 1)).decode()


def insert(write: Write, *, system_id: str, packed: str) -> None:
    """Keep the verdicts with a machine; `packed`: as of `pack`."""
    write.sql.execute(_INSERT, {"system_id": system_id, "verdicts_json": packed})


def find(sql: sa.Connection, system_id: str) -> Placement | None:
    """The verdicts kept with a machine; None for one that was not placed by us."""
    packed = sql.scalar(_FIND, {"which": system_id})
    return _DECODER.decode(zlib.decompress(b64decode(packed))) if packed else None
