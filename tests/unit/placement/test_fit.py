"""One host and one request: how the machine would be made there, or everything that stands against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.host import HostInterface, Inventory, NumaNode, Thread
from innkeeper.model.interface_constraints import Condition, InterfaceRequest
from innkeeper.model.request import Request
from innkeeper.placement.fit import Candidate, Fit, Unfit, fit

THREADS = tuple(Thread(id=number, core=number, online=number != 3) for number in range(4))
BRIDGE = HostInterface(name="br0", kind="bridge", managed=True, subnets=("10.0.0.0/24",), dhcp=True)
INVENTORY = Inventory(
    architectures=("amd64/generic", "i386/generic"),
    cpu_speed=2000,
    memory=2**33,
    numa_nodes=(NumaNode(id=0, threads=THREADS),),
    interfaces=(BRIDGE,),
)


def pool(free: int) -> Figure:
    return capacity.storage(name="p", total=free * GB, ratio=1.0, written=0, foreign=0, claimed=0, others=0)


HOST = Candidate(
    host_id=7,
    name="alpha",
    inventory=INVENTORY,
    cores=capacity.cores(physical=4, ratio=1.0, claimed=0, others=0),
    memory=capacity.memory(physical=8192, huge_pages=2048, ratio=1.0, claimed=0, others=0),
    huge_pages=capacity.huge_pages(total=2048, claimed=0, others=0),
    storage=(("fast", pool(20)), ("slow", pool(100))),
    default_pool="slow",
)


def fits(host: Candidate = HOST, **wishes: Any) -> Fit:
    found = fit(host, Request(**wishes))
    assert isinstance(found, Fit), found
    return found


def refused(host: Candidate = HOST, **wishes: Any) -> tuple[tuple[str, str], ...]:
    found = fit(host, Request(**wishes))
    assert isinstance(found, Unfit), found
    return tuple((one.kind, one.text) for one in found.reasons)


def disks(*sizes: int, tags: tuple[str, ...] = ()) -> tuple[DiskRequest, ...]:
    return tuple(DiskRequest(size=size * GB, tags=tags) for size in sizes)


def test_the_plain_request() -> None:
    found = fits()
    assert (found.host_id, found.cores, found.memory, found.architecture) == (7, 1, 2048, "amd64/generic")
    assert [(disk.pool, disk.size, disk.why) for disk in found.disks] == [
        ("slow", 8 * GB, "it is the host's default pool")
    ]
    assert [(nic.device, nic.attach, nic.parent) for nic in found.interfaces] == [("eth0", "network", "br0")]


@given(
    cores=st.integers(1, 9), memory=st.integers(1, 20_000), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4)
)
def test_what_fits_is_within_every_figure(cores: int, memory: int, sizes: list[int]) -> None:
    found = fit(HOST, Request(cores=cores, memory=memory, disks=disks(*sizes)))
    assert isinstance(found, Fit) == (cores <= 4 and memory <= 6144 and sum(sizes) <= 100)


def test_exactly_full_is_allowed() -> None:
    fits(cores=4, memory=6144, disks=disks(60, 40))


def test_O07_every_reason_is_reported() -> None:
    """Nobody has to ask four times to learn of four reasons."""
    found = refused(cores=5, memory=7000, architecture="arm64/generic", cpu_speed=2001, disks=disks(101))
    assert [kind for kind, _ in found] == ["mismatch", "mismatch", "limit", "limit", "limit"]
    texts = "; ".join(text for _, text in found)
    for piece in ("arm64/generic", "2001 MHz", "cores: asked 5", "memory: asked 7000 MiB", "storage pool"):
        assert piece in texts


def test_O06_unknown_is_said_to_be_unknown() -> None:
    """Never "at most 0"."""
    bare = replace(HOST, inventory=Inventory(interfaces=(BRIDGE,)), cores=None, memory=None, storage=())
    found = refused(bare)
    assert {kind for kind, _ in found} == {"unknown"}
    assert [text for _, text in found] == [
        "its architecture is not known yet",
        "its number of cores is not known yet",
        "its memory is not known yet",
        "its storage pools are not known yet",
    ]
    assert "0" not in "".join(text for _, text in found)


def test_O14_a_host_without_any_pool() -> None:
    assert refused(replace(HOST, storage=())) == (("unknown", "it has no storage pool"),)


def test_a_pool_of_unknown_size_is_not_passed_over() -> None:
    """Neither when it is named nor when it is the default: another pool was not asked for."""
    unmeasured = (("unknown", "the size of its storage pool lost is not known yet"),)
    host = replace(HOST, unmeasured=("lost",))
    assert refused(host, disks=disks(1, 1, tags=("lost",))) == unmeasured
    assert refused(replace(host, default_pool="lost")) == unmeasured
    assert refused(replace(host, storage=(), default_pool="")) == unmeasured
    assert fits(host).disks[0].pool == "slow"
    assert fits(replace(host, default_pool="lost"), disks=disks(1, tags=("fast",))).disks[0].pool == "fast"


def test_a_tag_that_names_a_pool_chooses_it() -> None:
    (disk,) = fits(disks=disks(5, tags=("ssd", "fast", "web"))).disks
    assert (disk.pool, disk.tags, disk.why) == ("fast", ("ssd", "web"), "the tag fast names it")


def test_two_named_pools_mean_either() -> None:
    both = ("fast", "slow")
    assert [disk.pool for disk in fits(disks=disks(15, 15, tags=both)).disks] == ["fast", "slow"]
    ((_, text),) = refused(disks=disks(200, tags=both))
    assert "asked 200000000000 bytes, free 20000000000 bytes" in text


def test_without_a_default_the_pool_with_most_room() -> None:
    host = replace(HOST, default_pool="")
    placed = fits(host, disks=disks(90, 15)).disks
    assert [(disk.pool, disk.why) for disk in placed] == [("slow", "it has most room"), ("fast", "it has most room")]
    assert fits(replace(HOST, default_pool="gone")).disks[0].pool == "slow"


def test_disks_are_counted_together() -> None:
    ((kind, text),) = refused(disks=disks(60, 50))
    assert kind == "limit"
    assert "asked 110000000000 bytes, free 100000000000 bytes" in text
    assert text.endswith("60000000000 bytes of it for the disks before")


def test_a_disk_that_does_not_fit_takes_no_room_from_the_next() -> None:
    assert len(refused(disks=disks(101, 100))) == 1


def test_a_full_pool_is_full() -> None:
    full = capacity.storage(name="slow", total=GB, ratio=1.0, written=3 * GB, foreign=0, claimed=0, others=0)
    ((kind, text),) = refused(replace(HOST, storage=(("slow", full),)))
    assert kind == "limit"
    assert "free 0 bytes (over by 2000000000)" in text


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(None, "amd64/generic"), ("amd64", "amd64/generic"), ("i386/generic", "i386/generic"), ("i386", "i386/generic")],
)
def test_architectures(wanted: str | None, expected: str) -> None:
    assert fits(architecture=wanted).architecture == expected


def test_cpu_speed_is_checked_where_it_is_known() -> None:
    fits(cpu_speed=2000)
    fits(replace(HOST, inventory=replace(INVENTORY, cpu_speed=0)), cpu_speed=9000)
    assert refused(cpu_speed=2001) == (("mismatch", "cpu_speed 2001 MHz is more than its 2000 MHz"),)


def test_S15_pins_take_the_place_of_cores() -> None:
    found = fits(pinned=(1, 2), cores=2)
    assert (found.pinned, found.cores) == ((1, 2), 2)


def test_S15_pins_that_do_not_exist_or_sleep() -> None:
    assert refused(pinned=(3, 999)) == (
        ("mismatch", "core 3 does not exist or is offline; it has 0-2"),
        ("mismatch", "core 999 does not exist or is offline; it has 0-2"),
    )


def test_S16_a_core_that_another_vm_holds() -> None:
    assert refused(replace(HOST, pinned_by={1: "db"}), pinned=(1, 2)) == (("limit", "pinned core 1 is held by db"),)


def test_pins_are_charged_as_cores() -> None:
    busy = replace(HOST, cores=capacity.cores(physical=4, ratio=1.0, claimed=3, others=0))
    ((kind, text),) = refused(busy, pinned=(1, 2))
    assert kind == "limit"
    assert text.startswith("cores: asked 2 cores, free 1 cores")


def test_huge_pages_have_a_figure_of_their_own() -> None:
    assert fits(huge_pages=True, memory=2048).huge_pages
    ((kind, text),) = refused(huge_pages=True, memory=2049)
    assert kind == "limit"
    assert text.startswith("huge pages: asked 2049 MiB, free 2048 MiB")
    fits(replace(HOST, memory=None), huge_pages=True, memory=1024)


def test_interfaces_are_placed_and_missing_ones_told() -> None:
    asked = (InterfaceRequest(label="lan", conditions=(Condition(text="name=br9", about="name", accepted=("br9",)),)),)
    assert refused(interfaces=asked) == (
        ("mismatch", "no interface with name=br9 for lan; it has br0 (VLAN not known)"),
    )
    assert refused(replace(HOST, inventory=replace(INVENTORY, interfaces=()))) == (
        ("mismatch", "no network to attach a VM to; it has none"),
    )
