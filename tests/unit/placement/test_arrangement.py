"""Networks that must be there, and the NICs that share them: as few as can be, never one that a host cannot have."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import Condition, interfaces
from innkeeper.model.network_names import resolve
from innkeeper.placement.arrangement import assign, shared_out, ways
from innkeeper.placement.interfaces import PlacedInterface, place
from innkeeper.placement.offer import Offer
from tests.unit.placement.test_interfaces import BOND, BRIDGE, KNOWN, MANAGED, NIC, ON, THERE, VLAN, network


def conditions(*texts: str) -> tuple[Condition, ...]:
    """Each "key=value" as a condition."""
    return tuple(one for text in texts for nic in resolve(interfaces(f"x:{text}"), KNOWN) for one in nic.conditions)


def offer(there: tuple[HostInterface, ...] = THERE) -> Offer:
    networks = tuple(network(one.name) for one in there if one.name in ON)
    return Offer(hostname="alpha", interfaces=there, networks=networks, known=KNOWN)


def ask(
    *there: str, nics: str = "", not_there: tuple[str, ...] = (), on: tuple[HostInterface, ...] = THERE
) -> tuple[list[PlacedInterface], tuple[str, ...]]:
    found, against = place(
        hostname="alpha",
        interfaces=on,
        networks=tuple(network(one.name) for one in on if one.name in ON),
        known=KNOWN,
        wanted=resolve(interfaces(nics), KNOWN) if nics else (),
        macvlan_mode="",
        there=conditions(*there),
        not_there=conditions(*not_there),
    )
    return list(found), against


def parents(*there: str, nics: str = "", not_there: tuple[str, ...] = ()) -> list[str]:
    found, against = ask(*there, nics=nics, not_there=not_there)
    assert against == ()
    return [f"{nic.device} on {nic.parent}" for nic in found]


@pytest.mark.parametrize(
    ("there", "where"),
    [
        (("subnet=home", "fabric=fabric-1"), ["eth0 on br0"]),
        (("subnet=home", "vlan=id:11"), ["eth0 on br0"]),
        (("subnet=home", "subnet=six"), ["eth0 on br0"]),  # IPv4 and IPv6 of one network
        (("subnet=six", "subnet=home", "subnet=home", "fabric=fabric-1"), ["eth0 on br0"]),
        (("fabric=fabric-1", "fabric=office"), ["eth0 on br0", "eth1 on bond0"]),
        (("space=dmz", "fabric=office"), ["eth0 on bond0.5"]),
        (("fabric=office", "subnet=office", "subnet=guests"), ["eth0 on bond0", "eth1 on bond0.5"]),
        (("vlan=untagged", "subnet=nine"), ["eth0 on br9"]),
        (("vid=7", "fabric=fabric-3"), ["eth0 on br9"]),
        (("vid=7", "subnet=nine"), ["eth0 on br9", "eth1 on br9"]),  # one of them by a tag
    ],
)
def test_what_one_nic_can_meet_takes_one(there: tuple[str, ...], where: list[str]) -> None:
    assert parents(*there) == where
    assert len(parents(*reversed(there))) == len(where)


def test_a_nic_that_shares_is_linked_to_a_subnet_that_was_asked_for() -> None:
    (nic,), _ = ask("subnet=six", "subnet=home")
    assert nic.subnet_id == 22
    (nic,), _ = ask("subnet=six", "fabric=fabric-1")
    assert nic.subnet_id == 21


@pytest.mark.parametrize(
    ("nics", "there", "where"),
    [
        ("0:space=undefined", ("subnet=office",), ["eth0 on bond0"]),
        ("0:space=undefined", ("fabric=fabric-3",), ["eth0 on br9"]),
        ("0:space=undefined;1:space=undefined", ("subnet=office",), ["eth0 on bond0", "eth1 on br0"]),
        ("0:space=undefined;1:space=undefined", ("subnet=nine", "fabric=office"), ["eth0 on br9", "eth1 on bond0"]),
        ("0:subnet=home;1:space=undefined", ("subnet=nine", "subnet=home"), ["eth0 on br0", "eth1 on br9"]),
        ("0:type=bridge;1:vlan=untagged", ("subnet=home", "subnet=nine"), ["eth0 on br0", "eth1 on br9"]),
        ("0:vlan=untagged;1:type=bridge", ("subnet=office", "fabric_class=10g"), ["eth0 on bond0", "eth1 on br0"]),
        ("0:mode=unconfigured", ("vid=7",), ["eth0 on br9"]),  # by a tag, which nothing but `there` asks for
    ],
)
def test_nics_that_were_said_are_placed_with_it_in_view(nics: str, there: tuple[str, ...], where: list[str]) -> None:
    assert parents(*there, nics=nics) == where


def test_what_no_nic_may_meet() -> None:
    assert parents("vlan=untagged", not_there=("not_subnet=home",)) == ["eth0 on br9"]
    assert parents("fabric=office", "vlan=untagged", not_there=("not_vid=5",)) == ["eth0 on bond0"]
    assert parents(not_there=("not_subnet=home", "not_fabric=fabric-3")) == ["eth0 on bond0"]
    assert parents(nics="a:type=bridge", not_there=("not_subnet=home",)) == ["a on br9"]


def test_what_stands_against_it_is_named() -> None:
    on = (MANAGED, BOND)
    have = "br0 (2001:db8::/64, 10.0.0.0/24; untagged of fabric-1; space undefined), bond0 (10.1.0.0/24"
    found, (text,) = ask("subnet=home", "subnet=nine", on=on)
    assert (found, text.startswith(f"no interface with subnet=nine; it has {have}")) == ([], True), text
    found, (text,) = ask("subnet=office", nics="a:subnet=home", on=on)
    assert (found, text.startswith(f"no NIC of it would be on subnet=office; it has {have}")) == ([], True), text
    found, (text,) = ask("subnet=office", "subnet=home", nics="a:type=bridge,type=bond", on=on)
    assert text.startswith("its NICs cannot be on subnet=office and subnet=home together; it has")
    found, (text,) = ask("subnet=home", "vid=8", on=(MANAGED,))  # br0 both times: untagged, and by a tag
    assert text.startswith("its NICs cannot be on subnet=home and vid=8 together; it has")


def test_what_is_down_is_not_shared_where_what_is_up_would_do() -> None:
    """bond0 alone could meet both; it is down, so br9 and bond0.5 take one each."""
    on = (replace(BOND, up=False), BRIDGE, VLAN)
    found, _ = ask("vlan=untagged", "fabric=office", on=on)
    assert [nic.parent for nic in found] == ["br9", "bond0.5"]
    found, _ = ask("vlan=untagged", "subnet=office", on=on)
    assert [nic.parent for nic in found] == ["bond0"]


TEXTS = ["subnet=home", "subnet=six", "subnet=nine", "subnet=office", "fabric=office", "fabric=fabric-1", "vid=5",
         "vlan=untagged", "space=undefined", "space=dmz", "vid=7", "vid=8", "fabric_class=10g"]  # fmt: skip
NICS = ["0:space=undefined", "0:vlan=untagged", "0:type=bridge", "0:mode=unconfigured", "0:subnet=home"]
MORE = ["1:fabric=office", "1:vlan=untagged", "1:not_subnet=home"]
SEVERAL = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4)
HOSTS = st.sets(st.sampled_from((MANAGED, BRIDGE, BOND, VLAN, NIC)), min_size=1)


@given(there=SEVERAL, on=HOSTS)
def test_few_nics_meet_all_when_the_host_can(there: list[str], on: set[HostInterface]) -> None:
    """Never more than one for each; every condition holds of one; a second asking gives the same."""
    host = offer(tuple(sorted(on, key=lambda one: one.name)))
    wanted = conditions(*there)
    found = shared_out(host, (), wanted, more=())
    assert found == shared_out(host, (), wanted, more=())
    alone = [ways(host, (one,)) for one in dict.fromkeys(wanted)]
    if found is None:
        assert len(assign(alone)) < len(alone)  # not even one NIC for each could be had
        return
    assert len(found) <= len(alone)
    assert all(any(option.reach.meets(one) for _, option in found) for one in wanted)
    once = [option.once for _, option in found if option.once]
    assert len(once) == len(set(once))
    if any(all(option.reach.meets(one) for one in wanted) for option in host.direct.all):
        assert len(found) == 1


@given(there=SEVERAL, on=HOSTS, first=st.sampled_from(NICS), second=st.sampled_from(MORE))
def test_nics_that_were_said_meet_all_when_any_choice_does(
    there: list[str], on: set[HostInterface], first: str, second: str
) -> None:
    """Beside every choice that there is for two NICs on what the host is on directly."""
    host = offer(tuple(sorted(on, key=lambda one: one.name)))
    nics, wanted = resolve(interfaces(f"{first};{second}"), KNOWN), conditions(*there)
    fitting = [ways(host, nic.conditions) for nic in nics]
    chosen = assign(fitting)
    if len(chosen) < len(nics):
        return
    found = shared_out(host, [(nic, chosen[at]) for at, nic in enumerate(nics)], wanted)
    possible = any(
        all(a.reach.meets(one) or b.reach.meets(one) for one in wanted) and (not a.once or a.once != b.once)
        for a, b in product(*fitting)
    )
    if found is None:
        assert not possible
        return
    assert [nic.label for nic, _ in found] == [nic.label for nic in nics]
    assert all(any(option.reach.meets(one) for _, option in found) for one in wanted)
    for (_, option), nic in zip(found, nics, strict=True):
        assert all(option.reach.meets(one) for one in nic.conditions)
