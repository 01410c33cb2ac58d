"""Which addresses of a subnet can be given."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model.addresses import (
    Span,
    divide,
    fixtures,
    free,
    holds,
    inside,
    meets,
    normal,
    overlap,
    overlapping,
    text,
    usable,
    used,
)
from innkeeper.model.network import IpRange, Subnet

FOUR = Subnet(id=1, name="s", cidr="10.0.0.0/24", vlan_id=1, gateway_ip="10.0.0.1", dns_servers=("10.0.0.1", "9.9.9.9"))
SIX = Subnet(id=2, name="s", cidr="fd00::/48", vlan_id=1, gateway_ip="fd00::1")


def rng(kind: str, start: str, end: str) -> IpRange:
    return IpRange(id=1, subnet_id=1, kind=kind, start=start, end=end)


def shown(subnet: Subnet, spans: list[Span]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(text(one.first, subnet.cidr), text(one.last, subnet.cidr), one.purposes) for one in spans]


def test_addresses_are_written_in_one_form() -> None:
    assert normal(" FD00:0::0001 ") == "fd00::1"
    assert normal("10.0.0.1") == "10.0.0.1"
    for wrong in ("", "10.0.0", "10.0.0.1/24", "fe80::1%eth0", "web"):
        with pytest.raises(Invalid, match="is not an address") as told:
            normal(wrong, field="ip_address")
        assert list(told.value.fields) == ["ip_address"]


@pytest.mark.parametrize(
    ("cidr", "first", "last"),
    [
        ("10.0.0.0/24", "10.0.0.1", "10.0.0.254"),
        ("10.0.0.0/30", "10.0.0.1", "10.0.0.2"),
        ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"),
        ("10.0.0.7/32", "10.0.0.7", "10.0.0.7"),
        ("fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff"),
        ("fd00::/127", "fd00::", "fd00::1"),
    ],
)
def test_what_guests_can_have(cidr: str, first: str, last: str) -> None:
    whole = usable(cidr)
    assert (text(whole.first, cidr), text(whole.last, cidr)) == (first, last)


def test_what_is_used_for_what() -> None:
    ranges = [rng("reserved", "10.0.0.10", "10.0.0.20"), rng("dynamic", "10.0.0.100", "10.0.0.199")]
    parts = used(FOUR, ranges, ["10.0.0.15", "10.0.0.254", "192.168.0.1"])
    assert shown(FOUR, divide(usable(FOUR.cidr), parts)) == [
        ("10.0.0.1", "10.0.0.1", ("dns-server", "gateway-ip")),
        ("10.0.0.2", "10.0.0.9", ()),
        ("10.0.0.10", "10.0.0.14", ("reserved",)),
        ("10.0.0.15", "10.0.0.15", ("assigned-ip", "reserved")),
        ("10.0.0.16", "10.0.0.20", ("reserved",)),
        ("10.0.0.21", "10.0.0.99", ()),
        ("10.0.0.100", "10.0.0.199", ("dynamic",)),
        ("10.0.0.200", "10.0.0.253", ()),
        ("10.0.0.254", "10.0.0.254", ("assigned-ip",)),
    ]


def test_where_others_manage_only_what_is_reserved_is_given() -> None:
    ranges = [rng("reserved", "10.0.0.10", "10.0.0.20")]
    assert shown(FOUR, free(FOUR, ranges, ["10.0.0.10"]))[0] == ("10.0.0.2", "10.0.0.9", ())
    theirs = replace(FOUR, managed=False)
    assert shown(FOUR, free(theirs, ranges, ["10.0.0.10"])) == [("10.0.0.11", "10.0.0.20", ("reserved",))]
    assert free(theirs, [], []) == []


def test_a_large_network_is_not_counted_one_by_one() -> None:
    (one,) = free(SIX, [], [])
    assert (text(one.first, SIX.cidr), one.count) == ("fd00::2", 2**80 - 2)


def test_ranges_hold_their_ends() -> None:
    one = rng("dynamic", "10.0.0.10", "10.0.0.20")
    found = [inside(one, ip) for ip in ("10.0.0.9", "10.0.0.10", "10.0.0.20", "10.0.0.21", "::a")]
    assert found == [False, True, True, False, False]
    assert (holds("10.0.0.0/24", "10.0.0.9"), holds("10.0.0.0/24", "::1")) == (True, False)


NETWORK = ipaddress.ip_network("10.0.0.0/27")
IPS = st.integers(0, 31).map(lambda number: str(NETWORK[number]))
RANGES = st.lists(st.tuples(st.sampled_from(["reserved", "dynamic"]), IPS, IPS), max_size=3)


@given(RANGES, st.lists(IPS, max_size=12), st.none() | IPS, st.lists(IPS, max_size=2), st.booleans())
def test_free_is_what_one_by_one_finds(
    sketched: list[tuple[str, str, str]], taken: list[str], gateway: str | None, dns: list[str], managed: bool
) -> None:
    ranges = [rng(kind, *sorted(ends, key=ipaddress.ip_address)) for kind, *ends in sketched]
    subnet = replace(FOUR, cidr=str(NETWORK), gateway_ip=gateway, dns_servers=tuple(dns), managed=managed)
    expected = []
    for ip in map(str, NETWORK.hosts()):
        kinds = {one.kind for one in ranges if inside(one, ip)}
        ours = not kinds if managed else kinds == {"reserved"}
        if ours and ip not in {*taken, gateway, *dns}:
            expected.append(ip)
    spans = free(subnet, ranges, taken)
    assert [text(n, subnet.cidr) for one in spans for n in range(one.first, one.last + 1)] == expected


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from("abc")), max_size=8))
def test_pieces_cover_the_whole_once(sketched: list[tuple[int, int, str]]) -> None:
    parts = [Span(first=min(a, b), last=max(a, b), purposes=(what,)) for a, b, what in sketched]
    pieces = divide(Span(first=10, last=50), parts)
    assert [n for one in pieces for n in range(one.first, one.last + 1)] == list(range(10, 51))
    assert all(a.purposes != b.purposes for a, b in itertools.pairwise(pieces))
    for one in pieces:
        for n in (one.first, one.last):
            assert set(one.purposes) == {p for part in parts if part.first <= n <= part.last for p in part.purposes}


networks = st.one_of(
    st.tuples(st.integers(0, 31), st.integers(24, 32)).map(
        lambda one: str(
            ipaddress.ip_network((int(ipaddress.ip_address("10.0.0.0")) + one[0] * 16, one[1]), strict=False)
        )
    ),
    st.tuples(st.integers(0, 7), st.integers(120, 128)).map(
        lambda one: str(ipaddress.ip_network((int(ipaddress.ip_address("fd00::")) + one[0] * 64, one[1]), strict=False))
    ),
    st.sampled_from(("0.0.0.0/0", "10.0.0.0/8", "::/0", "fd00::/16")),
)


@given(st.lists(networks, unique=True, max_size=12))
def test_which_subnets_share_addresses(cidrs: list[str]) -> None:
    subnets = [replace(FOUR, id=number, cidr=cidr) for number, cidr in enumerate(cidrs)]
    found = {one.cidr: {each.cidr for each in around} for one, around in overlapping(subnets)}
    assert found == {cidr: {other for other in cidrs if overlap(cidr, other)} for cidr in cidrs}


@pytest.mark.parametrize(
    ("cidr", "meet"),
    [
        ("10.0.0.0/24", True),
        ("10.0.0.16/28", True),
        ("10.0.0.32/28", True),
        ("10.0.0.48/28", False),
        ("10.0.0.0/28", False),
        ("fd00::/48", False),
    ],
)
def test_whether_a_range_has_addresses_of_a_subnet(cidr: str, meet: bool) -> None:
    assert meets(rng("reserved", "10.0.0.20", "10.0.0.40"), cidr) is meet


def test_what_a_subnets_own_servers_have() -> None:
    assert set(fixtures(FOUR)) == {"10.0.0.1", "9.9.9.9"}
    assert fixtures(replace(SIX, gateway_ip=None)) == []
