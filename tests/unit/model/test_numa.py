"""Figures by NUMA node: whatever is on a host, the parts add up to the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model import capacity, numa
from innkeeper.model.capacity import MIB, Figure
from innkeeper.model.host import HugePages, NumaNode, Thread
from innkeeper.model.numa import Holding, Use

GIB = 1024


def node(id: int, threads: range, memory: int = 8 * GIB, huge: int = 0, *, offline: int = -1) -> NumaNode:
    pages = (HugePages(page_size=2 * MIB, total=huge * MIB),) if huge else ()
    return NumaNode(
        id=id,
        threads=tuple(Thread(id=one, core=one, online=one != offline) for one in threads),
        memory=memory * MIB,
        huge_pages=pages,
    )


def held(cores: int = 1, *pinned: int, memory: int = GIB, huge: bool = False, ours: bool = True) -> Holding:
    return Holding(cores=cores, pinned=pinned, memory=memory, huge_pages=huge, ours=ours)


def whole(
    nodes: list[NumaNode], holdings: list[Holding], *, cpu: float = 1.0, ram: float = 1.0
) -> tuple[Figure, Figure, Figure]:
    """The figures of the host, as the store counts them."""

    def of(ours: bool, what: str, huge: bool | None = None) -> int:
        return sum(
            getattr(one, what) for one in holdings if one.ours == ours and (huge is None or one.huge_pages == huge)
        )

    memory = sum(one.memory for one in nodes) // MIB
    huge = sum(pages.total for one in nodes for pages in one.huge_pages) // MIB
    physical = sum(thread.online for one in nodes for thread in one.threads)
    return (
        capacity.cores(physical=physical, ratio=cpu, claimed=of(True, "cores"), others=of(False, "cores")),
        capacity.memory(
            physical=memory,
            huge_pages=huge,
            ratio=ram,
            claimed=of(True, "memory", False),
            others=of(False, "memory", False),
        ),
        capacity.huge_pages(total=huge, claimed=of(True, "memory", True), others=of(False, "memory", True)),
    )


def parts(nodes: list[NumaNode], holdings: list[Holding], **ratios: float) -> tuple[numa.NodeFigures, ...]:
    cores, memory, huge = whole(nodes, holdings, **ratios)
    return numa.by_node(nodes, cores=cores, memory=memory, huge_pages=huge, holdings=holdings)


def test_what_is_pinned_counts_where_its_cores_are() -> None:
    nodes = [node(0, range(4)), node(16, range(4, 8))]
    first, second = parts(nodes, [held(2, 4, 5, memory=3 * GIB)])
    assert (first.node.id, second.node.id) == (0, 16)
    assert first.cores is not None
    assert second.cores is not None
    assert (first.cores.claimed, first.cores.free) == (0, 4)
    assert (second.cores.claimed, second.cores.free, second.pinned) == (2, 2, 2)
    assert first.memory is not None
    assert second.memory is not None
    assert (first.memory.claimed, second.memory.claimed) == (0, 3 * GIB)


def test_what_is_pinned_to_two_nodes_has_its_memory_on_both() -> None:
    nodes = [node(0, range(4)), node(1, range(4, 8))]
    first, second = parts(nodes, [held(3, 0, 1, 4, memory=3 * GIB)])
    assert first.memory is not None
    assert second.memory is not None
    assert (first.memory.claimed, second.memory.claimed) == (2 * GIB, GIB)


def test_what_is_not_pinned_is_shared_out_by_the_room_that_is_left() -> None:
    nodes = [node(0, range(8)), node(1, range(8, 16))]
    first, second = parts(nodes, [held(4, 0, 1, 2, 3), held(6), held(3, ours=False)])
    assert first.cores is not None
    assert second.cores is not None
    assert (first.pinned, first.shared, first.cores.free) == (4, 3, 1)
    assert (second.pinned, second.shared, second.cores.free) == (0, 6, 2)
    assert first.cores.claimed + second.cores.claimed == 10
    assert first.cores.others + second.cores.others == 3


def test_a_limit_is_shared_out_exactly() -> None:
    nodes = [node(0, range(22)), node(1, range(22, 45))]
    first, second = parts(nodes, [], cpu=1.4)
    assert first.cores is not None
    assert second.cores is not None
    assert (first.cores.limit, second.cores.limit) == (31, 32)  # of 63: 30.8 and 32.2


def test_a_node_is_over_only_when_none_has_room() -> None:
    nodes = [node(0, range(4)), node(1, range(4, 8))]
    lent = parts(nodes, [held(4, 0, 1, 2, 3)], cpu=0.5)
    assert [one.cores and (one.cores.limit, one.cores.free, one.cores.over) for one in lent] == [(4, 0, 0), (0, 0, 0)]
    twice = parts(nodes, [held(4, 0, 1, 2, 3), held(4, 0, 1, 2, 3, ours=False)])
    assert [one.cores and one.cores.over for one in twice] == [0, 0]


def test_a_node_without_memory_or_without_cores() -> None:
    nodes = [node(0, range(4), memory=0), node(1, range(0), memory=8 * GIB)]
    first, second = parts(nodes, [held(2, 0, 1, memory=2 * GIB)])
    assert first.memory is not None
    assert second.memory is not None
    assert second.cores is not None
    assert (first.memory.claimed, second.memory.claimed) == (0, 2 * GIB)
    assert (second.cores.physical, second.cores.limit, second.cores.claimed) == (0, 0, 0)


def test_huge_pages_are_on_their_nodes() -> None:
    nodes = [node(0, range(4), huge=2 * GIB), node(1, range(4, 8), huge=GIB)]
    first, second = parts(nodes, [held(1, 4, memory=GIB, huge=True)])
    assert (first.huge_pages.limit, first.huge_pages.claimed) == (2 * GIB, 0)
    assert (second.huge_pages.limit, second.huge_pages.claimed, second.huge_pages.free) == (GIB, GIB, 0)
    assert numa.pages(nodes) == {2 * MIB: (3 * GIB * MIB, 0)}


def test_a_host_that_has_not_told_its_nodes_has_no_parts() -> None:
    assert parts([], [held(2)]) == ()


def test_the_cores_of_a_node() -> None:
    nodes = [node(0, range(6), offline=5)]
    holdings = [held(2, 0, 1), held(2, 1, ours=False), held(1)]
    (part,) = parts(nodes, holdings)
    found = numa.cores_of(part, holdings)
    assert [(one.use, one.holders) for one in found] == [
        (Use.PINNED, (0,)),
        (Use.PINNED, (0, 1)),
        (Use.SHARED, ()),  # the second instance's other core, and the third's
        (Use.SHARED, ()),
        (Use.FREE, ()),
        (Use.OFFLINE, ()),
    ]


@pytest.mark.parametrize(("amount", "weights"), [(10, [1, 1, 1]), (0, [3, 4]), (7, [0, 0]), (5, [0, 9]), (-3, [1, 2])])
def test_an_amount_is_shared_out_whole(amount: int, weights: list[int]) -> None:
    assert sum(numa.apportion(amount, weights)) == amount


@st.composite
def hosts(draw: st.DrawFn) -> tuple[list[NumaNode], list[Holding]]:
    nodes, at = [], 0
    for id in range(draw(st.integers(1, 5))):
        count = draw(st.integers(0, 6))
        nodes.append(
            node(
                id * 3,
                range(at, at + count),
                memory=draw(st.integers(0, 5000)),
                huge=draw(st.sampled_from([0, 0, 64, 1000])),
                offline=draw(st.integers(-1, at + count)),
            )
        )
        at += count
    each = st.builds(
        Holding,
        cores=st.integers(4, 9),
        pinned=st.lists(st.integers(0, at + 1), max_size=4, unique=True).map(tuple),
        memory=st.integers(1, 4000),
        huge_pages=st.booleans(),
        ours=st.booleans(),
    )
    return nodes, draw(st.lists(each, max_size=8))


RATIOS = st.decimals(min_value=0, max_value=10, places=2).map(float)


@given(host=hosts(), cpu=RATIOS, ram=RATIOS)
def test_the_parts_add_up_to_the_whole(host: tuple[list[NumaNode], list[Holding]], cpu: float, ram: float) -> None:
    nodes, holdings = host
    figures = whole(nodes, holdings, cpu=cpu, ram=ram)
    found = numa.by_node(nodes, cores=figures[0], memory=figures[1], huge_pages=figures[2], holdings=holdings)
    for figure, name in zip(figures, ("cores", "memory", "huge_pages"), strict=True):
        each = [getattr(one, name) for one in found]
        for what in ("physical", "limit", "claimed", "others", "used", "free", "over"):
            assert sum(getattr(one, what) for one in each) == getattr(figure, what), (name, what)
        assert all(one.claimed >= 0 and one.others >= 0 and one.limit >= 0 for one in each)
