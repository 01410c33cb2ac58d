"""The grammars of storage= and interfaces=. Names begin with the id of the case that was seen."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model import constraints
from innkeeper.model.constraints import GB, DiskRequest, InterfaceRequest

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
    readers: list[tuple[str, Callable[[str], object]]] = [
        ("storage", constraints.storage),
        ("interfaces", constraints.interfaces),
    ]
    for field, read in readers:
        assert _outcome(field, read, text)


def _outcome(field: str, read: Callable[[str], object], text: str) -> object:
    """What was read, or the words of the refusal."""
    try:
        return read(text)
    except Invalid as refused:
        return refused.fields[field]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "eth0:subnet_cidr=10.0.0.0/24;eth1:subnet_cidr=10.1.0.0/24",
            (
                InterfaceRequest(label="eth0", subnets=("10.0.0.0/24",)),
                InterfaceRequest(label="eth1", subnets=("10.1.0.0/24",)),
            ),
        ),
        ("eth0:name=br0", (InterfaceRequest(label="eth0", names=("br0",)),)),
        ("0:name=br0,name=br1", (InterfaceRequest(label="0", names=("br0", "br1")),)),
        (
            "eth0:name=br0, subnet=2001:db8::/64",
            (InterfaceRequest(label="eth0", names=("br0",), subnets=("2001:db8::/64",)),),
        ),
    ],
)
def test_S09_host_interfaces_and_subnets(text: str, expected: tuple[InterfaceRequest, ...]) -> None:
    assert constraints.interfaces(text) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("eth0:space=dmz,vlan=5", "the key 'space' is not supported yet"),
        ("eth0:subnet=5", "'5' is not a subnet in CIDR form"),
        ("eth0:subnet=10.0.0.1/24", "'10.0.0.1/24' is not a subnet in CIDR form"),
        ("eth0:not_subnet=10.0.0.0/24", "the key 'not_subnet' is not supported yet"),
    ],
)
def test_S09_what_comes_later_is_refused_by_name(text: str, names: str) -> None:
    with pytest.raises(Invalid) as refused:
        constraints.interfaces(text)
    assert names in refused.value.fields["interfaces"][0]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("eth0:ip=10.0.0.5", id="S10"),
        pytest.param("eth0:ip=2001:db8::5,mode=unconfigured", id="S12: colons after the label belong to the value"),
    ],
)
def test_S10_S12_addresses_come_later(text: str) -> None:
    with pytest.raises(Invalid, match="eth0: the key 'ip' is not supported yet"):
        constraints.interfaces(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("eth0:name=a;eth0:name=b", "the label 'eth0' is there twice"),
        ("eth0:colour=red", "eth0: unknown key 'colour'; known: name, subnet, subnet_cidr"),
        ("eth0:", "eth0: cannot read ''"),
        ("eth0:name", "eth0: cannot read 'name'"),
        ("eth0:name=", "eth0: cannot read 'name='"),
        ("eth0", "cannot read 'eth0'"),
        ("eth0:name=a;", "cannot read ''"),
        ("e!:name=a", "cannot read 'e!:name=a'"),
        ("", "it is empty"),
    ],
)
def test_S13_a_bad_label_or_key_is_named(text: str, names: str) -> None:
    with pytest.raises(Invalid) as refused:
        constraints.interfaces(text)
    assert names in refused.value.fields["interfaces"][0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1:name=a;eth1:name=b", "the labels '1' and 'eth1' both name the NIC eth1"),
        ("eth1:name=a;a-label-that-is-too-long:name=b", "both name the NIC eth1"),
        ("root:name=a", "the label 'root' is what a disk is named"),
        ("disk1:name=a", "the label 'disk1' is what a disk is named"),
    ],
)
def test_devices_of_one_machine_have_names_of_their_own(text: str, names: str) -> None:
    """Hypervisors keep disks and NICs in one space of names: the second would take the place of the first."""
    with pytest.raises(Invalid) as refused:
        constraints.interfaces(text)
    assert names in refused.value.fields["interfaces"][0]


@given(label=LABELS, position=st.integers(0, 9))
def test_a_nic_name_is_one_that_linux_takes(label: str, position: int) -> None:
    name = constraints.nic_name(label, position=position)
    assert 0 < len(name.encode()) <= 15


def test_nic_names() -> None:
    names = [constraints.nic_name(label, position=3) for label in ("0", "007", "eth5", "lan", "x" * 15, "x" * 16)]
    assert names == ["eth0", "eth7", "eth5", "lan", "x" * 15, "eth3"]
    assert constraints.nic_name("9" * 5000, position=2) == "eth2"


NETWORKS = st.ip_addresses().map(lambda one: str(ipaddress.ip_network(one)))
NIC_LABELS = st.from_regex(r"n[a-z0-9]{1,10}", fullmatch=True)
NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9.-]{0,9}", fullmatch=True), max_size=2).map(tuple)


@given(
    wanted=st.lists(
        st.builds(InterfaceRequest, label=NIC_LABELS, names=NAMES, subnets=st.lists(NETWORKS, max_size=2).map(tuple)),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one.label,
    ).filter(lambda many: all(one.names or one.subnets for one in many))
)
def test_interfaces_that_are_printed_are_read_back(wanted: list[InterfaceRequest]) -> None:
    pieces = [
        f"{one.label}:"
        + ",".join([*(f"name={name}" for name in one.names), *(f"subnet={subnet}" for subnet in one.subnets)])
        for one in wanted
    ]
    assert constraints.interfaces(";".join(pieces)) == tuple(wanted)
