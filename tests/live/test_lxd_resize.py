"""Other sizes for a VM that is there, on a real LXD: each call twice; what runs, shrinks or is another's is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import DiskSpec, InstanceFacts, InstanceSpec
from tests.live.vms import machine

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("clean")]
GB = 10**9


async def facts(driver: Lxd, spec: InstanceSpec) -> InstanceFacts:
    found = await driver.instance(name=spec.name)
    assert found is not None
    return found


async def test_limits_each_twice(driver: Lxd, made: InstanceSpec) -> None:
    before = await facts(driver, made)
    for cores, memory in ((2, 1500), (1, 1024)):
        for _ in range(2):
            await driver.resize(name=made.name, machine=machine(made), cores=cores, memory=memory)
            assert await facts(driver, made) == replace(
                before, cores=cores, memory=memory, config=(await facts(driver, made)).config
            )
    with pytest.raises(HostRefused, match="There is no instance"):
        await driver.resize(name=made.name, machine="another", cores=2, memory=1500)
    assert (await facts(driver, made)).cores == 1


async def test_more_memory_leaves_the_pins(driver: Lxd, spec: InstanceSpec) -> None:
    wanted = replace(spec, cores=1, pinned=(0,))
    await driver.create(wanted)
    try:
        await driver.resize(name=spec.name, machine=machine(spec), cores=1, memory=1500)
        after = await facts(driver, spec)
        assert (after.cores, after.pinned, after.memory) == (1, (0,), 1500)
    finally:
        await driver.delete(name=spec.name, machine=machine(spec))


async def test_a_running_vm_is_refused(driver: Lxd, made: InstanceSpec) -> None:
    await driver.start(name=made.name)
    try:
        with pytest.raises(HostRefused, match="is running"):
            await driver.resize(name=made.name, machine=machine(made), cores=2, memory=1500)
        with pytest.raises(HostRefused, match="is running"):
            await driver.resize_disk(name=made.name, machine=machine(made), device="root", size=2 * GB)
    finally:
        await driver.stop(name=made.name, force=True, timeout=10)


async def test_disks_grow_each_twice_and_do_not_shrink(driver: Lxd, spec: InstanceSpec) -> None:
    """The root disk and a volume of its own; everything else of the device stays."""
    volume = VolumeSpec(
        pool=spec.disks[0].pool, name=f"{spec.name}-data", project=spec.project, size=GB, tags=spec.tags
    )
    more = DiskSpec(device="disk1", pool=volume.pool, volume=volume.name, size=volume.size)
    wanted, mine = replace(spec, disks=(*spec.disks, more)), machine(spec)
    await driver.create_volume(volume)
    try:
        await driver.create(wanted)
        before = await facts(driver, spec)
        for device, size in (("root", (spec.disks[0].size or 0) + GB), ("disk1", 2 * GB)):
            for _ in range(2):
                await driver.resize_disk(name=spec.name, machine=mine, device=device, size=size)
                sizes = {disk.device: disk.size for disk in (await facts(driver, spec)).disks}
                assert sizes[device] == size
        for device in ("root", "disk1"):
            with pytest.raises(HostRefused, match="shr"):
                await driver.resize_disk(name=spec.name, machine=mine, device=device, size=GB // 2)
        after = await facts(driver, spec)
        assert [(one.device, one.pool, one.volume) for one in after.disks] == [
            (one.device, one.pool, one.volume) for one in before.disks
        ]
    finally:
        await driver.delete(name=spec.name, machine=mine)
        await driver.delete_volume(pool=volume.pool, name=volume.name, machine=mine)
