"""Machines that are there and what an allocate asks for: each constraint, and which disks and NICs are meant."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model.allocation import Wish, cost
from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.interface_constraints import Condition, InterfaceRequest, WantedAddress
from innkeeper.model.machine import Disk, Interface, Machine, Origin
from innkeeper.model.network import Fabric, Link, LinkMode, Subnet, Vlan
from innkeeper.model.network_names import Networks
from innkeeper.placement.matching import Around, match

KNOWN = Networks(
    fabrics=(Fabric(id=1, name="one"), Fabric(id=2, name="two", class_type="fast")),
    vlans=(Vlan(id=10, fabric_id=1), Vlan(id=20, fabric_id=2, vid=5, space_id=3)),
    subnets=(
        Subnet(id=100, name="a", cidr="10.0.0.0/24", vlan_id=10),
        Subnet(id=200, name="b", cidr="10.1.0.0/24", vlan_id=20),
    ),
)
AROUND = Around(host="alpha", kind="lxd", known=KNOWN)
MACHINE = Machine(
    id=1,
    system_id="abc123",
    hostname="web",
    origin=Origin.COMPOSED,
    status=4,
    cores=4,
    memory=8192,
    zone_id=2,
    pool_id=3,
    tags=("fast", "ssd"),
    disks=(
        Disk(id=11, device="root", size=20 * GB, pool="quick"),
        Disk(id=12, device="disk1", size=50 * GB, pool="slow", tags=("data",)),
        Disk(id=13, device="disk2", size=10 * GB, pool="slow"),
    ),
    interfaces=(
        Interface(
            id=21,
            name="eth0",
            mac="a",
            parent="br0",
            vlan_id=10,
            links=(Link(id=1, mode=LinkMode.STATIC, subnet_id=100, ip="10.0.0.9"),),
        ),
        Interface(id=22, name="eth1", mac="b", parent="br1", vlan_id=20, tags=("lan",)),
    ),
)


def on(about: str, *accepted: int | str, negated: bool = False) -> Condition:
    return Condition(text=f"{about}={accepted}", about=about, accepted=accepted, negated=negated)


def disk(label: str, size: int, *tags: str) -> DiskRequest:
    return DiskRequest(label=label, size=size * GB, tags=tags)


@pytest.mark.parametrize(
    ("wish", "against"),
    [
        ({}, ()),
        ({"name": "web", "system_id": "abc123", "architectures": ("arm64", "amd64")}, ()),
        ({"name": "db"}, ("name",)),
        ({"name": "web", "domain_id": 9}, ("name",)),
        ({"system_id": "other"}, ("system_id",)),
        ({"architectures": ("arm64",)}, ("arch",)),
        ({"cores": 4, "memory": 8192}, ()),
        ({"cores": 5, "memory": 8193}, ("cpu_count", "mem")),
        ({"tags": ("fast", "ssd"), "not_tags": ("old",)}, ()),
        ({"tags": ("fast", "old"), "not_tags": ("ssd",)}, ("tags", "not_tags")),
        ({"zone_ids": (1, 2), "not_zone_ids": (1,), "pool_ids": (3,), "not_pool_ids": (0,)}, ()),
        ({"zone_ids": (1,), "pool_ids": (0,)}, ("zone", "pool")),
        ({"not_zone_ids": (2,), "not_pool_ids": (3, 0)}, ("not_in_zone", "not_in_pool")),
        ({"pods": ("alpha",), "pod_types": ("lxd",), "not_pods": ("beta",), "not_pod_types": ("virsh",)}, ()),
        ({"pods": ("beta",), "pod_types": ("virsh",)}, ("pod", "pod_type")),
        ({"not_pods": ("alpha",), "not_pod_types": ("lxd",)}, ("not_pod", "not_pod_type")),
        ({"disks": (disk("root", 0),)}, ()),
        ({"disks": (disk("root", 21),)}, ("storage",)),
        ({"disks": (disk("root", 0), disk("a", 10), disk("b", 10, "data"))}, ()),
        ({"disks": (disk("root", 0), disk("a", 10), disk("b", 10), disk("c", 1))}, ("storage",)),
        ({"disks": (disk("root", 20, "quick"), disk("a", 1, "slow"))}, ()),
        ({"disks": (disk("root", 20, "slow"),)}, ("storage",)),
        ({"there": (on("subnet", 100), on("fabric", 2))}, ()),
        ({"there": (on("subnet", 999),)}, ("networks",)),
        ({"there": (on("fabric_class", "fast"),)}, ()),
        ({"there": (on("fabric_class", "slow"),)}, ("networks",)),
        ({"not_there": (on("fabric_class", "fast", negated=True),)}, ("not on networks",)),
        ({"not_there": (on("space", 3, negated=True),)}, ("not on networks",)),
        ({"not_there": (on("space", 4, negated=True),)}, ()),
    ],
)
def test_each_constraint(wish: dict[str, Any], against: tuple[str, ...]) -> None:
    assert match(MACHINE, Wish(**wish), AROUND).against == against


def test_another_anti_affinity_group_than_its_own() -> None:
    one = replace(MACHINE, anti_affinity="db")
    assert match(one, Wish(anti_affinity="web"), AROUND).against == ("anti_affinity",)
    assert match(one, Wish(anti_affinity="db"), AROUND).against == ()
    assert match(one, Wish(), AROUND).against == ()


def test_which_disks_and_nics_are_meant() -> None:
    """As Juju asks: a root disk of any size, labels that are numbers. What has no label is not named."""
    wish = Wish(
        disks=(disk("root", 0), disk("", 5), disk("0", 20)),
        interfaces=(
            InterfaceRequest(label="0", conditions=(on("space", 3),)),
            InterfaceRequest(label="1"),
        ),
    )
    found = match(MACHINE, wish, AROUND)
    assert found.storage == (("root", 11), ("0", 12))
    assert found.interfaces == (("0", 22), ("1", 21))


def test_a_nic_is_named_by_itself_or_by_what_it_hangs_on() -> None:
    for name, id in (("eth1", 22), ("br0", 21)):
        wish = Wish(interfaces=(InterfaceRequest(label="x", conditions=(on("name", name),)),))
        assert match(MACHINE, wish, AROUND).interfaces == (("x", id),)
    wish = Wish(interfaces=(InterfaceRequest(label="x", conditions=(on("name", "eth0", "br1", negated=True),)),))
    assert match(MACHINE, wish, AROUND).against == ("interfaces",)


def test_an_address_that_is_asked_for_must_be_the_nics_own() -> None:
    for ip, against in (("10.0.0.9", ()), ("10.0.0.8", ("interfaces",))):
        asked = (WantedAddress(ip=ip, subnet_id=100),)
        wish = Wish(interfaces=(InterfaceRequest(label="x", addresses=asked),))
        assert match(MACHINE, wish, AROUND).against == against


@pytest.mark.parametrize(
    ("modes", "against"),
    [
        ((LinkMode.LINK_UP,), ()),
        ((), ()),
        ((LinkMode.AUTO,), ("interfaces",)),
        ((LinkMode.LINK_UP, LinkMode.DHCP), ("interfaces",)),
    ],
)
def test_a_nic_that_the_guest_leaves_alone(modes: tuple[LinkMode, ...], against: tuple[str, ...]) -> None:
    """All its links say so, or it has none. Who asks for any NIC gets such a one too."""
    links = tuple(Link(id=id, mode=mode, subnet_id=100) for id, mode in enumerate(modes, start=1))
    one = replace(MACHINE, interfaces=(replace(MACHINE.interfaces[0], links=links),))
    asked = InterfaceRequest(label="x", unconfigured=True)
    assert match(one, Wish(interfaces=(asked,)), AROUND).against == against
    assert match(one, Wish(interfaces=(replace(asked, unconfigured=False),)), AROUND).against == ()


def test_a_machine_of_unknown_networks_meets_only_what_forbids() -> None:
    one = replace(MACHINE, interfaces=(Interface(id=1, name="eth0", mac="a"),))
    assert match(one, Wish(there=(on("vlan", 10),)), AROUND).against == ("networks",)
    assert match(one, Wish(not_there=(on("vlan", 10, negated=True),)), AROUND).against == ()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_disks_are_found_whenever_that_can_be(sizes: list[int], wanted: list[int]) -> None:
    """As an honest trial of every order says."""
    there = tuple(Disk(id=id, device=f"d{id}", size=size * GB) for id, size in enumerate(sizes))
    found = match(
        replace(MACHINE, disks=there), Wish(disks=tuple(disk(f"l{n}", s) for n, s in enumerate(wanted))), AROUND
    )
    can = sizes[0] >= wanted[0] and any(
        all(have >= want for have, want in zip(order, wanted[1:], strict=False))
        for order in permutations(sizes[1:])
        if len(order) >= len(wanted) - 1
    )
    assert (found.against == ()) == can
    if can:
        ids = [id for _, id in found.storage]
        assert len(set(ids)) == len(ids) == len(wanted)
        assert ids[0] == 0
        assert all(sizes[id] >= size for id, size in zip(ids, wanted, strict=True))


def test_who_asks_for_one_that_is_there_gets_none_made() -> None:
    assert Wish(cores=2, zone_ids=(1,), not_tags=("x",)).composable
    for wish in (Wish(system_id="a"), Wish(name="a"), Wish(tags=("a",))):
        assert not wish.composable


def test_the_machine_that_is_made() -> None:
    made = Wish(cores=3, memory=512, architectures=("amd64",), disks=(disk("root", 0), disk("0", 10, "fast"))).request
    assert (made.cores, made.memory, made.architecture) == (3, 1024, "amd64")
    assert [(one.label, one.size, one.tags) for one in made.disks] == [
        ("root", 8 * GB, ()),
        ("0", 10 * GB, ("fast",)),
    ]
    assert Wish(disks=(disk("root", 30),)).request.disks == (disk("root", 30),)
    assert (Wish().request.cores, Wish().request.memory, Wish().request.interfaces) == (1, 2048, ())


def test_networks_that_must_be_there_or_must_not_are_for_each_host_to_meet() -> None:
    """How many NICs they take depends on the host: see test_arrangement."""
    there, forbidden = (on("subnet", 100), on("fabric", 2)), on("space", 9, negated=True)
    said = InterfaceRequest(label="a", conditions=(on("vlan", 10),))
    made = Wish(interfaces=(said,), there=there, not_there=(forbidden,)).request
    assert (made.interfaces, made.there, made.not_there) == ((said,), there, (forbidden,))


def test_the_cost() -> None:
    assert cost(cores=2, memory=4096) == 6.0
