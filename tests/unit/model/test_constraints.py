"""The grammar of storage=. Names begin with the id of the case that was seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model import constraints
from innkeeper.model.constraints import GB, DiskRequest

Disks = list[tuple[str, float, tuple[str, ...]]]


@pytest.mark.parametrize(
    ("text", "disks"),
    [
        ("20", [("", 20, ())]),
        (
            "root:48,data1:16,data2:16,data3:16",
            [("root", 48, ()), ("data1", 16, ()), ("data2", 16, ()), ("data3", 16, ())],
        ),
        ("sda:30,sdb:80", [("sda", 30, ()), ("sdb", 80, ())]),
        ("1:40(default)", [("1", 40, ("default",))]),
        ("main:16(pool1)", [("main", 16, ("pool1",))]),
        ("disk0:15(pool)", [("disk0", 15, ("pool",))]),
        ("root:8(fast,ssd), data:4", [("root", 8, ("fast", "ssd")), ("data", 4, ())]),
    ],
)
def test_S01_what_people_send(text: str, disks: Disks) -> None:
    """The first is the root disk; sizes are decimal GB; tags in parentheses, in their order."""
    found = constraints.storage(text)
    assert found == tuple(DiskRequest(label=label, size=int(size * GB), tags=tags) for label, size, tags in disks)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("0:8()", "0:8()"),
        ("20GB", "20GB"),
        ("20G", "20G"),
        ("root:8,,data:4", ""),
        ("root:8,", ""),
        ("root:8(a", "root:8(a"),
        ("root:8)a(", "root:8)a("),
        ("root:8(a,,b)", "root:8(a,,b)"),
        ("root:", "root:"),
        (":8", ":8"),
        ("root:8.", "root:8."),
        ("root:-8", "root:-8"),
        ("root:1e3", "root:1e3"),
        ("root:0", "root:0"),
        ("root:0.0000000001", "root:0.0000000001"),
        ("ro ot:8", "ro ot:8"),
    ],
)
def test_S02_a_bad_piece_is_named(text: str, piece: str) -> None:
    with pytest.raises(Invalid) as refused:
        constraints.storage(text)
    (message,) = refused.value.fields["storage"]
    assert repr(piece) in message


def test_nothing_is_no_disk() -> None:
    for text in ("", "  "):
        with pytest.raises(Invalid, match="it is empty"):
            constraints.storage(text)


def test_S06_fractions_are_exact() -> None:
    assert constraints.storage("root:7.5")[0].size == 7_500_000_000
    assert constraints.storage("root:0.1")[0].size == 100_000_000


def test_S07_labels_may_hold_hyphens_and_underscores() -> None:
    labels = [disk.label for disk in constraints.storage("longhorn-disk:20,disk_1:20")]
    assert labels == ["longhorn-disk", "disk_1"]


def test_a_size_beyond_all_disks() -> None:
    for digits in (11, 400, 5000):
        with pytest.raises(Invalid, match="more than any disk's"):
            constraints.storage("root:" + "9" * digits)


LABELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
TAGS = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,8}[a-z]", fullmatch=True), max_size=3).map(tuple)
SIZES = st.integers(min_value=1, max_value=10**16)
DISKS = st.builds(DiskRequest, label=st.just("") | LABELS, size=SIZES, tags=TAGS)


def printed(disk: DiskRequest) -> str:
    label = f"{disk.label}:" if disk.label else ""
    tags = f"({', '.join(disk.tags)})" if disk.tags else ""
    return f"{label}{disk.size // GB}.{disk.size % GB:09d}{tags}"


@given(disks=st.lists(DISKS, min_size=1, max_size=6))
def test_what_is_printed_is_read_back(disks: list[DiskRequest]) -> None:
    assert constraints.storage(", ".join(map(printed, disks))) == tuple(disks)


@given(text=st.text(alphabet="a1:,();=. -_[]\n²٣", max_size=30))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    assert _outcome(text)


def _outcome(text: str) -> object:
    """What was read, or the words of the refusal."""
    try:
        return constraints.storage(text)
    except Invalid as refused:
        return refused.fields["storage"]
