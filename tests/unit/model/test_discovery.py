"""Which VLANs a host's interfaces are on."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model.discovery import NewSubnet, Spot, match, networks, new_subnets
from innkeeper.model.host import HostInterface


def nic(name: str, *subnets: str, kind: str = "physical", **more: Any) -> HostInterface:
    return HostInterface(name=name, kind=kind, subnets=subnets, **more)


def found(
    *interfaces: HostInterface, known: dict[str, Spot] | None = None, subnets: dict[str, Spot] | None = None
) -> dict[str, Spot]:
    return match(interfaces, known=known or {}, subnets=subnets or {}).spots


def test_each_network_that_nobody_knew_is_a_fabric_of_its_own() -> None:
    assert found(nic("eth0", "10.0.0.0/24"), nic("eth1", "10.1.0.0/24", "fd00::/64")) == {
        "eth0": (-1, 0),
        "eth1": (-2, 0),
    }


def test_a_known_subnet_tells_the_vlan() -> None:
    assert found(nic("eth0", "10.0.0.0/24"), subnets={"10.0.0.0/24": (3, 7)}) == {"eth0": (3, 7)}


def test_two_interfaces_on_one_new_subnet_are_together() -> None:
    assert found(nic("eth0", "10.0.0.0/24"), nic("eth1", "10.0.0.0/24")) == {"eth0": (-1, 0), "eth1": (-1, 0)}


def test_a_new_subnet_beside_a_known_one_is_where_that_is() -> None:
    both, other = nic("eth0", "10.0.0.0/24", "10.1.0.0/24"), nic("eth1", "10.1.0.0/24")
    assert found(both, other, subnets={"10.0.0.0/24": (3, 0)}) == {"eth0": (3, 0), "eth1": (3, 0)}


def test_nothing_is_known_of_an_interface_without_addresses() -> None:
    assert found(nic("eth0")) == {}
    assert found(nic("eth0"), known={"eth0": (2, 0)}) == {"eth0": (2, 0)}  # an administrator said so


def test_an_interface_stays_where_it_was_when_its_subnet_is_new() -> None:
    assert found(nic("eth0", "10.9.0.0/24"), known={"eth0": (2, 0)}) == {"eth0": (2, 0)}


def test_an_interface_follows_its_subnets_to_where_they_are() -> None:
    where = {"10.0.0.0/24": (1, 0), "10.1.0.0/24": (2, 0)}
    both = nic("eth0", "10.0.0.0/24", "10.1.0.0/24")
    assert found(both, subnets=where) == {"eth0": (1, 0)}
    assert found(both, subnets=where, known={"eth0": (2, 0)}) == {"eth0": (2, 0)}
    assert found(both, subnets=where, known={"eth0": (3, 0)}) == {"eth0": (1, 0)}


def test_a_tagged_interface_is_on_its_parents_fabric() -> None:
    tagged = nic("eth0.5", "10.5.0.0/24", kind="vlan", vlan_parent="eth0", vlan_id=5)
    assert found(nic("eth0", "10.0.0.0/24"), tagged) == {"eth0": (-1, 0), "eth0.5": (-1, 5)}
    assert found(tagged, nic("eth0", "10.0.0.0/24"), subnets={"10.0.0.0/24": (4, 0)}) == {
        "eth0": (4, 0),
        "eth0.5": (4, 5),
    }
    assert found(tagged, nic("eth0")) == {"eth0.5": (-1, 5), "eth0": (-1, 0)}
    assert found(tagged, nic("eth0"), subnets={"10.5.0.0/24": (9, 6)}) == {"eth0.5": (9, 6)}  # tagged elsewhere


def test_a_port_is_where_its_bridge_is() -> None:
    bridge = nic("br0", "10.0.0.0/24", kind="bridge", members=("eth0", "gone"))
    assert found(nic("eth0"), bridge) == {"br0": (-1, 0), "eth0": (-1, 0)}
    empty = nic("br0", kind="bridge", members=("eth0",))
    assert found(nic("eth0"), empty, known={"eth0": (5, 0)}) == {"eth0": (5, 0), "br0": (5, 0)}


def test_a_bridge_on_a_tagged_port_has_the_tag() -> None:
    bridge = nic("br5", "10.5.0.0/24", kind="bridge", members=("eth0.5",))
    tagged = nic("eth0.5", kind="vlan", vlan_parent="eth0", vlan_id=5)
    assert found(bridge, tagged, nic("eth0")) == {"br5": (-1, 5), "eth0.5": (-1, 5), "eth0": (-1, 0)}


def test_a_managed_network_that_names_a_parent_is_where_that_is() -> None:
    assert found(nic("wire", kind="macvlan", managed=True, vlan_parent="eth0"), nic("eth0", "10.0.0.0/24")) == {
        "eth0": (-1, 0),
        "wire": (-1, 0),
    }


def test_tags_in_tags_are_not_guessed() -> None:
    outer = nic("eth0.5", kind="vlan", vlan_parent="eth0", vlan_id=5)
    inner = nic("eth0.5.7", kind="vlan", vlan_parent="eth0.5", vlan_id=7)
    assert found(nic("eth0", "10.0.0.0/24"), outer, inner) == {"eth0": (-1, 0), "eth0.5": (-1, 5)}


def test_a_managed_bridge_routes_and_resolves_for_its_subnets() -> None:
    bridge = HostInterface(
        name="br0",
        kind="bridge",
        managed=True,
        addresses=("10.0.0.1/24", "fd00::1/64"),
        subnets=("10.0.0.0/24", "fd00::/64"),
    )
    plain = nic("eth0", "10.0.0.0/24", "10.2.0.0/24", addresses=("10.0.0.9/24", "10.2.0.9/24"))
    where = dict.fromkeys(("10.0.0.0/24", "fd00::/64", "10.2.0.0/24"), (-1, 0))
    assert new_subnets([plain, bridge], where=where, known=()) == [
        NewSubnet(cidr="10.0.0.0/24", spot=(-1, 0), gateway_ip="10.0.0.1", dns_servers=("10.0.0.1",), managed=True),
        NewSubnet(cidr="fd00::/64", spot=(-1, 0), gateway_ip="fd00::1", dns_servers=("fd00::1",), managed=True),
        NewSubnet(cidr="10.2.0.0/24", spot=(-1, 0)),
    ]
    assert new_subnets([plain], where=where, known=("10.0.0.0/24", "10.2.0.0/24")) == []


def test_a_new_subnet_is_where_it_was_first_though_another_has_it_with_one_elsewhere() -> None:
    first = nic("n0", "10.1.0.0/24", kind="bridge")
    second = nic("n2", "10.0.0.0/24", "10.1.0.0/24", kind="bridge", managed=True)
    there = {"10.0.0.0/24": (3, 5)}
    matched = match([first, second], known={"n0": (2, 0)}, subnets=there)
    assert matched.spots == {"n0": (2, 0), "n2": (3, 5)}
    (made,) = new_subnets([first, second], where=matched.subnets, known=there)
    assert (made.cidr, made.spot) == ("10.1.0.0/24", (2, 0))


def test_what_nobody_else_can_be_on_is_no_subnet() -> None:
    assert networks(nic("eth0", "10.0.0.1/32", "fd00::1/128", "fe80::/64", "169.254.0.0/16", "fd00::/64")) == (
        "fd00::/64",
    )


NAMES = [f"n{number}" for number in range(6)]
CIDRS = ["10.0.0.0/24", "10.1.0.0/24", "10.2.0.0/24", "fd00::/64", "10.0.0.7/32"]
SPOTS = st.tuples(st.integers(1, 3), st.sampled_from([0, 5, 7]))


@st.composite
def hosts(draw: st.DrawFn) -> list[HostInterface]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    return [
        HostInterface(
            name=name,
            kind=draw(st.sampled_from(["bridge", "bond", "vlan", "physical", "macvlan"])),
            managed=draw(st.booleans()),
            subnets=tuple(draw(st.lists(st.sampled_from(CIDRS), unique=True, max_size=2))),
            vlan_parent=draw(st.sampled_from(["", *NAMES])),
            vlan_id=draw(st.sampled_from([0, 5, 7])),
            members=tuple(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))),
        )
        for name in names
    ]


@given(hosts(), st.dictionaries(st.sampled_from(NAMES), SPOTS), st.dictionaries(st.sampled_from(CIDRS[:4]), SPOTS))
def test_whatever_a_host_tells(
    interfaces: list[HostInterface], known: dict[str, Spot], subnets: dict[str, Spot]
) -> None:
    matched = match(interfaces, known=known, subnets=subnets)
    spots, made = matched.spots, new_subnets(interfaces, where=matched.subnets, known=subnets)
    everywhere = {**subnets, **{one.cidr: one.spot for one in made}}
    for one in interfaces:
        if networks(one):
            assert spots[one.name] in {everywhere[cidr] for cidr in networks(one)}
        elif one.name in known:
            assert spots[one.name] == known[one.name]
    again = match(interfaces, known=spots, subnets=everywhere)
    assert again.spots == spots, "told again, nothing moves"
    assert new_subnets(interfaces, where=again.subnets, known=everywhere) == []
    fresh = {fabric for fabric, _ in spots.values() if fabric < 0}
    assert fresh == set(range(-len(fresh), 0))
