"""The arithmetic of overcommit: what a host may promise, what is promised, what is free. The only place that counts.

limit = (physical − set aside for huge pages) × ratio, in exact decimals, floored: 45 × 1.4 is 63, not 62.999….
Units: cores in hardware threads, memory in MiB, storage and huge pages in bytes. Ratio 0 means "no more".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from innkeeper.model.host import StoragePool, Volume

MIB = 1024 * 1024
RATIO_MAX = 10.0

# Pools whose file system holds other people's data too: what their volumes have written cannot be told apart.
SHARING_DRIVERS = frozenset({"dir"})


def limit(*, physical: int, ratio: float) -> int:
    """How much may be promised of `physical` at this ratio: exact, floored. A negative amount counts as none."""
    exact = Decimal(max(physical, 0)) * Decimal(str(ratio))
    return int(exact.to_integral_value(rounding=ROUND_FLOOR))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One resource of a host: what it has, may promise and has promised, in the resource's own unit.

    `claimed` is held by machines we manage, `others` by everything else on the host.
    """

    resource: str
    unit: str
    physical: int
    ratio: float
    limit: int
    claimed: int = 0
    others: int = 0

    @property
    def used(self) -> int:
        return self.claimed + self.others

    @property
    def free(self) -> int:
        """What may still be promised, never below 0."""
        return max(self.limit - self.used, 0)

    @property
    def over(self) -> int:
        """By how much the promises pass the limit (things moved outside, or the ratio went down)."""
        return max(self.used - self.limit, 0)

    def shortfall(self, asked: int) -> Shortfall | None:
        """None when `asked` more fits (exactly full is allowed), else what is missing."""
        if asked <= 0 or self.used + asked <= self.limit:
            return None
        return Shortfall(figure=self, asked=asked)


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """A request for `asked` of a resource that its figure cannot give."""

    figure: Figure
    asked: int

    @property
    def text(self) -> str:
        """For people: names resource, ratio, what is free and what was asked."""
        f = self.figure
        over = f" (over by {f.over})" if f.over else ""
        return (
            f"{f.resource}: asked {self.asked} {f.unit}, free {f.free} {f.unit}{over}; limit {f.limit} "
            f"= {f.physical} × overcommit ratio {f.ratio:g}, {f.claimed} held by machines, {f.others} by others"
        )


def cores(*, physical: int, ratio: float, claimed: int, others: int) -> Figure:
    """The figure of a host's cores. A pinned core is charged as one, like any other."""
    top = limit(physical=physical, ratio=ratio)
    return Figure(
        resource="cores", unit="cores", physical=physical, ratio=ratio, limit=top, claimed=claimed, others=others
    )


def memory(*, physical: int, huge_pages: int, ratio: float, claimed: int, others: int) -> Figure:
    """The figure of general memory, MiB; `huge_pages` MiB are set aside and never overcommitted."""
    general = max(physical - huge_pages, 0)
    top = limit(physical=general, ratio=ratio)
    return Figure(
        resource="memory", unit="MiB", physical=general, ratio=ratio, limit=top, claimed=claimed, others=others
    )


def huge_pages(*, total: int, claimed: int, others: int) -> Figure:
    """The figure of memory in huge pages, MiB. Never overcommitted: its ratio is always 1."""
    return Figure(
        resource="huge pages", unit="MiB", physical=total, ratio=1.0, limit=total, claimed=claimed, others=others
    )


def foreign(pool: StoragePool) -> int:
    """Bytes written to a pool that no known volume has written.

    A volume whose pool cannot tell what it has written counts as written in full, except on a shared file
    system (`dir`), where that could hide other people's data: there it counts as not written at all, which
    errs towards promising too little.
    """
    unknown_in_full = pool.driver not in SHARING_DRIVERS
    known = sum(_written(volume, in_full=unknown_in_full) for volume in pool.volumes)
    return max((pool.written or 0) - known, 0)


def _written(volume: Volume, *, in_full: bool) -> int:
    if volume.written is not None:
        return volume.written
    return (volume.size or 0) if in_full else 0


def storage(*, name: str, total: int, ratio: float, written: int, foreign: int, claimed: int, others: int) -> Figure:
    """The figure of a storage pool, bytes: promised = max(written, allocated + foreign), allocated = claimed + others.

    What is not machines' own allocation appears as `others`, so that the figure's parts add up.
    """
    promised = max(written, claimed + others + foreign)
    return Figure(
        resource=f"storage pool {name}",
        unit="bytes",
        physical=total,
        ratio=ratio,
        limit=limit(physical=total, ratio=ratio),
        claimed=claimed,
        others=promised - claimed,
    )


def virtual_functions(*, name: str, total: int, claimed: int, running: int, bound: int) -> Figure:
    """The figure of a port's virtual functions, never overcommitted. `claimed`: by machines, of which `running` have
    theirs; `bound`: those that the host says are with guests."""
    return Figure(
        resource=f"virtual functions of {name}",
        unit="VFs",
        physical=total,
        ratio=1.0,
        limit=total,
        claimed=claimed,
        others=max(bound - running, 0),
    )


def at_ratio(figure: Figure, ratio: float) -> Figure:
    """The same resource with the same promises, at another overcommit ratio."""
    return replace(figure, ratio=ratio, limit=limit(physical=figure.physical, ratio=ratio))


def beyond(figure: Figure, held: Sequence[int]) -> tuple[int, ...]:
    """Whose share passes the limit: positions in `held`, which is what machines hold of it, the oldest first.

    Other use comes first, then one machine after the other: the oldest keep their place, the newest are over.
    """
    room, over = figure.limit - figure.others, []
    for position, amount in enumerate(held):
        room -= amount
        if amount > 0 > room:
            over.append(position)
    return tuple(over)


def together(figures: Iterable[Figure], *, resource: str) -> Figure | None:
    """Figures of one kind as one, which has no ratio of its own; None for none."""
    many = list(figures)
    if not many:
        return None
    return Figure(
        resource=resource,
        unit=many[0].unit,
        physical=sum(one.physical for one in many),
        ratio=1.0,
        limit=total(many),
        claimed=sum(one.claimed for one in many),
        others=sum(one.others for one in many),
    )


def total(figures: Iterable[Figure]) -> int:
    """The sum of the limits of figures of one resource."""
    return sum(figure.limit for figure in figures)
