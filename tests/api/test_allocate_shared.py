"""Allocate by networks that one NIC can be on together: a machine is made where it fits, with no NIC too many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.host import HostInterface
from tests.api.facts import composed
from tests.api.test_allocate import allocate, refused
from tests.api.wired import BOND, OFFICE, refusal, subnet_of, wired
from tests.kit.house import Inn

DUAL = HostInterface(
    name="lan0",
    kind="bridge",
    managed=True,
    dhcp=True,
    subnets=("10.4.0.0/24", "2001:db8:4::/64"),
    addresses=("10.4.0.1/24", "2001:db8:4::1/64"),
)
BARE = HostInterface(name="eno9", kind="physical")


async def dual(house: Inn) -> int:
    """A host with a managed network of its own besides the usual ones, of which a VM can have one NIC each; its id."""

    def wire(world: World) -> None:
        world.interfaces = [*world.interfaces, DUAL, OFFICE, BOND]

    house.change("alpha", wire)
    return await house.add_host()


async def parents(house: Inn, **fields: Any) -> list[str]:
    got = await allocate(house.admin, **fields)
    assert got["dynamic"] is True
    return [nic["attachment"]["host_interface"] for nic in got["interface_set"]]


async def test_what_one_nic_meets_takes_one_nic(house: Inn) -> None:
    await dual(house)
    lan = (await subnet_of(house, "10.4.0.0/24"))["vlan"]
    assert await parents(house, subnets="10.4.0.0/24", fabrics=lan["fabric"]) == ["lan0"]
    assert await parents(house, subnets="10.4.0.0/24", vlans=f"id:{lan['id']}") == ["lan0"]
    assert await parents(house, subnets=["10.4.0.0/24", "2001:db8:4::/64"]) == ["lan0"]
    assert await parents(house, subnets=["10.4.0.0/24", "10.2.0.0/24"], vlans=f"id:{lan['id']}") == ["lan0", "bond0"]


async def test_nics_that_were_said_go_where_the_rest_is_met_too(house: Inn) -> None:
    await dual(house)
    assert await parents(house, interfaces="0:space=-1", subnets="10.4.0.0/24") == ["lan0"]
    fabric = (await subnet_of(house, "10.2.0.0/24"))["vlan"]["fabric"]
    assert await parents(house, interfaces="0:space=-1", fabrics=fabric) == ["bond0"]
    assert await parents(house, interfaces="0:space=-1", fabrics=fabric, not_subnets="10.0.0.0/24") == ["bond0"]
    assert await parents(house, interfaces="0:space=-1;1:space=-1", subnets="10.2.0.0/24") == ["bond0", "br0"]
    text = await refused(house.admin, interfaces="0:subnet=10.2.0.0/24", subnets="10.4.0.0/24")
    assert "networks fails on 1 host" in text


@pytest.mark.parametrize("fields", [{}, {"not_subnets": "10.4.0.0/24"}, {"interfaces": "0:not_name=br1"}])
async def test_a_machine_is_not_hung_on_a_wire_that_is_down(house: Inn, fields: dict[str, str]) -> None:
    """Not on one of which nothing is known either, while another is there."""

    def wire(world: World) -> None:
        world.interfaces = [replace(DUAL, up=False), BARE, BOND]

    house.change("alpha", wire)
    await house.add_host()
    assert await parents(house, **fields) == ["bond0"]


async def test_a_host_of_which_all_is_down_says_so(house: Inn) -> None:
    def wire(world: World) -> None:
        world.interfaces = [replace(BARE, up=False)]

    house.change("alpha", wire)
    id = await house.add_host()
    status, text = await refusal(house, id)
    assert (status, "no network to attach a VM to is up; it has eno9 (VLAN not known; down)" in text) == (409, True), (
        text
    )
    assert "interfaces fails on 1 host" in await refused(house.admin)
    await wired(house, "beta")
    assert await parents(house) == ["br0"]  # of the other host
    made = await composed(house, id, interfaces="0:name=eno9")
    assert made["interface_set"][0]["attachment"]["host_interface"] == "eno9"
