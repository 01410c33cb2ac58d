"""Deleting and powering a VM: a call can be repeated, and nothing foreign is touched."""

from __future__ import annotations

import asyncio

import pytest

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import PowerState
from tests.doubles.faults import Once
from tests.doubles.lxd import LxdDouble, Refuse
from tests.doubles.world import FROZEN, RUNNING, STOPPED
from tests.unit.hypervisors.specs import SPEC


async def test_delete_twice(driver: Lxd, double: LxdDouble) -> None:
    await driver.create(SPEC)
    await driver.start(name="vm")
    for _ in range(2):
        await driver.delete(name="vm", machine="m1")
        assert double.world.instances == {}
    assert double.counted()["DELETE /1.0/instances/vm"] == 1


async def test_delete_leaves_what_is_not_that_machine(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("foreign", status=RUNNING)
    double.world.add_instance("other", config={"user.innkeeper.machine": "m2"}, status=RUNNING)
    for name in ("foreign", "other"):
        await driver.delete(name=name, machine="m1")
        await driver.delete(name=name, machine="")
    assert double.bodies == []


async def test_delete_of_one_that_we_did_not_make(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("foreign", status=RUNNING)
    for _ in range(2):
        await driver.delete(name="foreign", machine=None)
        assert double.world.instances == {}


async def test_delete_of_a_vm_that_stops_or_goes_meanwhile(driver: Lxd, double: LxdDouble) -> None:
    config = {"user.innkeeper.machine": "m1"}
    vm = double.world.add_instance("vm", config=config, status=RUNNING)
    double.world.takes_seconds = 0.1
    task = asyncio.create_task(driver.delete(name="vm", machine="m1"))
    await asyncio.sleep(0.05)
    vm["status_code"] = STOPPED[0]
    double.world.fails["Stopping instance"] = "The instance is already stopped"
    await task
    double.world.add_instance("vm", config=config)
    double.faults["DELETE /1.0/instances/vm"] = Refuse(404, "Instance not found")
    await driver.delete(name="vm", machine="m1")


async def test_delete_that_fails(driver: Lxd, double: LxdDouble) -> None:
    config = {"user.innkeeper.machine": "m1"}
    double.world.add_instance("vm", config=config, status=RUNNING)
    double.world.fails["Stopping instance"] = "monitor does not answer"
    with pytest.raises(HostRefused, match="monitor does not answer"):
        await driver.delete(name="vm", machine="m1")
    double.world.fails["Deleting instance"] = "device busy"
    with pytest.raises(HostRefused, match="device busy"):
        await driver.delete(name="vm", machine="m1")
    await driver.delete(name="vm", machine="m1")
    assert double.world.instances == {}


async def test_delete_that_another_request_of_ours_overtakes(driver: Lxd, double: LxdDouble) -> None:
    config = {"user.innkeeper.machine": "m1"}
    double.world.add_instance("vm", config=config)
    double.world.takes_seconds = 0.3
    first = asyncio.create_task(driver.delete(name="vm", machine="m1"))
    await asyncio.sleep(0.1)
    double.answers["/1.0/operations"] = Once({})
    double.faults["DELETE /1.0/instances/vm"] = Refuse(400, 'Instance is busy running a "delete" operation')
    await driver.delete(name="vm", machine="m1")
    await first
    assert double.world.instances == {}


async def test_delete_waits_for_a_create_that_is_still_running(driver: Lxd, double: LxdDouble) -> None:
    """Else it would see nothing, and the instance would appear later."""
    double.world.takes_seconds = 0.3
    task = asyncio.create_task(driver.create(SPEC))
    await asyncio.sleep(0.1)
    await driver.delete(name="vm", machine="m1")
    await task
    assert double.world.instances == {}


async def test_power_on_and_off_twice(driver: Lxd, double: LxdDouble) -> None:
    vm = double.world.add_instance("vm")
    for _ in range(2):
        await driver.start(name="vm")
        assert vm["status"] == "Running"
    for _ in range(2):
        await driver.stop(name="vm", force=False, timeout=1.5)
        assert vm["status"] == "Stopped"
    assert [body for _, body in double.bodies] == [
        {"action": "start", "timeout": 30},
        {"action": "stop", "force": False, "timeout": 2},
    ]


async def test_a_guest_that_does_not_listen(driver: Lxd, double: LxdDouble) -> None:
    vm = double.world.add_instance("vm", status=RUNNING)
    double.world.ignores_shutdown = True
    with pytest.raises(HostRefused, match="Failed shutting down"):
        await driver.stop(name="vm", force=False, timeout=1)
    await driver.stop(name="vm", force=True, timeout=1)
    assert vm["status"] == "Stopped"


async def test_a_frozen_vm_is_on_and_starts_by_thawing(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("vm", status=FROZEN)
    told = await driver.instance(name="vm")
    assert told is not None
    assert told.power is PowerState.ON
    await driver.start(name="vm")
    assert double.bodies[0][1]["action"] == "unfreeze"
    assert double.world.instances["default", "vm"]["status"] == "Running"


async def test_started_by_somebody_else_meanwhile(driver: Lxd, double: LxdDouble) -> None:
    vm = double.world.add_instance("vm")
    double.world.takes_seconds = 0.1
    task = asyncio.create_task(driver.start(name="vm"))
    await asyncio.sleep(0.05)
    vm["status_code"] = RUNNING[0]
    double.world.fails["Starting instance"] = "The instance is already running"
    await task


async def test_a_start_that_fails(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("vm")
    double.world.fails["Starting instance"] = "Cannot allocate memory"
    with pytest.raises(HostRefused, match="Cannot allocate memory"):
        await driver.start(name="vm")


@pytest.mark.parametrize("call", ["start", "stop"])
async def test_power_of_nothing(driver: Lxd, call: str) -> None:
    with pytest.raises(HostRefused, match="no instance vm") as refused:
        await (driver.start(name="vm") if call == "start" else driver.stop(name="vm", force=True, timeout=1))
    assert refused.value.code == 404
