"""Addresses that were seen, and the links that show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model.learning import Lesson, learn
from innkeeper.model.machine import Interface
from innkeeper.model.network import Link, LinkMode, Subnet
from innkeeper.model.network_names import Networks

KNOWN = Networks(
    subnets=(
        Subnet(id=1, name="four", cidr="10.0.0.0/24", vlan_id=1),
        Subnet(id=2, name="six", cidr="2001:db8::/64", vlan_id=1),
        Subnet(id=3, name="other", cidr="10.9.0.0/24", vlan_id=2),
    )
)
AUTO = Link(id=1, mode=LinkMode.AUTO, subnet_id=1)
FIXED = Link(id=2, mode=LinkMode.STATIC, subnet_id=1, ip="10.0.0.5")
SEEN = Link(id=3, mode=LinkMode.LINK_UP, subnet_id=2, ip="2001:db8::7", learnt=True)
NONE = Link(id=4, mode=LinkMode.LINK_UP, subnet_id=1)
DHCP = Link(id=5, mode=LinkMode.DHCP)


def had(link: Link, ip: str) -> Link:
    return Link(id=link.id, mode=link.mode, subnet_id=link.subnet_id, ip=ip, learnt=True)


def lesson(links: tuple[Link, ...], *seen: str, whole: bool = True, vlan_id: int | None = 1) -> Lesson:
    return learn(Interface(id=9, name="eth0", mac="m", vlan_id=vlan_id, links=links), seen, KNOWN, whole=whole)


@pytest.mark.parametrize(
    ("links", "seen", "expected"),
    [
        ((), (), Lesson()),
        ((AUTO,), ("10.0.0.7",), Lesson(set=((1, "10.0.0.7"),))),
        ((had(AUTO, "10.0.0.7"),), ("10.0.0.7",), Lesson()),
        ((had(AUTO, "10.0.0.7"),), ("10.0.0.8",), Lesson(set=((1, "10.0.0.8"),))),
        ((had(AUTO, "10.0.0.7"),), (), Lesson(set=((1, ""),))),
        ((AUTO,), ("2001:DB8:0::7",), Lesson(add=(("2001:db8::7", 2),))),
        ((AUTO, SEEN), ("2001:db8::7", "10.0.0.7"), Lesson(set=((1, "10.0.0.7"),))),
        ((AUTO, SEEN), (), Lesson(remove=(3,))),
        ((FIXED,), ("10.0.0.5",), Lesson()),
        ((FIXED,), ("10.0.0.6",), Lesson(add=(("10.0.0.6", 1),))),
        ((FIXED,), (), Lesson()),
        ((NONE,), ("10.0.0.9",), Lesson(add=(("10.0.0.9", 1),))),
        ((DHCP,), ("192.0.2.1",), Lesson(set=((5, "192.0.2.1"),))),
        ((), ("10.9.0.1",), Lesson(add=(("10.9.0.1", None),))),  # a subnet that its VLAN has not
    ],
)
def test_what_is_seen_is_shown(links: tuple[Link, ...], seen: tuple[str, ...], expected: Lesson) -> None:
    assert lesson(links, *seen) == expected


def test_where_the_vlan_is_not_known_any_subnet_counts() -> None:
    assert lesson((), "10.9.0.1", vlan_id=None) == Lesson(add=(("10.9.0.1", 3),))


def test_a_part_takes_nothing_away() -> None:
    assert lesson((had(AUTO, "10.0.0.7"), SEEN), whole=False) == Lesson()
    assert lesson((had(AUTO, "10.0.0.7"), SEEN), "10.0.0.8", whole=False) == Lesson(set=((1, "10.0.0.8"),))
    both = (AUTO, Link(id=6, mode=LinkMode.LINK_UP, subnet_id=1, ip="10.0.0.8", learnt=True))
    assert lesson(both, "10.0.0.8", whole=False) == Lesson(set=((1, "10.0.0.8"),), remove=(6,))


IPS = st.sampled_from(["10.0.0.5", "10.0.0.6", "10.0.0.7", "2001:db8::7", "2001:db8::8", "10.9.0.1"])
LINKS = st.lists(
    st.builds(had, st.sampled_from([AUTO, SEEN, DHCP]), IPS) | st.sampled_from([AUTO, FIXED, NONE]),
    max_size=4,
    unique_by=lambda link: link.id,
)


@given(links=LINKS, seen=st.sets(IPS))
def test_what_was_learnt_is_learnt_once(links: list[Link], seen: set[str]) -> None:
    """After it was written all that is seen is shown once, nothing else, and there is no more to write."""
    first = lesson(tuple(links), *seen)
    kept = [had(link, ip) if (ip := dict(first.set).get(link.id, "")) else link for link in links]
    kept = [
        Link(id=link.id, mode=link.mode, subnet_id=link.subnet_id) if dict(first.set).get(link.id) == "" else link
        for link in kept
        if link.id not in first.remove
    ]
    for number, (ip, subnet_id) in enumerate(first.add):
        kept.append(Link(id=100 + number, mode=LinkMode.LINK_UP, subnet_id=subnet_id, ip=ip, learnt=True))
    assert lesson(tuple(kept), *seen) == Lesson()
    shown = sorted(link.ip for link in kept if link.ip)
    assert shown == sorted(seen | {link.ip for link in links if link.ip and not link.learnt})
