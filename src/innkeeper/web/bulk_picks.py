"""The machines that were picked for something: with which it can be done, and what its form offers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from innkeeper.api.auth import Actor
from innkeeper.model.image import family
from innkeeper.model.machine import Machine
from innkeeper.store import configuration, images, machine_pages, machines, pools, tags, zones
from innkeeper.store.machines import Filter
from innkeeper.web import machine_filters
from innkeeper.web.bulk_actions import Bulk
from innkeeper.web.bulk_cases import cases
from innkeeper.web.machine_case import Case
from innkeeper.web.machine_filters import Chosen

MOST = 500  # machines at once


@dataclass(frozen=True, kw_only=True)
class Picks:
    """See the module. `refused`: with why not; `choices`: what the fields of the form can be, by their names; `more`:
    there are more than can be done at once."""

    can: tuple[Case, ...] = ()
    refused: tuple[tuple[Case, str], ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    more: bool = False

    @property
    def asked(self) -> int:
        return len(self.can) + len(self.refused)

    @property
    def machines(self) -> tuple[Machine, ...]:
        return tuple(case.one for case in self.can)

    @property
    def to_type(self) -> str:
        """What is typed to have them released or deleted: the name of the only one, or how many they are."""
        return self.can[0].one.hostname if len(self.can) == 1 else str(len(self.can))


def read(sql: sa.Connection, bulk: Bulk | None, who: Actor, *, ids: Collection[str], which: Chosen | None) -> Picks:
    """The machines of these ids, or all that `which` asks for, as far as who looks may see them."""
    if which is not None:
        ids = machine_pages.system_ids(sql, machine_filters.wanted(sql, which, who), limit=MOST + 1)
    if not ids or len(ids) > MOST:
        return Picks(more=bool(ids))
    seen_by = None if who.is_admin else who.user_id
    found = machines.listing(sql, Filter(system_ids=tuple(ids), seen_by=seen_by))
    many = cases(sql, who, sorted(found, key=lambda one: one.hostname))
    if bulk is None:
        return Picks(can=tuple(many))
    told = [(case, bulk.refusal(case)) for case in many]
    return Picks(
        can=tuple(case for case, why in told if not why),
        refused=tuple((case, why) for case, why in told if why),
        choices=_choices(sql, bulk, many),
    )


def ticked(sql: sa.Connection, ids: Collection[str], bulk: Bulk, who: Actor) -> Picks:
    """The machines that were ticked. The calls themselves say what cannot be done with one by now."""
    found = read(sql, bulk, who, ids=ids, which=None)
    many = sorted([*found.can, *(case for case, _ in found.refused)], key=lambda case: case.one.hostname)
    return Picks(can=tuple(many), choices=found.choices)


def _choices(sql: sa.Connection, bulk: Bulk, many: list[Case]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if "pool" in bulk.fields:
        found["pool"] = tuple(one.name for one in pools.listing(sql))
    if "zone" in bulk.fields:
        found["zone"] = tuple(one.name for one in zones.listing(sql))
    if "tag" in bulk.fields:
        carried = {tag for case in many for tag in case.one.tags}
        known = (one.name for one in tags.listing(sql))
        found["tag"] = tuple(name for name in known if bulk.name == "tag" or name in carried)
    if "distro_series" in bulk.fields:
        found["distro_series"] = _images(sql, many)
    return found


def _images(sql: sa.Connection, many: list[Case]) -> tuple[str, ...]:
    """The names of the images that there are for any of these machines, the default one first."""
    here = {family(case.one.architecture) for case in many}
    fitting = [one for one in images.listing(sql) if one.complete and family(one.architecture) in here]
    default = configuration.default_image(sql, "")
    names = sorted({one.name for one in fitting})
    first = next((one.name for one in fitting if default and default in (one.name, one.series, one.title)), "")
    return tuple(sorted(names, key=lambda name: name != first))
