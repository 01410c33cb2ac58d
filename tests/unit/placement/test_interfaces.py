"""NICs on one host: which of its interfaces each hangs on, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model.host import HostInterface
from innkeeper.model.interface_constraints import WantedAddress, interfaces
from innkeeper.model.network import Fabric, HostNetwork, Space, Subnet, Vlan
from innkeeper.model.network_names import Networks, resolve
from innkeeper.placement.interfaces import PlacedInterface, place
from innkeeper.placement.reach import offers, reach_of

MANAGED = HostInterface(name="br0", kind="bridge", managed=True, subnets=("10.0.0.0/24", "2001:db8::/64"), dhcp=True)
BRIDGE = HostInterface(name="br9", kind="bridge", subnets=("10.9.0.0/24",), members=("eno1",))
BOND = HostInterface(name="bond0", kind="bond", subnets=("10.1.0.0/24",), members=("eno2", "eno3"), speed=10_000)
VLAN = HostInterface(name="bond0.5", kind="vlan", subnets=("10.5.0.0/24",), vlan_parent="bond0", vlan_id=5)
NIC = HostInterface(name="eno4", kind="physical", speed=1000)
PORT = HostInterface(name="eno1", kind="physical")
THERE = (NIC, VLAN, BOND, PORT, BRIDGE, MANAGED)

FABRICS = (Fabric(id=1, name="fabric-1"), Fabric(id=2, name="office", class_type="10g"), Fabric(id=3, name="fabric-3"))
VLANS = (
    Vlan(id=11, fabric_id=1, dhcp_on=True),
    Vlan(id=12, fabric_id=2),
    Vlan(id=13, fabric_id=2, vid=5, space_id=41),
    Vlan(id=14, fabric_id=3),
    Vlan(id=15, fabric_id=3, vid=7),
    Vlan(id=16, fabric_id=1, vid=8),
)
SPACES = (Space(id=41, name="dmz"),)
SUBNETS = (
    Subnet(id=21, name="six", cidr="2001:db8::/64", vlan_id=11),
    Subnet(id=22, name="home", cidr="10.0.0.0/24", vlan_id=11),
    Subnet(id=23, name="office", cidr="10.1.0.0/24", vlan_id=12),
    Subnet(id=24, name="guests", cidr="10.5.0.0/24", vlan_id=13),
    Subnet(id=25, name="nine", cidr="10.9.0.0/24", vlan_id=14),
    Subnet(id=26, name="seven", cidr="10.7.0.0/24", vlan_id=15),
    Subnet(id=27, name="far", cidr="10.99.0.0/24", vlan_id=16),
)
KNOWN = Networks(fabrics=FABRICS, vlans=VLANS, spaces=SPACES, subnets=SUBNETS)
ON = {"br0": (31, 11), "br9": (32, 14), "bond0": (33, 12), "bond0.5": (34, 13), "eno1": (35, 14)}


def network(name: str) -> HostNetwork:
    id, vlan_id = ON[name]
    vlan = next(one for one in VLANS if one.id == vlan_id)
    return HostNetwork(
        id=id,
        host_id=7,
        name=name,
        vlan=vlan,
        fabric=next(one for one in FABRICS if one.id == vlan.fabric_id),
        space=next((one for one in SPACES if one.id == vlan.space_id), None),
        subnets=KNOWN.beside(vlan_id),
    )


def ask(
    text: str = "",
    *,
    there: tuple[HostInterface, ...] = THERE,
    mode: str = "",
    known: Networks = KNOWN,
    tags: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> tuple[tuple[PlacedInterface, ...], tuple[str, ...]]:
    return place(
        hostname="alpha",
        interfaces=there,
        networks=tuple(replace(network(one.name), tags=tags.get(one.name, ())) for one in there if one.name in ON),
        known=known,
        wanted=resolve(interfaces(text), known) if text else (),
        macvlan_mode=mode,
    )


def placed(text: str = "", **around: Any) -> list[PlacedInterface]:
    found, against = ask(text, **around)
    assert against == ()
    return list(found)


def one(text: str, **around: Any) -> PlacedInterface:
    (found,) = placed(text, **around)
    return found


@pytest.mark.parametrize(
    ("there", "taken", "attach"),
    [
        (THERE, "br0", "network"),
        ((NIC, VLAN, BOND, PORT, BRIDGE), "br9", "bridge"),
        ((NIC, BOND), "bond0", "macvlan"),
        ((NIC,), "eno4", "macvlan"),
        ((replace(BRIDGE, name="br3"), replace(BRIDGE, name="br2")), "br2", "bridge"),
        ((replace(MANAGED, name="a", dhcp=False), MANAGED), "br0", "network"),
        ((replace(BRIDGE, name="a"), MANAGED), "br0", "network"),
        ((HostInterface(name="net", kind="ovn", managed=True), NIC), "net", "network"),
        ((replace(BRIDGE, name="br2"), BRIDGE), "br9", "bridge"),  # what is known before what is not
        ((replace(BRIDGE, name="br2"), NIC, VLAN), "bond0.5", "macvlan"),
        ((replace(MANAGED, up=False), replace(BRIDGE, up=False), NIC, BOND), "bond0", "macvlan"),
        ((replace(BRIDGE, up=False), NIC), "eno4", "macvlan"),  # what is up before what is known
        ((replace(MANAGED, up=False), VLAN, BOND, BRIDGE), "br9", "bridge"),
    ],
)
def test_bridges_then_bonds_then_others(there: tuple[HostInterface, ...], taken: str, attach: str) -> None:
    (nic,) = placed(there=there)
    assert (nic.device, nic.parent, nic.attach) == ("eth0", taken, attach)


@pytest.mark.parametrize("text", ["", "a:not_name=br9", "a:not_subnet=home"])
def test_what_is_down_is_named_where_nothing_else_is(text: str) -> None:
    """A machine on it would have no network; who names it gets it."""
    down = (replace(NIC, up=False), replace(BOND, up=False))
    found, (words,) = ask(text, there=down)
    assert found == ()
    assert "bond0 (10.1.0.0/24; untagged of office; space undefined; down), eno4 (VLAN not known; down)" in words
    assert "is up" in words
    assert "name=bond0 takes one that is down" in words
    nic = one("a:name=eno4", there=down)
    assert (nic.parent, nic.why) == ("eno4", "it was asked for; eno4 is down")


def test_what_is_down_serves_who_asks_for_it_where_nothing_up_does() -> None:
    there = (replace(BRIDGE, up=False), BOND, VLAN)
    assert one("a:vlan=untagged", there=there).parent == "bond0"
    assert one("a:subnet=nine", there=there).parent == "br9"


@pytest.mark.parametrize(
    ("text", "there", "parent"),
    [
        ("not_subnet=home", (MANAGED, NIC, VLAN), "bond0.5"),  # not the wire of which nothing is known
        ("not_subnet=home", (MANAGED, NIC, replace(VLAN, up=False)), "eno4"),
        ("not_name=br0", (MANAGED, replace(BRIDGE, up=False), BOND), "bond0"),
        ("not_space=undefined", (MANAGED, BOND, NIC, VLAN), "bond0.5"),
        ("not_space=undefined", (MANAGED, BOND, NIC), "eno4"),  # the last resort
    ],
)
def test_what_must_not_be_goes_where_the_most_is_known(
    text: str, there: tuple[HostInterface, ...], parent: str
) -> None:
    assert one(f"a:{text}", there=there).parent == parent


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        ("not_hostname=beta", "br0"),
        ("not_subnet_cidr=10.0.0.0/24", "br9"),
        ("not_subnet_cidr=10.0.0.0/24,not_subnet_cidr=10.9.0.0/24", "bond0"),
        ("not_vlan=untagged", "bond0.5"),
        ("not_vlan=fabric:fabric-1,not_vlan=id:14", "bond0"),
        ("tag=fast&&quiet", "bond0"),
        ("tag=nowhere&&fast,tag=quiet", "br9"),
        ("tag=fast,not_tag=quiet", "br0"),
        ("not_tag=fast", "br9"),
        ("not_tag=fast&&quiet", "br0"),
        ("not_tag=fast,not_tag=quiet", "bond0.5"),
    ],
)
def test_tags_and_negations_are_placed(text: str, parent: str) -> None:
    tags = {"br0": ("fast",), "br9": ("quiet",), "bond0": ("fast", "quiet")}
    assert one(f"lan:{text}", tags=tags).parent == parent


def test_not_on_this_host() -> None:
    found, (words,) = ask("lan:not_hostname=alpha")
    assert found == ()
    assert words.startswith("no interface with not_hostname=alpha for lan")


def test_macvlan_takes_the_hosts_mode() -> None:
    assert one("eth0:name=eno4").mode == "bridge"
    assert one("eth0:name=eno4", mode="vepa").mode == "vepa"
    assert one("eth0:name=br0", mode="vepa").mode == ""


def test_S09_nics_hang_where_they_were_asked() -> None:
    found = placed("eth0:subnet_cidr=10.0.0.0/24;eth1:name=eno4,name=bond0;7:space=dmz,vlan=5")
    assert [(nic.device, nic.attach, nic.parent, nic.vlan_id, nic.subnet_id, nic.tag) for nic in found] == [
        ("eth0", "network", "br0", 11, 22, 0),
        ("eth1", "macvlan", "bond0", 12, 23, 0),
        ("eth7", "macvlan", "bond0.5", 13, 24, 0),  # a host's own interface on a VLAN: no tag of ours
    ]


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        ("id=33", "bond0"),
        ("not_id=31", "br9"),
        ("fabric=office", "bond0"),
        ("fabric=office,vid=5", "bond0.5"),
        ("not_fabric=fabric-1", "br9"),
        ("fabric_class=10g", "bond0"),
        ("not_fabric_class=10g", "br0"),
        ("hostname=alpha", "br0"),
        ("not_name=br0", "br9"),
        ("type=bond", "bond0"),
        ("type=vlan,type=bond", "bond0"),
        ("type=physical", "eno4"),
        ("link_speed=1000", "bond0"),
        ("space=undefined", "br0"),
        ("not_space=undefined,fabric=office", "bond0.5"),
        ("vlan=untagged,not_subnet=home", "br9"),
        ("subnet=fabric:office", "bond0"),
        ("subnet=vid:5", "bond0.5"),
        ("subnet=office,subnet=guests", "bond0"),
        ("not_vid=untagged", "bond0.5"),  # what is known goes before what may be
        ("ip=10.5.0.77", "bond0.5"),
        ("not_ip=10.0.0.9", "br9"),
    ],
)
def test_every_key(text: str, parent: str) -> None:
    assert one(f"lan:{text}").parent == parent


def test_a_subnet_that_was_asked_is_the_one_that_is_linked() -> None:
    assert one("a:name=br0").subnet_id == 22  # IPv4 first
    assert one("a:subnet=six").subnet_id == 21
    assert one("a:name=eno4").subnet_id is None


def test_addresses_bring_their_network() -> None:
    nic = one("a:ip=10.0.0.9,ip=2001:db8::9,mode=unconfigured")
    assert (nic.parent, nic.vlan_id, nic.unconfigured) == ("br0", 11, True)
    assert nic.addresses == (
        WantedAddress(ip="10.0.0.9", subnet_id=22),
        WantedAddress(ip="2001:db8::9", subnet_id=21),
    )


def test_two_addresses_that_a_networks_dhcp_cannot_keep() -> None:
    """It is told one of each version for a NIC; a bridge that gives none takes them all."""
    telling = replace(MANAGED, fixed=(4,))
    found, (text,) = ask("a:ip=10.0.0.9,ip=10.0.0.10", there=(telling, BRIDGE))
    assert found == ()
    assert text.startswith("a asks for 10.0.0.9 and 10.0.0.10: the DHCP of br0 keeps one address of an IP version")
    for wanted, there in (
        ("a:ip=10.0.0.9,ip=2001:db8::9,ip=2001:db8::10", telling),
        ("a:ip=10.0.0.9,ip=10.0.0.10", MANAGED),
        ("a:ip=10.0.0.9,ip=10.0.0.10", replace(telling, managed=False)),
    ):
        (nic,), against = ask(wanted, there=(there,))
        assert (nic.parent, against) == ("br0", ())


def test_addresses_of_two_vlans_are_on_no_interface() -> None:
    found, (text,) = ask("a:ip=10.0.0.9,ip=10.5.0.9")
    assert found == ()
    assert text.startswith(
        "no interface with ip=10.0.0.9 (10.0.0.0/24) and ip=10.5.0.9 (10.5.0.0/24) for a; it has br0"
    )


def test_a_port_of_a_bridge_hangs_on_its_bridge() -> None:
    """A macvlan on it could not be made: the bridge has all its frames."""
    nic = one("a:name=eno1")
    assert (nic.attach, nic.parent, nic.why) == ("bridge", "br9", "eno1 is a port of br9")
    bond_in_bridge = (replace(BRIDGE, members=("bond0",)), BOND, replace(PORT, name="eno2"))
    assert one("a:name=eno2", there=bond_in_bridge).parent == "br9"


def test_a_vlan_of_the_fabric_is_reached_by_a_tag() -> None:
    """Only when it is asked for, and no interface of the host is on it."""
    nic = one("a:vid=7")
    assert (nic.attach, nic.parent, nic.tag, nic.vlan_id, nic.subnet_id) == ("bridge", "br9", 7, 15, 26)
    assert nic.why == "VLAN 7 by a tag on br9"
    nic = one("a:subnet=seven", there=(replace(NIC, name="eno1"),))
    assert (nic.attach, nic.parent, nic.tag, nic.mode) == ("macvlan", "eno1", 7, "bridge")
    assert one("a:vid=5").tag == 0
    nic = one("a:vid=5", there=(BOND,))
    assert (nic.parent, nic.tag) == ("bond0", 5)
    nic = one("a:ip=10.99.0.4")
    assert (nic.attach, nic.parent, nic.tag) == ("network", "br0", 8)


def test_what_is_asked_and_not_there_is_named() -> None:
    found, against = ask("a:name=br5,name=br6;b:name=br0,subnet=office;c:name=br0", there=(MANAGED, BOND))
    have = "it has br0 (2001:db8::/64, 10.0.0.0/24; untagged of fabric-1; space undefined), "
    have += "bond0 (10.1.0.0/24; untagged of office; space undefined)"
    assert against == (
        f"no interface with name=br5 or br6 for a; {have}",
        f"no interface with name=br0 and subnet=office for b; {have}",
    )
    assert [nic.label for nic in found] == ["c"]


def test_a_host_without_a_network() -> None:
    assert ask(there=()) == ((), ("no network to attach a VM to; it has none",))
    assert ask("a:vid=5", there=(NIC,))[1] == ("no interface with vid=5 for a; it has eno4 (VLAN not known)",)


def test_two_nics_are_not_on_one_managed_network() -> None:
    """LXD would not start such a VM: the second goes elsewhere, the first as well if only it can."""
    found = placed("a:vlan=untagged;b:vlan=untagged")
    assert [nic.parent for nic in found] == ["br0", "br9"]
    found = placed("a:vlan=untagged;b:fabric=fabric-1")
    assert [nic.parent for nic in found] == ["br9", "br0"]
    found = placed("a:name=br9;b:name=br9")
    assert [nic.parent for nic in found] == ["br9", "br9"]


def test_two_nics_that_could_only_be_on_one_managed_network() -> None:
    _, (text,) = ask("a:name=br0;b:name=br0")
    assert text == (
        "b could only be on br0, where another NIC of the machine is: a VM can have one NIC on each managed network"
    )


@pytest.mark.parametrize(
    ("interface", "offered", "chosen"),
    [
        (MANAGED, True, True),
        (replace(NIC, ethernet=False), False, False),  # R10: InfiniBand
        (HostInterface(name="lo", kind="physical"), False, False),
        (HostInterface(name="x", kind="unknown"), False, False),
        (HostInterface(name="net", kind="ovn", managed=True), True, True),
        (HostInterface(name="vfs", kind="sriov", managed=True), True, False),
    ],
)
def test_R10_what_a_vm_can_be_attached_to(interface: HostInterface, offered: bool, chosen: bool) -> None:
    assert offers(interface) == offered
    assert bool(ask(there=(interface,))[0]) == chosen


KEYS = st.sampled_from(
    ["name=br0", "name=br9", "vlan=untagged", "not_vid=0", "space=dmz", "fabric=office", "not_name=br0", "id=31",
     "subnet=home", "vid=7", "type=bridge", "link_speed=1", "ip=10.0.0.7", "not_subnet=home"]
)  # fmt: skip
TEXTS = st.lists(st.lists(KEYS, min_size=1, max_size=2, unique=True), min_size=1, max_size=4).map(
    lambda many: ";".join(f"n{number}:{','.join(pairs)}" for number, pairs in enumerate(many))
)


@given(text=TEXTS, there=st.sets(st.sampled_from(THERE)))
def test_what_is_placed_is_as_asked_and_what_is_not_is_told(text: str, there: set[HostInterface]) -> None:
    """Every NIC is placed or told; where no tag or port is involved the interface meets every condition."""
    try:
        wanted = resolve(interfaces(text), KNOWN)
    except Invalid:
        return
    found, against = ask(text, there=tuple(sorted(there, key=lambda each: each.name)))
    assert len(found) + len(against) == len(wanted)
    conditions = {each.label: each.conditions for each in wanted}
    by_name = {each.name: each for each in there}
    for nic in found:
        if not nic.tag and "is a port of" not in nic.why:
            at = network(nic.parent) if nic.parent in ON else None
            reach = reach_of(by_name[nic.parent], at, hostname="alpha")
            assert all(reach.meets(condition) for condition in conditions[nic.label])
    managed = [nic.parent for nic in found if nic.attach == "network"]
    assert len(managed) == len(set(managed))
