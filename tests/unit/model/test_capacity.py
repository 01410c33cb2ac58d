"""The arithmetic of overcommit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.host import StoragePool, Volume

GB = 10**9
RATIOS = st.decimals(min_value=0, max_value=10, places=3).map(float)
AMOUNTS = st.integers(min_value=0, max_value=2**50)


def figure(**values: object) -> Figure:
    given = {"resource": "cores", "unit": "cores", "physical": 10, "ratio": 1.0, "limit": 10}
    return Figure(**(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("physical", "ratio", "expected"),
    [
        pytest.param(8, 1.0, 8, id="O01: 8 cores, ratio 1"),
        pytest.param(8, 0.5, 4, id="O01: 8 cores, ratio 0.5"),
        pytest.param(32, 10.0, 320, id="O01: 32 cores, ratio 10"),
        pytest.param(128, 5.5, 704, id="O01: 128 GB, ratio 5.5"),
        pytest.param(45, 1.4, 63, id="45 × 1.4 is 63, not 62.999"),
        pytest.param(3, 1.1, 3, id="floored"),
        pytest.param(8, 0.0, 0, id="O03: ratio 0"),
        pytest.param(8, 10.0, 80, id="O03: ratio 10"),
        pytest.param(-4, 2.0, 0, id="less than nothing"),
    ],
)
def test_limits(physical: int, ratio: float, expected: int) -> None:
    assert capacity.limit(physical=physical, ratio=ratio) == expected


def test_O01_the_four_examples_as_figures() -> None:
    """The mission's own: 8×1 = 8 and 8×0.5 = 4 cores, 32×10 = 320 cores, 128 GB × 5.5 = 704 GB of memory."""
    for physical, ratio, expected in ((8, 1.0, 8), (8, 0.5, 4), (32, 10.0, 320)):
        one = capacity.cores(physical=physical, ratio=ratio, claimed=0, others=0)
        assert (one.limit, one.free) == (expected, expected)
        assert one.shortfall(expected) is None
        assert one.shortfall(expected + 1) is not None
    memory = capacity.memory(physical=128 * 1024, huge_pages=0, ratio=5.5, claimed=0, others=0)
    assert memory.limit == 704 * 1024


@given(physical=AMOUNTS, ratio=RATIOS)
def test_a_limit_is_exact_and_floored(physical: int, ratio: float) -> None:
    exact = Fraction(str(ratio)) * physical
    found = capacity.limit(physical=physical, ratio=ratio)
    assert found <= exact < found + 1


@given(limit=AMOUNTS, claimed=AMOUNTS, others=AMOUNTS, asked=AMOUNTS)
def test_it_fits_or_it_is_said_what_is_short(limit: int, claimed: int, others: int, asked: int) -> None:
    one = figure(limit=limit, claimed=claimed, others=others)
    assert one.free == max(0, limit - claimed - others)
    assert one.over == max(0, claimed + others - limit)
    assert (one.shortfall(asked) is None) == (asked == 0 or claimed + others + asked <= limit)


def test_O03_ratio_0_takes_no_more_and_leaves_what_is_there() -> None:
    one = capacity.cores(physical=8, ratio=0.0, claimed=3, others=1)
    assert (one.limit, one.free, one.over) == (0, 0, 4)
    short = one.shortfall(1)
    assert short is not None
    assert "free 0 cores (over by 4); limit 0 = 8 × overcommit ratio 0" in short.text


def test_O07_a_shortfall_names_resource_ratio_free_and_asked() -> None:
    short = capacity.memory(physical=4096, huge_pages=1024, ratio=1.5, claimed=2000, others=600).shortfall(2500)
    assert short is not None
    assert short.text == (
        "memory: asked 2500 MiB, free 2008 MiB; limit 4608 = 3072 × overcommit ratio 1.5, 2000 held by machines, "
        "600 by others"
    )


def test_huge_pages_are_set_aside_and_never_overcommitted() -> None:
    """R14's arithmetic: 32 of 64 GiB set aside, 8 used."""
    gib = 1024
    general = capacity.memory(physical=64 * gib, huge_pages=32 * gib, ratio=1.0, claimed=0, others=0)
    paged = capacity.huge_pages(total=32 * gib, claimed=0, others=8 * gib)
    assert general.limit == 32 * gib
    assert (paged.limit, paged.free, paged.ratio) == (32 * gib, 24 * gib, 1.0)
    assert capacity.memory(physical=1, huge_pages=2, ratio=5.0, claimed=0, others=0).limit == 0


def storage(**values: object) -> Figure:
    given: dict[str, object] = {
        "name": "fast",
        "total": 100 * GB,
        "ratio": 1.0,
        "written": 0,
        "foreign": 0,
        "claimed": 0,
        "others": 0,
    }
    return capacity.storage(**(given | values))  # type: ignore[arg-type]


def test_O08_a_thin_pool_counts_what_was_promised_not_what_was_written() -> None:
    """100 GB, five stopped VMs of 30 GB each that wrote 1 GB in all: the sixth is refused."""
    pool = storage(claimed=150 * GB, written=1 * GB)
    assert (pool.used, pool.free, pool.over) == (150 * GB, 0, 50 * GB)
    assert pool.shortfall(30 * GB) is not None
    thin = storage(claimed=150 * GB, written=1 * GB, ratio=2.0)
    assert (thin.limit, thin.free) == (200 * GB, 50 * GB)
    assert thin.shortfall(30 * GB) is None


def test_O10_where_nothing_written_is_told_allocated_sizes_decide() -> None:
    assert storage(claimed=10 * GB, others=10 * GB, written=0).free == 80 * GB


@given(total=AMOUNTS, ratio=RATIOS, written=AMOUNTS, foreign=AMOUNTS, claimed=AMOUNTS, others=AMOUNTS)
def test_available_storage(total: int, ratio: float, written: int, foreign: int, claimed: int, others: int) -> None:
    """available = total × ratio − max(written, allocated + foreign), never below 0; the parts add up."""
    one = storage(total=total, ratio=ratio, written=written, foreign=foreign, claimed=claimed, others=others)
    promised = max(written, claimed + others + foreign)
    exact = Fraction(str(ratio)) * total
    assert one.free == max(0, exact.numerator // exact.denominator - promised)
    assert one.claimed + one.others == one.used == promised
    assert one.claimed == claimed


def test_foreign_is_what_no_known_volume_wrote() -> None:
    volumes = (
        Volume(name="a", kind="virtual-machine", size=10 * GB, written=2 * GB),
        Volume(name="b", kind="custom", size=5 * GB, written=None),
        Volume(name="c", kind="custom", size=None, written=None),
    )
    pool = StoragePool(name="p", driver="zfs", total=100 * GB, written=20 * GB, volumes=volumes)
    assert capacity.foreign(pool) == 13 * GB  # b counts as written in full
    shared = StoragePool(name="p", driver="dir", total=100 * GB, written=20 * GB, volumes=volumes)
    assert capacity.foreign(shared) == 18 * GB  # on a shared file system it could hide other people's data
    little = StoragePool(name="p", driver="zfs", total=100 * GB, written=1 * GB, volumes=volumes)
    assert capacity.foreign(little) == 0
    assert capacity.foreign(StoragePool(name="p", driver="lvm", volumes=volumes)) == 0


def test_the_total_of_limits() -> None:
    assert capacity.total([figure(limit=3), figure(limit=4)]) == 7


@given(physical=AMOUNTS, ratio=RATIOS, other=RATIOS, claimed=AMOUNTS, others=AMOUNTS)
def test_another_ratio_is_what_it_would_be_after_saving(
    physical: int, ratio: float, other: float, claimed: int, others: int
) -> None:
    def at(one: float) -> Figure:
        return capacity.cores(physical=physical, ratio=one, claimed=claimed, others=others)

    assert capacity.at_ratio(at(ratio), other) == at(other)


@pytest.mark.parametrize(
    ("limit", "others", "held", "over"),
    [
        pytest.param(10, 0, (4, 4, 2), (), id="exactly full"),
        pytest.param(9, 0, (4, 4, 2), (2,), id="the newest is over"),
        pytest.param(10, 3, (4, 4, 2), (1, 2), id="other use comes first"),
        pytest.param(7, 0, (4, 0, 4, 0), (2,), id="who holds nothing is never over"),
        pytest.param(0, 0, (4, 4), (0, 1), id="ratio 0"),
        pytest.param(10, 12, (0, 1), (1,), id="others alone are over"),
        pytest.param(10, 0, (), (), id="nobody"),
    ],
)
def test_whose_share_is_beyond_the_limit(limit: int, others: int, held: tuple[int, ...], over: tuple[int, ...]) -> None:
    one = figure(limit=limit, claimed=sum(held), others=others)
    assert capacity.beyond(one, held) == over


@given(limit=st.integers(0, 100), others=st.integers(0, 100), held=st.lists(st.integers(0, 50), max_size=12))
def test_somebody_is_beyond_the_limit_exactly_when_machines_are(limit: int, others: int, held: list[int]) -> None:
    one = figure(limit=limit, claimed=sum(held), others=others)
    found = capacity.beyond(one, held)
    assert bool(found) == (one.over > 0 and sum(held) > 0)
    kept = sum(amount for position, amount in enumerate(held) if position not in found)
    assert not kept or kept + others <= limit  # the others fit
