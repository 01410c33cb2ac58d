"""How many machines and devices carry each tag."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.model.machine import Origin
from innkeeper.store.database import strings
from innkeeper.store.tables import machine

m = machine.c


@dataclass(frozen=True, kw_only=True)
class Carried:
    machines: int = 0
    devices: int = 0


def counted(sql: sa.Connection, *, seen_by: int | None = None) -> dict[str, Carried]:
    """By the tag's name; one query, which counts equal sets of tags together. `seen_by`: a user's id, only theirs and
    unowned ones."""
    query = sa.select(m.tags_json, m.origin, sa.func.count().label("number"))
    query = query.where(m.tags_json != "[]").group_by(m.tags_json, m.origin)
    if seen_by is not None:
        query = query.where(sa.or_(m.owner_id.is_(None), m.owner_id == seen_by))
    machines: Counter[str] = Counter()
    devices: Counter[str] = Counter()
    for text, origin, number in sql.execute(query):
        for name in strings(text):
            (devices if origin == Origin.DEVICE else machines)[name] += number
    return {name: Carried(machines=machines[name], devices=devices[name]) for name in {*machines, *devices}}
