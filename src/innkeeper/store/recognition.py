"""Which instance of a listing is which claim. Pure.

Project, name and mark tell: another instance under a name is not taken for the one that was there. A composed
machine's instance carries our mark and is found by it after a rename. A copy carries it too (hypervisors copy
marks): an instance under the claim's own name comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from innkeeper.model.machine import InstanceFacts

Storage = tuple[tuple[int, str, str, int], ...]  # (position, pool, volume, bytes)


@dataclass(frozen=True, kw_only=True)
class Known:
    """One claim row with its storage and the machine behind it."""

    id: int
    project: str
    instance: str
    origin: str
    system_id: str | None
    mark: str
    values: tuple[Any, ...]  # cores, pinned, memory, huge_pages, power_state, location, present
    storage: Storage
    status: int | None
    settled_at: float
    status_before: int = -1  # what it was before its last change of status


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """`same`: by claim id, its instance. `posing`: another one under its name. `fresh`: those of no claim."""

    same: dict[int, InstanceFacts]
    posing: dict[int, InstanceFacts]
    fresh: tuple[InstanceFacts, ...]


def recognise(known: Sequence[Known], instances: Sequence[InstanceFacts], *, uuid: str) -> Recognised:
    """Match a listing with the claims. `uuid`: this installation, whose marks count."""
    by_key = {(one.project, one.instance): one for one in known}
    by_mark = {one.mark: one for one in known if one.origin == "composed"}
    same: dict[int, InstanceFacts] = {}
    posing: dict[int, InstanceFacts] = {}
    rest = []
    for facts in instances:
        one = by_key.get(facts.key)
        if one is None:
            rest.append(facts)
        elif facts.tag("machine") != one.mark:
            posing[one.id] = facts
        else:
            same[one.id] = facts
    fresh: list[InstanceFacts] = []
    while rest:
        for facts in rest:
            one = by_mark.get(facts.tag("machine"))
            if one and one.id not in same and one.project == facts.project and _carries(facts, one, uuid):
                same[one.id] = facts
            else:
                fresh.append(facts)
        # whoever was renamed leaves its old name to the instance that is there now
        rest = [posing.pop(id) for id in list(posing) if id in same]
    composed = {one.id for one in by_mark.values()}
    for id in [id for id in posing if id not in composed]:  # renamed to the name of one that is gone for good
        one = by_mark.get(posing[id].tag("machine"))
        if one and one.id not in same and one.project == posing[id].project and _carries(posing[id], one, uuid):
            same[one.id] = posing.pop(id)
    return Recognised(same=same, posing=posing, fresh=tuple(fresh))


def _carries(facts: InstanceFacts, one: Known, uuid: str) -> bool:
    return facts.tag("installation") == uuid and facts.tag("machine") == one.mark
