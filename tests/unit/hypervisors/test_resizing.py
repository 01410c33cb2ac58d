"""Other sizes for a VM that is there: sent once, what is not asked for stays, what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import DiskSpec, InstanceFacts, InstanceSpec
from tests.doubles.faults import Cut
from tests.doubles.lxd import LxdDouble
from tests.unit.hypervisors.specs import GB, SPEC, VOLUME

DATA = DiskSpec(device="disk1", pool="default", volume=VOLUME.name, size=VOLUME.size)
TWO_DISKS = replace(SPEC, disks=(*SPEC.disks, DATA))
INSTANCE, CUSTOM = "PATCH /1.0/instances/vm", f"PATCH /1.0/storage-pools/default/volumes/custom/{VOLUME.name}"


async def made(driver: Lxd, double: LxdDouble, spec: InstanceSpec = TWO_DISKS) -> InstanceFacts:
    """The VM and its volume; what was asked until then is forgotten."""
    await driver.create_volume(VOLUME)
    await driver.create(spec)
    double.bodies.clear()
    return await facts(driver)


async def facts(driver: Lxd) -> InstanceFacts:
    found = await driver.instance(name="vm")
    assert found is not None
    return found


def sizes(found: InstanceFacts) -> dict[str, int | None]:
    return {one.device: one.size for one in found.disks}


@pytest.mark.parametrize(
    ("cores", "memory", "config"),
    [
        (5, 2048, {"limits.cpu": "5", "limits.memory": "2048MiB"}),
        (2, 1500, {"limits.memory": "1500MiB"}),
        (1, 4096, {"limits.cpu": "1", "limits.memory": "4096MiB"}),
    ],
)
async def test_limits(driver: Lxd, double: LxdDouble, cores: int, memory: int, config: dict[str, str]) -> None:
    before = await made(driver, double)
    for _ in range(2):
        await driver.resize(name="vm", machine="m1", cores=cores, memory=memory)
        after = await facts(driver)
        assert replace(after, config=before.config) == replace(before, cores=cores, memory=memory)
    assert double.bodies == [(INSTANCE, {"config": config})]


@pytest.mark.parametrize("pinned", [(3, 4), (7, 9)])
async def test_more_memory_leaves_the_pins(driver: Lxd, double: LxdDouble, pinned: tuple[int, ...]) -> None:
    await made(driver, double, replace(TWO_DISKS, cores=2, pinned=pinned))
    await driver.resize(name="vm", machine="m1", cores=2, memory=4096)
    after = await facts(driver)
    assert (after.cores, after.pinned, after.memory) == (2, pinned, 4096)


async def test_one_pinned_core_stays_pinned(driver: Lxd, double: LxdDouble) -> None:
    await made(driver, double, replace(TWO_DISKS, cores=1, pinned=(2,)))
    await driver.resize(name="vm", machine="m1", cores=1, memory=4096)
    assert ((await facts(driver)).cores, (await facts(driver)).pinned) == (1, (2,))


@pytest.mark.parametrize(("device", "address"), [("root", INSTANCE), ("disk1", CUSTOM)])
async def test_a_disk_grows_and_does_not_shrink(driver: Lxd, double: LxdDouble, device: str, address: str) -> None:
    before = await made(driver, double)
    for _ in range(2):
        await driver.resize_disk(name="vm", machine="m1", device=device, size=9 * GB)
    after = await facts(driver)
    assert sizes(after) == sizes(before) | {device: 9 * GB}
    same = [(one.device, one.pool, one.volume) for one in before.disks]
    assert [(one.device, one.pool, one.volume) for one in after.disks] == same
    assert [name for name, _ in double.bodies] == [address]
    with pytest.raises(HostRefused, match="cannot be shrunk") as refused:
        await driver.resize_disk(name="vm", machine="m1", device=device, size=9 * GB - 1)
    assert refused.value.code == 400
    assert await facts(driver) == after


async def test_the_rest_of_a_device_is_sent_with_it(driver: Lxd, double: LxdDouble) -> None:
    await made(driver, double)
    root = double.world.instances["default", "vm"]["devices"]["root"]
    root["boot.priority"] = "10"
    wanted = root | {"size": str(9 * GB)}
    await driver.resize_disk(name="vm", machine="m1", device="root", size=9 * GB)
    assert double.bodies == [(INSTANCE, {"devices": {"root": wanted}})]


async def test_a_running_vm_is_refused(driver: Lxd, double: LxdDouble) -> None:
    await made(driver, double)
    await driver.start(name="vm")
    double.bodies.clear()
    with pytest.raises(HostRefused, match="vm is running"):
        await driver.resize(name="vm", machine="m1", cores=5, memory=2048)
    for device in ("root", "disk1"):
        with pytest.raises(HostRefused, match="vm is running"):
            await driver.resize_disk(name="vm", machine="m1", device=device, size=9 * GB)
    assert double.bodies == []


async def test_what_is_not_that_machines(driver: Lxd, double: LxdDouble) -> None:
    """Another's VM, one that is gone, another's volume, a NIC and a disk that it has not."""
    await made(driver, double)
    for name, machine in (("vm", "m2"), ("gone", "m1")):
        with pytest.raises(HostRefused, match=f"There is no instance {name} of this machine") as refused:
            await driver.resize(name=name, machine=machine, cores=5, memory=2048)
        assert refused.value.code == 404
        with pytest.raises(HostRefused, match=f"There is no instance {name} of this machine"):
            await driver.resize_disk(name=name, machine=machine, device="root", size=9 * GB)
    for device in ("eth0", "disk7"):
        with pytest.raises(HostRefused, match=f"no disk {device} of its own"):
            await driver.resize_disk(name="vm", machine="m1", device=device, size=9 * GB)
    double.world.volumes["default", "default", VOLUME.name]["config"]["user.innkeeper.machine"] = "m2"
    with pytest.raises(HostRefused, match="is not this machine's"):
        await driver.resize_disk(name="vm", machine="m1", device="disk1", size=9 * GB)
    assert double.bodies == []


async def test_limits_after_a_lost_answer(driver: Lxd, double: LxdDouble) -> None:
    await made(driver, double)
    double.faults[INSTANCE] = Cut(done=True)
    with pytest.raises(HostUnreachable):
        await driver.resize(name="vm", machine="m1", cores=5, memory=4096)
    await driver.resize(name="vm", machine="m1", cores=5, memory=4096)
    assert [name for name, _ in double.bodies] == [INSTANCE]
    after = await facts(driver)
    assert (after.cores, after.memory) == (5, 4096)


@pytest.mark.parametrize(("device", "address"), [("root", INSTANCE), ("disk1", CUSTOM)])
async def test_a_disk_after_a_lost_answer(driver: Lxd, double: LxdDouble, device: str, address: str) -> None:
    await made(driver, double)
    double.faults[address] = Cut(done=True)
    with pytest.raises(HostUnreachable):
        await driver.resize_disk(name="vm", machine="m1", device=device, size=9 * GB)
    await driver.resize_disk(name="vm", machine="m1", device=device, size=9 * GB)
    assert [name for name, _ in double.bodies] == [address]
    assert sizes(await facts(driver))[device] == 9 * GB
