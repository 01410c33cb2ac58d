"""The compose form as an address, and what the API is sent for it: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model import constraints, interface_constraints
from innkeeper.web.compose_cores import cores_of
from innkeeper.web.compose_form import Disk, Filled, Nic, read
from innkeeper.web.formats import ranges

SIZES = st.decimals(1, 9999, places=2).map(lambda one: f"{one.normalize():f}")
WORDS = st.text("abcdefgh0123456789-", min_size=1, max_size=8)
DISKS = st.builds(Disk, size=SIZES, pool=st.just("") | WORDS, tags=st.lists(WORDS, max_size=3).map(", ".join))


@st.composite
def forms(draw: st.DrawFn) -> Filled:
    disks = tuple(draw(st.lists(DISKS, min_size=1, max_size=6)))
    names = draw(st.lists(st.sampled_from(["eth0", "eth1", "wan", "a-b"]), unique=True, max_size=4))
    ips = draw(st.permutations(["", "10.0.0.1", "10.0.0.2", "fd00::1"]))
    nics = tuple(Nic(name=name, network="", ip=ip) for name, ip in zip(names, ips, strict=False))
    return Filled(disks=disks, nics=nics, boot=draw(st.integers(1, len(disks))))


@given(forms())
def test_an_address_says_it_all(filled: Filled) -> None:
    assert read(filled.pairs()) == filled


@given(forms())
def test_what_is_sent_is_what_was_filled_in(filled: Filled) -> None:
    sent = dict(filled.sent())
    disks = constraints.storage(sent["storage"])
    wanted = [disk for _, disk in filled.in_order]
    assert [f"{disk.size / 10**9:g}" for disk in disks] == [f"{float(disk.size):g}" for disk in wanted]
    assert disks[0].label == "root"
    assert len({disk.label for disk in disks}) == len(disks)
    for made, disk in zip(disks, wanted, strict=True):
        typed = [one.strip() for one in disk.tags.split(",") if one.strip()]
        assert list(made.tags) == [*([disk.pool] if disk.pool else []), *typed]
    if filled.nics:
        nics = interface_constraints.interfaces(sent["interfaces"])
        assert [(nic.label, nic.ips) for nic in nics] == [
            (nic.name, (nic.ip,) if nic.ip else ()) for nic in filled.nics
        ]
    else:
        assert "interfaces" not in sent


@given(forms(), st.integers(1, 6))
def test_a_row_that_goes_takes_nothing_with_it(filled: Filled, number: int) -> None:
    after, _ = filled.changed(f"remove-disk-{number}")
    if number > len(filled.disks) or len(filled.disks) == 1:
        assert after == filled
        return
    assert after.disks == filled.disks[: number - 1] + filled.disks[number:]
    if number != filled.boot:
        assert after.disks[after.boot - 1] is filled.disks[filled.boot - 1]
    assert filled.changed("add-disk")[0].disks[:-1] == filled.disks


@given(st.sets(st.integers(0, 300), min_size=1))
def test_cores_as_text(cores: set[int]) -> None:
    assert set(cores_of(ranges(cores))) == cores


def test_cores_that_cannot_be_read() -> None:
    assert cores_of("6-4, 1 ,8 - 9") == (4, 5, 6, 1, 8, 9)
    for text in ("", "x", "1,", "1-", "-1", "1--2", "1.5", "0-99999", "1,0-3"):
        with pytest.raises(Invalid):
            cores_of(text)


def test_buttons_that_are_not_ours_change_nothing() -> None:
    filled = Filled()
    for do in (
        "",
        "add",
        "add-moon",
        "remove-disk-",
        "remove-disk-x",
        "remove-disk-²",
        "remove-nic-1",
        "remove-disk-9999",
    ):
        assert filled.changed(do) == (filled, "")
    assert len(read([(f"disk-{number}-size", "1") for number in range(200)]).disks) == 32
