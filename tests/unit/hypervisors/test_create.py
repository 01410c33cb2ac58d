"""Making a VM: a call can be repeated, and nothing foreign is touched."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import DiskSpec, InterfaceSpec, PowerState
from innkeeper.model.readback import differences
from tests.doubles.faults import Once
from tests.doubles.lxd import Cut, LxdDouble, Refuse
from tests.doubles.world import sample
from tests.unit.hypervisors.specs import GB, SPEC, TAGS

POST = "POST /1.0/instances"


def posted(double: LxdDouble) -> list[Any]:
    return [body for name, body in double.bodies if name == POST]


async def test_create_and_read_back(driver: Lxd, double: LxdDouble) -> None:
    await driver.create(SPEC)
    made = await driver.instance(name="vm")
    assert made is not None
    assert differences(SPEC, made) == []
    assert (made.power, made.tags, made.faults) == (PowerState.OFF, TAGS, ())


async def test_create_costs_four_requests_and_the_read_one(driver: Lxd, double: LxdDouble) -> None:
    await driver.describe()  # learns the networks' types
    double.requests.clear()
    await driver.create(SPEC)
    assert [request.partition("?")[0].split("-4000-")[0] for request in double.requests] == [
        "GET /1.0/operations",
        "GET /1.0/instances/vm",
        POST,
        "GET /1.0/operations/00000000-0000",
    ]
    double.requests.clear()
    await driver.instance(name="vm")
    assert double.requests == ["GET /1.0/instances/vm?project=default"]


async def test_create_twice_is_one(driver: Lxd, double: LxdDouble) -> None:
    await driver.create(SPEC)
    await driver.create(SPEC)
    assert len(posted(double)) == 1


async def test_create_waits_for_the_still_running_create_of_a_dead_process(driver: Lxd, double: LxdDouble) -> None:
    double.world.takes_seconds = 0.4
    first = asyncio.create_task(driver.create(SPEC))
    await asyncio.sleep(0.15)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert ("default", "vm") not in double.world.instances
    await driver.create(SPEC)
    assert len(posted(double)) == 1


async def test_create_after_a_lost_answer(driver: Lxd, double: LxdDouble) -> None:
    double.world.takes_seconds = 0.2
    double.faults[POST] = Cut(done=True)
    with pytest.raises(HostUnreachable, match="outcome is unknown"):
        await driver.create(SPEC)
    await driver.create(SPEC)
    assert len(posted(double)) == 1
    assert ("default", "vm") in double.world.instances


async def test_create_after_a_request_that_never_arrived(driver: Lxd, double: LxdDouble) -> None:
    double.faults[POST] = Cut()
    with pytest.raises(HostUnreachable, match="outcome is unknown"):
        await driver.create(SPEC)
    await driver.create(SPEC)
    assert ("default", "vm") in double.world.instances


async def test_create_that_another_request_of_ours_overtakes(driver: Lxd, double: LxdDouble) -> None:
    """The sender of the first died, and it was still on its way when we looked: not a failure."""
    double.world.takes_seconds = 0.2
    first = asyncio.create_task(driver.create(SPEC))
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    double.answers["/1.0/operations"] = Once({})
    await driver.create(SPEC)
    assert len(posted(double)) == 2
    assert ("default", "vm") in double.world.instances


async def test_what_a_failed_create_left_is_not_taken_for_made(driver: Lxd, double: LxdDouble) -> None:
    double.world.fails["Creating instance"] = "no space left on device"
    double.faults["GET /1.0/instances/vm"] = Refuse(404, "Instance not found", times=1)
    double.world.add_instance("vm", config={"user.innkeeper.operation": "o1"})
    with pytest.raises(HostRefused, match="no space left"):
        await driver.create(SPEC)


@pytest.mark.parametrize("config", [{}, {"user.innkeeper.operation": "o2", "user.innkeeper.machine": "m1"}])
async def test_create_where_another_is(driver: Lxd, double: LxdDouble, config: dict[str, str]) -> None:
    double.world.add_instance("vm", config=config)
    with pytest.raises(HostRefused, match="already has instance vm in project default") as taken:
        await driver.create(SPEC)
    assert (taken.value.code, double.bodies) == (409, [])


async def test_create_without_an_operation_mark_owns_nothing(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("vm", config={})
    with pytest.raises(HostRefused):
        await driver.create(replace(SPEC, tags=()))


@pytest.mark.parametrize("kind", ["LXD", "Incus"])
async def test_create_that_fails_late(driver: Lxd, double: LxdDouble, kind: str) -> None:
    if kind == "Incus":
        double.world.server = sample("incus-server")
    double.world.fails["Creating instance"] = "Failed creating instance: no space left on device"
    with pytest.raises(HostRefused, match="create instance vm") as refused:
        await driver.create(SPEC)
    assert "no space left" in refused.value.details
    assert double.world.instances == {}


@pytest.mark.parametrize("made", [True, False])
async def test_create_that_the_host_forgot(driver: Lxd, double: LxdDouble, made: bool) -> None:
    """As after a restart of the server: what counts is whether the instance is there."""
    wait = "GET /1.0/operations/00000000-0000-4000-8000-000000000001/wait"
    double.faults[wait] = Refuse(404, "Operation not found")
    double.world.remembers_seconds = 0.0
    if made:
        await driver.create(SPEC)
        assert ("default", "vm") in double.world.instances
        return
    double.world.fails["Creating instance"] = "no"
    with pytest.raises(HostRefused, match="did not carry this out: create instance vm") as vanished:
        await driver.create(SPEC)
    assert "vanished" in vanished.value.details


async def test_V20_target_of_a_cluster(driver: Lxd, double: LxdDouble) -> None:
    await driver.create(replace(SPEC, target="cl2"))
    assert f"{POST}?project=default&target=cl2" in double.requests


async def test_O14_create_in_a_pool_that_is_not_there(driver: Lxd) -> None:
    with pytest.raises(HostRefused, match="Storage pool not found"):
        await driver.create(replace(SPEC, disks=(DiskSpec(device="root", pool="nope", size=GB),)))


async def test_macvlan_modes_of_servers_that_know_one_only(driver: Lxd, double: LxdDouble) -> None:
    nic = InterfaceSpec(device="eth0", attach="macvlan", parent="eth0", mac="00:16:3e:00:00:02", mode="vepa")
    with pytest.raises(HostRefused, match="vepa"):
        await driver.create(replace(SPEC, interfaces=(nic,)))
    assert double.bodies == []
    await driver.create(replace(SPEC, interfaces=(replace(nic, mode="bridge"),)))
    double.world.server["api_extensions"].append("instance_nic_macvlan_mode")
    await driver.identify()
    await driver.create(replace(SPEC, name="vm2", interfaces=(nic,)))
    assert posted(double)[-1]["devices"]["eth0"]["mode"] == "vepa"
