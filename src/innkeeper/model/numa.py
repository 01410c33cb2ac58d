"""A host's figures by NUMA node: parts that add up to the whole exactly, claimed, others, free and over.

What is pinned is counted where its cores are, and its memory with them. What is not pinned runs on any node: each
node has its share of that, in proportion to the room that is left there. A limit is shared out by what each node has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from innkeeper.model.capacity import Figure
from innkeeper.model.host import NumaNode, Thread


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What one instance holds of a host: memory in MiB; `cores` counts the pinned ones too. `ours`: a machine's."""

    cores: int
    pinned: tuple[int, ...]
    memory: int
    huge_pages: bool
    ours: bool


@dataclass(frozen=True, kw_only=True)
class NodeFigures:
    """A NUMA node's parts of the figures of its host. None: not known yet.

    `pinned`: cores that are pinned here; the rest of `cores.used` is this node's share of those that are not.
    """

    node: NumaNode
    cores: Figure | None
    memory: Figure | None
    huge_pages: Figure
    pinned: int

    @property
    def shared(self) -> int:
        """Its share of the cores that are pinned nowhere."""
        return self.cores.used - self.pinned if self.cores else 0


class Use(StrEnum):
    """What a core is to the instances on its host."""

    PINNED = "pinned"
    SHARED = "shared"  # as many as are promised to what is not pinned: that runs on any core
    FREE = "free"
    OFFLINE = "offline"


@dataclass(frozen=True, kw_only=True)
class Core:
    """A core with its use. `holders`: positions of the holdings that are pinned to it."""

    thread: Thread
    use: Use
    holders: tuple[int, ...] = ()


def by_node(
    nodes: Sequence[NumaNode],
    *,
    cores: Figure | None,
    memory: Figure | None,
    huge_pages: Figure,
    holdings: Iterable[Holding],
) -> tuple[NodeFigures, ...]:
    """The figures of a host by NUMA node, in the host's own order."""
    home = {thread.id: at for at, node in enumerate(nodes) for thread in node.threads}
    has_cores = [sum(thread.online for thread in node.threads) for node in nodes]
    paged = [sum(pages.total for pages in node.huge_pages) for node in nodes]
    general = [max(node.memory - huge, 0) for node, huge in zip(nodes, paged, strict=True)]
    held: dict[str, dict[bool, list[int]]] = defaultdict(lambda: {True: [0] * len(nodes), False: [0] * len(nodes)})
    for one in holdings:
        pins = Counter(home[id] for id in one.pinned if id in home)
        on = [pins[at] for at in range(len(nodes))]
        _add(held["cores"][one.ours], on)
        kind, there = ("huge pages", paged) if one.huge_pages else ("memory", general)
        backed = [count if has else 0 for count, has in zip(on, there, strict=True)]
        if any(backed):
            _add(held[kind][one.ours], apportion(one.memory, backed))
    core_parts = _spread(cores, has_cores, held["cores"])
    memory_parts = _spread(memory, general, held["memory"])
    paged_parts = _spread(huge_pages, paged, held["huge pages"])
    return tuple(
        NodeFigures(
            node=node,
            cores=core_parts[at] if core_parts else None,
            memory=memory_parts[at] if memory_parts else None,
            huge_pages=paged_parts[at],
            pinned=held["cores"][True][at] + held["cores"][False][at],
        )
        for at, node in enumerate(nodes)
    )


def cores_of(part: NodeFigures, holdings: Sequence[Holding]) -> tuple[Core, ...]:
    """The cores of a node. The lowest that nobody is pinned to stand for its share of what is not pinned."""
    holders: dict[int, list[int]] = defaultdict(list)
    for at, one in enumerate(holdings):
        for id in dict.fromkeys(one.pinned):
            holders[id].append(at)
    shared = part.shared
    found = []
    for thread in part.node.threads:
        use = Use.FREE
        if thread.id in holders:
            use = Use.PINNED
        elif not thread.online:
            use = Use.OFFLINE
        elif shared > 0:
            use, shared = Use.SHARED, shared - 1
        found.append(Core(thread=thread, use=use, holders=tuple(holders[thread.id])))
    return tuple(found)


def pages(nodes: Iterable[NumaNode]) -> dict[int, tuple[int, int]]:
    """Huge pages by page size: (how much there is, how much the host says is in use); all in bytes."""
    found: dict[int, tuple[int, int]] = {}
    for one in (pages for node in nodes for pages in node.huge_pages):
        total, used = found.get(one.page_size, (0, 0))
        found[one.page_size] = (total + one.total, used + one.used)
    return dict(sorted(found.items()))


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """Whole parts of an amount in proportion to weights, whose sum is the amount. A weight of 0 gets nothing, unless
    all are 0. No part is above its weight when the amount is not above their sum."""
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    rests = [amount * weight % whole for weight in weights]
    for at in sorted(range(len(parts)), key=lambda at: -rests[at])[: amount - sum(parts)]:
        parts[at] += 1
    return parts


def _spread(figure: Figure | None, has: Sequence[int], bound: Mapping[bool, Sequence[int]]) -> list[Figure]:
    """A figure's parts. `has`: what each node has of it, in any unit; `bound`: what is held there, ours or not."""
    if figure is None or not has:
        return []
    physical = apportion(figure.physical, has)
    held = [ours + others for ours, others in zip(bound[True], bound[False], strict=True)]
    limits = _lend(apportion(figure.limit, has), held)
    shares = _float(figure.used - sum(held), limits, held, physical)
    mine = apportion(figure.claimed - sum(bound[True]), shares)
    return [
        Figure(
            resource=figure.resource,
            unit=figure.unit,
            physical=physical[at],
            ratio=figure.ratio,
            limit=limits[at],
            claimed=bound[True][at] + mine[at],
            others=bound[False][at] + shares[at] - mine[at],
        )
        for at in range(len(has))
    ]


def _lend(limits: Sequence[int], held: Sequence[int]) -> list[int]:
    """Limits with the same sum: one node is over only when none has room (cores pinned twice, a ratio below 1)."""
    room = [max(limit - one, 0) for limit, one in zip(limits, held, strict=True)]
    need = [max(one - limit, 0) for limit, one in zip(limits, held, strict=True)]
    moved = min(sum(room), sum(need))
    given, taken = apportion(moved, room), apportion(moved, need)
    return [limit - away + more for limit, away, more in zip(limits, given, taken, strict=True)]


def _float(amount: int, limits: Sequence[int], held: Sequence[int], physical: Sequence[int]) -> list[int]:
    """What runs on any node, shared out by the room that each has; what finds none, by what each node has."""
    room = [max(limit - one, 0) for limit, one in zip(limits, held, strict=True)]
    if amount <= sum(room):
        return apportion(amount, room)
    return [a + b for a, b in zip(room, apportion(amount - sum(room), physical), strict=True)]


def _add(to: list[int], more: Sequence[int]) -> None:
    for at, one in enumerate(more):
        to[at] += one
