"""Allocate by networks: each parameter and its not_, of machines that are Ready and of those that are composed."""

from __future__ import annotations

from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import BRIDGE, World
from innkeeper.model.host import HostInterface
from tests.api.test_allocate import allocate, refused
from tests.api.wired import subnet_of
from tests.kit.house import Inn

# What a request asks for, and the host's interface that it is to be on: br0 (10.0), br1 (10.1, in the space "back"),
# bond0 (10.2, of a fabric named "deep" of the class "fast"), bond0.7 (10.7, VLAN 7 of the same fabric). The first that
# is not excluded is the best.
ALL = ("10.0.0.0/24", "10.1.0.0/24", "10.2.0.0/24", "10.7.0.0/24")
ASKED: list[tuple[dict[str, Any], str]] = [
    ({"subnets": "10.2.0.0/24"}, "bond0"),
    ({"subnets": "space:back"}, "br1"),
    ({"subnets": "vlan:7"}, "bond0.7"),
    ({"subnets": "ip:10.1.0.77"}, "br1"),
    ({"subnets": ["10.1.0.0/24", "space:back"]}, "br1"),
    ({"not_subnets": "10.0.0.0/24"}, "br1"),
    ({"not_subnets": ["10.0.0.0/24", "space:back"]}, "bond0"),
    ({"not_subnets": ALL[:3]}, "bond0.7"),
    ({"fabrics": "deep"}, "bond0"),
    ({"fabrics": "name:deep", "vlans": "vid:7"}, "bond0.7"),
    ({"not_fabrics": ["deep"], "not_subnets": ["10.0.0.0/24"]}, "br1"),
    ({"fabric_classes": "fast"}, "bond0"),
    ({"not_fabric_classes": "fast", "not_subnets": "10.0.0.0/24"}, "br1"),
    ({"not_fabric_classes": "fast"}, "br0"),
    ({"vlans": "7"}, "bond0.7"),
    ({"vlans": "space:back"}, "br1"),
    ({"vlans": "subnet:10.2.0.0/24"}, "bond0"),
    ({"not_vlans": ["subnet:10.0.0.0/24", "space:back"]}, "bond0"),
    ({"not_vlans": "untagged"}, "bond0.7"),
    ({"interfaces": "0:not_subnet_cidr=10.0.0.0/24"}, "br1"),
    ({"interfaces": "0:not_vlan=space:back,not_subnet=10.0.0.0/24"}, "bond0"),
    ({"interfaces": "0:not_space=back,not_name=br0"}, "bond0"),
    ({"interfaces": "0:fabric_class=fast,not_vid=0"}, "bond0.7"),
    ({"interfaces": "0:not_fabric=deep,not_fabric_class=fast,not_ip=10.0.0.9"}, "br1"),
]
OF_NO_HOST: list[dict[str, Any]] = [
    {"subnets": "10.1.0.0/24", "not_subnets": "space:back"},
    {"not_subnets": ALL},
    {"not_vlans": ["0", "7"]},
    {"not_fabrics": "deep", "not_subnets": ALL[:2]},
    {"not_fabric_classes": "fast", "not_subnets": ALL[:2]},
]


def wire(world: World) -> None:
    def one(name: str, net: int, **more: Any) -> HostInterface:
        return HostInterface(name=name, subnets=(f"10.{net}.0.0/24",), addresses=(f"10.{net}.0.1/24",), **more)

    tagged = one("bond0.7", 7, kind="vlan", vlan_id=7, vlan_parent="bond0")
    world.interfaces = [BRIDGE, one("br1", 1, kind="bridge"), one("bond0", 2, kind="bond"), tagged]


async def networks(house: Inn) -> int:
    """A host with four networks, each of another kind; its id."""
    house.change("alpha", wire)
    id = await house.add_host()
    space = await house.admin.post("spaces/", name="back")
    back, deep = [await subnet_of(house, cidr) for cidr in ALL[1:3]]
    await house.admin.put(f"vlans/{back['vlan']['id']}/", space=space["id"])
    await house.admin.put(f"fabrics/{deep['vlan']['fabric_id']}/", name="deep", class_type="fast")
    return id


@pytest.mark.parametrize("there", [True, False], ids=["ready", "composed"])
async def test_each_means_its_network(house: Inn, there: bool) -> None:
    id = await networks(house)
    for cores, parent in enumerate(("br0", "br1", "bond0", "bond0.7") if there else (), start=1):
        await house.admin.compose(id, cores=cores, interfaces=f"0:name={parent}")
    for fields, parent in ASKED:
        got = await allocate(house.admin, dry_run="true", **fields)
        assert got["dynamic"] is not there, fields
        assert {one["attachment"]["host_interface"] for one in got["interface_set"]} == {parent}, fields
    for fields in OF_NO_HOST:
        text = await refused(house.admin, **fields)
        assert ("fails on 1 host" in text, "networks fails on" in text or not there) == (True, True), fields


async def test_all_that_must_be_there(house: Inn) -> None:
    """Several networks are several NICs, of a machine that is Ready and of one that is composed."""
    id = await networks(house)
    await house.admin.compose(id, hostname="one", interfaces="0:name=br0")
    await house.admin.compose(id, hostname="two", cores=4, interfaces="0:name=br1;1:name=bond0.7")
    both = {"subnets": ["space:back"], "vlans": ["7"]}
    assert (await allocate(house.admin, **both))["hostname"] == "two"
    made = await allocate(house.admin, **both)
    assert made["dynamic"] is True
    assert {one["attachment"]["host_interface"] for one in made["interface_set"]} == {"br1", "bond0.7"}


async def test_a_nic_that_its_guest_leaves_alone(house: Inn) -> None:
    """`mode=unconfigured`: of a machine that is Ready only a NIC that was made so, or has no link at all."""
    id = await networks(house)
    await house.admin.compose(id, hostname="plain")
    assert (await allocate(house.admin, dry_run="true", interfaces="0:mode=unconfigured"))["dynamic"] is True
    await house.admin.compose(id, hostname="bare", cores=2, interfaces="a:name=br0;b:name=br1,mode=unconfigured")
    got = await allocate(house.admin, dry_run="true", interfaces="0:mode=unconfigured")
    assert (got["hostname"], got["constraints_by_type"]["interfaces"]) == (
        "bare",
        {"0": [got["interface_set"][1]["id"]]},
    )
    assert (await allocate(house.admin, dry_run="true", interfaces="0:name=br1"))["hostname"] == "bare"
    two = "0:mode=unconfigured;1:mode=unconfigured"
    assert (await allocate(house.admin, dry_run="true", interfaces=two))["dynamic"] is True
    first = got["interface_set"][0]
    await house.admin.post(f"nodes/{got['system_id']}/interfaces/{first['id']}/", op="disconnect")
    assert (await allocate(house.admin, dry_run="true", interfaces=two))["hostname"] == "bare"
