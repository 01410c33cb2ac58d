"""Which networks a name means."""

from __future__ import annotations

import pytest

from innkeeper.errors import Invalid
from innkeeper.model.interface_constraints import InterfaceRequest, WantedAddress, interfaces
from innkeeper.model.network import Fabric, Space, Subnet, Vlan
from innkeeper.model.network_names import Networks, resolve

KNOWN = Networks(
    fabrics=(
        Fabric(id=1, name="fabric-1"),
        Fabric(id=2, name="storage", class_type="10g"),
        Fabric(id=3, name="1"),  # a name that is another's id
    ),
    vlans=(
        Vlan(id=11, fabric_id=1, vid=0, space_id=21),
        Vlan(id=12, fabric_id=1, vid=5, name="guests"),
        Vlan(id=13, fabric_id=2, vid=5, name="5x"),
        Vlan(id=14, fabric_id=3, vid=0),
    ),
    spaces=(Space(id=21, name="dmz"), Space(id=22, name="empty")),
    subnets=(
        Subnet(id=31, name="10.0.0.0/24", cidr="10.0.0.0/24", vlan_id=11),
        Subnet(id=32, name="wide", cidr="10.0.0.0/8", vlan_id=12),
        Subnet(id=33, name="six", cidr="2001:db8::/64", vlan_id=13),
    ),
)


def asked(text: str) -> InterfaceRequest:
    (found,) = resolve(interfaces(f"n:{text}"), KNOWN)
    return found


@pytest.mark.parametrize(
    ("text", "about", "accepted"),
    [
        ("fabric=2", "fabric", (2,)),
        ("fabric=fabric-2", "fabric", (2,)),
        ("fabric=storage", "fabric", (2,)),
        ("fabric=1", "fabric", (3,)),  # its name
        ("fabric=id:1", "fabric", (1,)),
        ("fabric=class:10g", "fabric", (2,)),
        ("fabric=name:1", "fabric", (3,)),
        ("fabric=1,fabric=fabric-1", "fabric", (3, 1)),
        ("fabric_class=10g", "fabric_class", ("10g",)),
        ("space=dmz", "space", (21,)),
        ("space=21", "space", (21,)),
        ("space=0x15", "space", (21,)),
        ("space=undefined", "space", (-1,)),
        ("space=-1", "space", (-1,)),
        ("not_space=22", "space", (22,)),
        ("vlan=5", "vlan", (12, 13)),
        ("vlan=untagged", "vlan", (11, 14)),
        ("vlan=guests", "vlan", (12,)),
        ("vlan=id:13", "vlan", (13,)),
        ("vlan=vid:0b101", "vlan", (12, 13)),
        ("vlan=name:5x", "vlan", (13,)),
        ("vlan=fabric:storage", "vlan", (13,)),
        ("vlan=space:undefined", "vlan", (12, 13, 14)),
        ("vlan=subnet:cidr:10.0.0.0/24", "vlan", (11,)),
        ("vid=7", "vid", (7,)),
        ("subnet=33", "subnet", (33,)),
        ("subnet=subnet-33", "subnet", (33,)),
        ("subnet=wide", "subnet", (32,)),
        ("subnet=10.0.0.0/8", "subnet", (32,)),
        ("subnet=2001:DB8::/64", "subnet", (33,)),
        ("subnet=ip:10.0.0.9", "subnet", (31,)),
        ("subnet=ip:10.9.0.9", "subnet", (32,)),
        ("subnet=cidr:10.0.0.0/24", "subnet", (31,)),
        ("subnet=vid:5", "subnet", (32, 33)),
        ("subnet=vlan:vid:5", "subnet", (32, 33)),
        ("subnet=vlan:guests", "subnet", (32,)),
        ("subnet=fabric:storage", "subnet", (33,)),
        ("subnet=fabric:class:10g", "subnet", (33,)),
        ("subnet=space:dmz", "subnet", (31,)),
        ("subnet=space:id:21", "subnet", (31,)),
        ("subnet=name:six", "subnet", (33,)),
        ("subnet_cidr=10.0.0.0/24", "subnet", (31,)),
        ("not_ip=10.0.0.9", "subnet", (31,)),
        ("id=3", "id", (3,)),
        ("not_subnet=space:empty", "subnet", ()),  # as Juju says ^empty
        ("subnet=space:22", "subnet", ()),
        ("link_speed=0x10", "speed", (16,)),
        ("name=br0,name=br1", "name", ("br0", "br1")),
        ("hostname=a", "hostname", ("a",)),
        ("type=bond", "type", ("bond",)),
        ("tag=a&&b", "tag", ("a&&b",)),
    ],
)
def test_names_become_ids(text: str, about: str, accepted: tuple[int | str, ...]) -> None:
    (condition,) = asked(text).conditions
    assert (condition.about, condition.accepted) == (about, accepted)
    assert condition.negated == text.startswith("not_")


def test_an_address_is_of_the_narrowest_subnet() -> None:
    found = asked("ip=10.0.0.9,ip=2001:db8::9")
    assert found.addresses == (
        WantedAddress(ip="10.0.0.9", subnet_id=31),
        WantedAddress(ip="2001:db8::9", subnet_id=33),
    )
    assert [one.accepted for one in found.conditions] == [(31,), (33,)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("fabric=9", "n: fabric=9: there is no such fabric; known: fabric-1, storage, 1"),
        ("fabric=class:1g", "n: fabric=class:1g: there is no such fabric"),
        ("fabric_class=1g", "n: fabric_class=1g: there is no such fabric_class; known: 10g"),
        ("space=lan", "n: space=lan: there is no such space; known: dmz, empty, undefined"),
        ("not_space=lan", "n: not_space=lan: there is no such space"),
        ("space=dmz,space=lan", "n: space=lan: there is no such space"),
        ("vlan=77", "n: vlan=77: there is no such vlan; known: untagged of fabric-1, 5 of fabric-1, 5 of storage"),
        ("subnet=ip:192.0.2.1", "n: subnet=ip:192.0.2.1: there is no such subnet; known: 10.0.0.0/24"),
        ("subnet=cdir:10.0.0.0/24", "n: subnet=cdir:10.0.0.0/24: there is no such subnet"),
        ("not_subnet=space:lan", "n: not_subnet=space:lan: there is no such subnet"),
        ("subnet_cidr=192.0.2.0/24", "n: subnet_cidr=192.0.2.0/24: there is no such subnet"),
        ("ip=192.0.2.1", "n: ip=192.0.2.1: no subnet that is known holds it; known: 10.0.0.0/24"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(text: str, names: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(text)
    assert names in refused.value.fields["interfaces"][0]


def test_nothing_known() -> None:
    with pytest.raises(Invalid, match="none is known yet"):
        resolve(interfaces("n:fabric=1"), Networks())


def test_many_are_not_all_listed() -> None:
    many = Networks(fabrics=tuple(Fabric(id=number, name=f"f{number}") for number in range(1, 15)))
    with pytest.raises(Invalid, match="f10 and 4 more"):
        resolve(interfaces("n:fabric=none"), many)
