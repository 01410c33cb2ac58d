"""A fleet and a wish: the host that a machine is made on, and a verdict for every host. Pure.

The policy is to spread by headroom: of the hosts that can hold the machine the one is taken that keeps the largest
part of its scarcest resource free (docs/reference/placement.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from innkeeper.model.allocation import Wish
from innkeeper.model.capacity import Figure
from innkeeper.model.request import Request
from innkeeper.placement.fit import Candidate, Fit, Reason, fit
from innkeeper.placement.matching import offers

POLICY = "spread by headroom"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A host as the fleet's decision sees it. `away`: why it cannot be used now, in words; "" : it can."""

    candidate: Candidate
    kind: str
    zone_id: int
    pool_id: int
    zone: str = ""
    pool: str = ""
    tags: tuple[str, ...] = ()
    away: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be said of one host: it fits, with a score (the more the better), or reasons against it."""

    host_id: int
    host: str
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()
    fit: Fit | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict for every host, in the fleet's order, and the best of those that fit."""

    verdicts: tuple[Verdict, ...] = ()
    best: Verdict | None = None

    @property
    def failed(self) -> dict[str, int]:
        """On how many hosts each constraint failed, most first."""
        counted = Counter(about for one in self.verdicts for about in {reason.about for reason in one.reasons})
        return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))

    def against_all(self, reason: Reason) -> Decision:
        """The same, where this stands against every host that would fit."""
        verdicts = [
            one if one.fit is None else replace(one, score=0.0, fit=None, reasons=(reason,)) for one in self.verdicts
        ]
        return Decision(verdicts=tuple(verdicts))


def decide(
    fleet: Sequence[Standing],
    wish: Wish,
    *,
    waiting: Mapping[int, int] | None = None,
    without: Mapping[int, str] | None = None,
    request: Request | None = None,
) -> Decision:
    """The best host for a wish, with a verdict for every host.

    `waiting`: how many machines like it are just being claimed, by host; `without`: hosts that are out of the
    question, and why; `request`: the machine, where it is known better than the wish says.
    """
    request, verdicts = request or wish.request, []
    pools = frozenset().union(*(one.candidate.pools for one in fleet))
    named = [tags for disk in request.disks if disk.tags and (tags := pools.intersection(disk.tags))]
    for one in fleet:
        id = one.candidate.host_id
        if why := (without or {}).get(id):
            reasons = (Reason("conflict", why, "host"),)
            verdicts.append(Verdict(host_id=id, host=one.candidate.name, reasons=reasons))
        else:
            verdicts.append(verdict(one, wish, request, waiting=(waiting or {}).get(id, 0), named=named))
    fitting = [one for one in verdicts if one.fit is not None]
    best = max(fitting, key=lambda one: (one.score, -one.host_id), default=None)
    return Decision(verdicts=tuple(verdicts), best=best)


def verdict(
    one: Standing, wish: Wish, request: Request, *, waiting: int = 0, named: Sequence[frozenset[str]] = ()
) -> Verdict:
    """What is to be said of one host. What is no matter of room comes first: there is nothing to measure then.

    `named`: of each disk the tags that are names of storage pools which the fleet knows: they mean those pools.
    """
    candidate = one.candidate
    reasons = _outside(one, wish) or _without_pool(candidate, named)
    if reasons:
        return Verdict(host_id=candidate.host_id, host=candidate.name, reasons=reasons)
    found = fit(candidate, _for_host(candidate, wish, request))
    if not isinstance(found, Fit):
        return Verdict(host_id=candidate.host_id, host=candidate.name, reasons=found.reasons)
    score = headroom(candidate, found, machines=1 + waiting)
    return Verdict(host_id=candidate.host_id, host=candidate.name, score=round(score, 6), fit=found)


def headroom(candidate: Candidate, found: Fit, *, machines: int = 1) -> float:
    """What part of its scarcest resource a host has left with that many machines more; below 0: not enough."""
    asked: list[tuple[Figure | None, int]] = [(candidate.cores, found.cores)]
    asked.append((candidate.huge_pages if found.huge_pages else candidate.memory, found.memory))
    pools = candidate.figures
    sizes: Counter[str] = Counter()
    for disk in found.disks:
        sizes[disk.pool] += disk.size
    asked += [(pools[name], size) for name, size in sizes.items()]
    return min((f.limit - f.used - size * machines) / f.limit if f.limit else 0.0 for f, size in asked if f is not None)


def _outside(one: Standing, wish: Wish) -> tuple[Reason, ...]:
    """What stands against a host itself, whatever room it has."""
    name, found = one.candidate.name, []
    if one.away:
        found.append(Reason("conflict", one.away, "state"))
    if wish.zone_ids and one.zone_id not in wish.zone_ids:
        found.append(Reason("mismatch", f"it is in the zone {one.zone}", "zone"))
    if one.zone_id in wish.not_zone_ids:
        found.append(Reason("mismatch", f"it is in the zone {one.zone}", "not_in_zone"))
    if wish.pool_ids and one.pool_id not in wish.pool_ids:
        found.append(Reason("mismatch", f"it is in the pool {one.pool}", "pool"))
    if one.pool_id in wish.not_pool_ids:
        found.append(Reason("mismatch", f"it is in the pool {one.pool}", "not_in_pool"))
    if wish.pods and name not in wish.pods:
        found.append(Reason("mismatch", f"it is {name}", "pod"))
    if name in wish.not_pods:
        found.append(Reason("mismatch", f"it is {name}", "not_pod"))
    if wish.pod_types and one.kind not in wish.pod_types:
        found.append(Reason("mismatch", f"it is of the type {one.kind}", "pod_type"))
    if one.kind in wish.not_pod_types:
        found.append(Reason("mismatch", f"it is of the type {one.kind}", "not_pod_type"))
    if wish.not_tags and not set(wish.not_tags).isdisjoint(one.tags):
        found.append(Reason("mismatch", f"it has the tags {', '.join(one.tags)}", "not_tags"))
    return tuple(found)


def _without_pool(candidate: Candidate, named: Sequence[frozenset[str]]) -> tuple[Reason, ...]:
    """Storage pools that are asked for, and that only other hosts have."""
    lacking = [" or ".join(sorted(tags)) for tags in named if tags.isdisjoint(candidate.pools)]
    return tuple(Reason("mismatch", f"it has no storage pool {name}", "storage") for name in dict.fromkeys(lacking))


def _for_host(candidate: Candidate, wish: Wish, request: Request) -> Request:
    """Of several architectures that would do, the first that the host offers."""
    if len(wish.architectures) < 2:
        return request
    offered = candidate.inventory.architectures
    found = [one for one in wish.architectures if any(offers(each, one) for each in offered)]
    return replace(request, architecture=(found or wish.architectures)[0])
