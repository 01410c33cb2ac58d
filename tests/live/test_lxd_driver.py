"""Instances and volumes through the driver, on a real LXD: each call twice, and nothing left."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import DiskSpec, InstanceSpec, PowerState
from innkeeper.model.readback import differences
from tests.live.conftest import Lab
from tests.live.vms import machine, power

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("clean")]
GB = 10**9


async def test_create_read_delete_each_twice(driver: Lxd, spec: InstanceSpec) -> None:
    for _ in range(2):
        await driver.create(spec)
        made = await driver.instance(name=spec.name)
        assert made is not None
        assert differences(spec, made) == []
        assert (made.power, made.tags, made.faults) == (PowerState.OFF, spec.tags, ())
    assert made in await driver.instances()
    for _ in range(2):
        await driver.delete(name=spec.name, machine=machine(spec))
        assert await driver.instance(name=spec.name) is None


async def test_power_each_twice(driver: Lxd, made: InstanceSpec) -> None:
    for _ in range(2):
        await driver.start(name=made.name)
        assert await power(driver, made) is PowerState.ON
    with pytest.raises(HostRefused, match="Failed shutting down"):
        await driver.stop(name=made.name, force=False, timeout=1)  # its firmware does not listen
    for _ in range(2):
        await driver.stop(name=made.name, force=True, timeout=10)
        assert await power(driver, made) is PowerState.OFF


async def test_frozen_vm_is_on_starts_and_can_be_deleted(lab: Lab, driver: Lxd, made: InstanceSpec) -> None:
    await driver.start(name=made.name)
    await lab.lxc("pause", made.name)
    assert await power(driver, made) is PowerState.ON
    await driver.start(name=made.name)
    assert await power(driver, made) is PowerState.ON
    await lab.lxc("pause", made.name)
    await driver.delete(name=made.name, machine=machine(made))
    assert await driver.instance(name=made.name) is None


async def test_pins_and_limits_arrive(driver: Lxd, spec: InstanceSpec) -> None:
    wanted = replace(spec, pinned=(0,), huge_pages=True, memory=1000)
    await driver.create(wanted)
    made = await driver.instance(name=spec.name)
    await driver.delete(name=spec.name, machine=machine(spec))
    assert made is not None
    assert differences(wanted, made) == []
    assert (made.pinned, made.huge_pages, made.memory) == ((0,), True, 1000)


async def test_foreign_instance_is_not_touched(lab: Lab, driver: Lxd, spec: InstanceSpec) -> None:
    await lab.lxc("init", spec.name, "--empty", "--vm", "-s", lab.pool, "-d", "root,size=1GiB")
    try:
        with pytest.raises(HostRefused, match="already has instance"):
            await driver.create(spec)
        await driver.delete(name=spec.name, machine=machine(spec))
        await driver.delete(name=spec.name, machine="")
        told = await driver.instance(name=spec.name)
        assert told is not None
        assert told.tags == ()
        assert told.interfaces  # from the profile
    finally:
        await lab.lxc("delete", spec.name)


async def test_interrupted_create_is_found_again(driver: Lxd, spec: InstanceSpec) -> None:
    """The process dies right after its request: the next one waits for what the host still does."""
    for moment in (0.0, 0.004, 0.008, 0.012, 0.02):
        task = asyncio.create_task(driver.create(spec))
        await asyncio.sleep(moment)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.create(spec)
        assert await driver.instance(name=spec.name) is not None
        task = asyncio.create_task(driver.delete(name=spec.name, machine=machine(spec)))
        await asyncio.sleep(moment)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.delete(name=spec.name, machine=machine(spec))
        assert await driver.instance(name=spec.name) is None


async def test_delete_right_after_an_interrupted_create_leaves_nothing(driver: Lxd, spec: InstanceSpec) -> None:
    for moment in (0.004, 0.008, 0.012, 0.02):
        task = asyncio.create_task(driver.create(spec))
        await asyncio.sleep(moment)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.delete(name=spec.name, machine=machine(spec))
        await asyncio.sleep(0.1)
        assert await driver.instance(name=spec.name) is None


async def test_refused_create_leaves_nothing(driver: Lxd, spec: InstanceSpec) -> None:
    for bad, says in (
        (replace(spec, disks=(replace(spec.disks[0], pool="nope"),)), "not found"),
        (replace(spec, disks=(replace(spec.disks[0], size=10**15),)), "too large"),
        (replace(spec, interfaces=(replace(spec.interfaces[0], parent="nope"),)), "nope"),
        (replace(spec, name="bad_name!"), "name"),
    ):
        with pytest.raises(HostRefused, match=says):
            await driver.create(bad)
        assert await driver.instance(name=spec.name) is None


async def test_volumes(lab: Lab, driver: Lxd, spec: InstanceSpec) -> None:
    volume = VolumeSpec(pool=lab.pool, name=f"v-{spec.name}", project="default", size=300 * 10**6, tags=spec.tags)
    with_disk = replace(
        spec, disks=(*spec.disks, DiskSpec(device="disk1", pool=lab.pool, size=volume.size, volume=volume.name))
    )
    assert await driver.volume_tags(pool=lab.pool, name=volume.name) is None
    for _ in range(2):
        await driver.create_volume(volume)
        assert await driver.volume_tags(pool=lab.pool, name=volume.name) == spec.tags
    with pytest.raises(HostRefused, match="already has volume"):
        await driver.create_volume(replace(volume, tags=(("operation", "another"),)))
    await driver.create(with_disk)
    await lab.lxc("storage", "volume", "snapshot", lab.pool, volume.name)
    made = await driver.instance(name=spec.name)
    assert made is not None
    assert differences(with_disk, made) == []
    assert {disk.device: disk.size for disk in made.disks} == {"root": GB, "disk1": volume.size}
    assert made in await driver.instances()
    pool = next(pool for pool in (await driver.describe()).pools if pool.name == lab.pool)
    held = [(v.name, v.size, v.holders, v.tags) for v in pool.volumes if v.kind == "custom" and volume.name in v.name]
    assert held == [(volume.name, volume.size, (f"default/{spec.name}",), spec.tags)]
    await driver.delete_volume(pool=lab.pool, name=volume.name, machine="another")
    with pytest.raises(HostRefused):
        await driver.delete_volume(pool=lab.pool, name=volume.name, machine=machine(spec))  # in use
    await driver.delete(name=spec.name, machine=machine(spec))
    for _ in range(2):
        await driver.delete_volume(pool=lab.pool, name=volume.name, machine=machine(spec))
        assert await driver.volume_tags(pool=lab.pool, name=volume.name) is None
