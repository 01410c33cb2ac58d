"""Existing VMs, as LXD tells them, read by the real client from the double."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import DiskFacts, InstanceFacts, PowerState
from tests.doubles.lxd import LxdDouble, Refuse
from tests.doubles.world import FROZEN, RUNNING, sample

GIB = 1024**3
ROOT = {"type": "disk", "path": "/", "pool": "default", "size": "8GiB"}


async def only(driver: Lxd) -> InstanceFacts:
    (one,) = await driver.instances()
    return one


@pytest.mark.parametrize(
    ("text", "mib"),
    [("8GiB", 8192), ("8GB", 7629), ("8589934592", 8192), (None, 1024), ("512MiB", 512), ("2000000kB", 1907)],
)
async def test_V01_memory(driver: Lxd, double: LxdDouble, text: str | None, mib: int) -> None:
    double.world.add_instance("vm", config={} if text is None else {"limits.memory": text})
    told = await only(driver)
    assert (told.memory, told.faults) == (mib, ())


@pytest.mark.parametrize("text", ["50%", "1.5GiB", "lots", "-1GiB", "8 gigs"])
async def test_V01_memory_that_is_not_understood_is_named(driver: Lxd, double: LxdDouble, text: str) -> None:
    double.world.add_instance("odd", config={"limits.memory": text})
    double.world.add_instance("plain", config={"limits.memory": "2GiB"})
    odd, plain = await driver.instances()
    assert (odd.memory, plain.memory, plain.faults) == (1024, 2048, ())
    assert odd.faults == (f"limits.memory is {text!r}; taken as 1024 MiB",)


@pytest.mark.parametrize(
    ("text", "cores", "pinned"),
    [
        ("4", 4, ()),
        ("0-3,8", 5, (0, 1, 2, 3, 8)),
        ("2-2", 1, (2,)),
        ("", 1, ()),
        (None, 1, ()),
        ("3,1", 2, (1, 3)),
        ("0-1,1-2", 3, (0, 1, 2)),
    ],
)
async def test_V03_cores(driver: Lxd, double: LxdDouble, text: str | None, cores: int, pinned: tuple[int, ...]) -> None:
    double.world.add_instance("vm", config={} if text is None else {"limits.cpu": text})
    told = await only(driver)
    assert (told.cores, told.pinned, told.faults) == (cores, pinned, ())


@pytest.mark.parametrize("text", ["all", "3-1", "0", "1,", "0-99999", "99999999", "²"])
async def test_V03_cores_that_are_not_understood_are_named(driver: Lxd, double: LxdDouble, text: str) -> None:
    double.world.add_instance("vm", config={"limits.cpu": text})
    told = await only(driver)
    assert (told.cores, told.pinned) == (1, ())
    assert told.faults == (f"limits.cpu is {text!r}; taken as 1 core",)


@pytest.mark.parametrize(("text", "is_"), [("True", True), ("1", True), ("false", False), (None, False), ("0", False)])
async def test_V05_huge_pages(driver: Lxd, double: LxdDouble, text: str | None, is_: bool) -> None:
    double.world.add_instance("vm", config={} if text is None else {"limits.memory.hugepages": text})
    assert (await only(driver)).huge_pages is is_


async def test_V07_disks_outside_of_pools(driver: Lxd, double: LxdDouble) -> None:
    devices = {
        "root": ROOT,
        "cidata": {"type": "disk", "source": "cloud-init:config"},
        "iso": {"type": "disk", "source": "/srv/x.iso", "boot.priority": "10"},
        "share": {"type": "disk", "source": "/srv/data", "path": "/data"},
        "lent": {"type": "disk", "pool": "default", "source": "other-vm", "source.type": "virtual-machine"},
    }
    double.world.add_instance("vm", devices=devices)
    told = await only(driver)
    assert {disk.device: (disk.pool, disk.size) for disk in told.disks} == {
        "root": ("default", 8 * GIB),
        "cidata": ("", None),
        "iso": ("", None),
        "share": ("", None),
        "lent": ("", None),
    }
    assert double.counted() == {"GET /1.0/instances": 1}


async def test_V09_a_further_disk_has_its_volumes_size(
    connected: Callable[..., Awaitable[Lxd]], double: LxdDouble
) -> None:
    double.world.add_pool("slow")
    double.world.add_project("maas")
    double.world.add_volume("data", pool="slow", project="maas", size="50GiB")
    double.world.add_volume("data", pool="slow", project="default", size="1GiB")
    double.world.add_volume("shared", pool="slow", project="default", size="5000000000")
    devices = {
        "root": ROOT,
        "disk1": {"type": "disk", "pool": "slow", "source": "data"},
        "disk2": {"type": "disk", "pool": "slow", "source": "shared"},  # of "default": the project has it from there
    }
    double.world.add_instance("vm", project="maas", devices=devices)
    double.world.add_instance("vm2", project="maas", devices=devices)
    driver = await connected("maas")
    told = await driver.instances()
    assert told[0].disks[0].device == "root"
    assert told[0].disks[1:] == (
        DiskFacts(device="disk1", pool="slow", volume="data", size=50 * GIB),
        DiskFacts(device="disk2", pool="slow", volume="shared", size=5 * 10**9),
    )
    assert double.counted()["GET /1.0/storage-pools/slow/volumes"] == 1  # per pool, not per VM or disk
    one = await driver.instance(name="vm")
    assert one is not None
    assert one.disks[1].size == 50 * GIB


async def test_V07_the_root_disk_is_the_first_and_the_others_are_in_their_order(driver: Lxd, double: LxdDouble) -> None:
    extra = {f"disk{number}": {"type": "disk", "pool": "default", "source": f"v{number}"} for number in (10, 1, 2)}
    double.world.add_instance("vm", devices=extra | {"root": ROOT})
    assert [disk.device for disk in (await only(driver)).disks] == ["root", "disk1", "disk2", "disk10"]


async def test_V10_nics_of_every_kind(driver: Lxd, double: LxdDouble) -> None:
    double.world.networks.append({"name": "ovn1", "type": "ovn", "managed": True, "config": {}})
    config = {"volatile.a.hwaddr": "00:16:3e:00:00:0a", "volatile.bb.hwaddr": "00:16:3e:00:00:0b"}
    nics = {
        "a": {"type": "nic", "network": "ovn1"},
        "b": {"type": "nic", "nictype": "bridged", "parent": "br0", "hwaddr": "00:16:3e:00:00:01", "vlan": "5"},
        "bb": {"type": "nic", "network": "lxdbr0"},
        "c": {"type": "nic", "nictype": "macvlan", "parent": "eth0"},
        "d": {"type": "nic", "nictype": "sriov", "parent": "ens1f0"},
        "e": {"type": "nic", "nictype": "routed", "parent": "eth0"},
    }
    vm = double.world.add_instance("vm", config=config, devices={"root": ROOT, **nics})
    told = await only(driver)
    assert {n.device: (n.attach, n.parent, n.mac[-2:], n.vlan) for n in told.interfaces} == {
        "a": ("ovn", "ovn1", "0a", 0),
        "b": ("bridge", "br0", "01", 5),
        "bb": ("network", "lxdbr0", "0b", 0),
        "c": ("macvlan", "eth0", "", 0),
        "d": ("sriov", "ens1f0", "", 0),
        "e": ("other", "eth0", "", 0),
    }
    vm["devices"] = {"root": ROOT}  # all of them from a profile: only the expanded devices have them
    assert len((await only(driver)).interfaces) == 6
    # The networks' types are learnt once, not at each look.
    assert double.counted() == {"GET /1.0/instances": 2, "GET /1.0/networks": 1}


async def test_V13_other_projects_are_told_apart(connected: Callable[..., Awaitable[Lxd]], double: LxdDouble) -> None:
    double.world.add_project("maas")
    double.world.add_volume("data", project="default", size="3GiB")
    double.world.add_instance("theirs", project="default")
    double.world.add_instance("ours", project="maas")
    driver = await connected("maas")
    assert {one.key for one in await driver.instances()} == {("default", "theirs"), ("maas", "ours")}
    (pool,) = (await driver.describe()).pools
    assert {(v.project, v.kind, v.name) for v in pool.volumes} == {
        ("default", "custom", "data"),
        ("default", "virtual-machine", "theirs"),
        ("maas", "virtual-machine", "ours"),
    }
    assert await driver.instance(name="theirs") is None


async def test_V14_the_same_name_in_two_projects(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_project("maas")
    double.world.add_instance("vm", project="default", config={"limits.cpu": "1"})
    double.world.add_instance("vm", project="maas", config={"limits.cpu": "2"})
    assert {one.key: one.cores for one in await driver.instances()} == {("default", "vm"): 1, ("maas", "vm"): 2}


async def test_V15_containers_are_ignored(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("vm")
    double.world.add_instance("container", type="container")
    assert [one.name for one in await driver.instances()] == ["vm"]
    double.answers["/1.0/instances"] = list(double.world.instances.values())  # a server that does not filter
    assert [one.name for one in await driver.instances()] == ["vm"]
    assert await driver.instance(name="container") is None


async def test_V16_reading_changes_nothing(driver: Lxd, double: LxdDouble) -> None:
    for number in range(12):
        double.world.add_instance(f"vm{number}", status=RUNNING)
    await driver.identify()
    await driver.ensure_project(description="", tags=())
    await driver.describe()
    told = await driver.instances()
    assert [one.power for one in told] == [PowerState.ON] * 12
    assert double.bodies == []


async def test_V21_location_is_followed(driver: Lxd, double: LxdDouble) -> None:
    vm = double.world.add_instance("vm", location="cl1")
    assert (await only(driver)).location == "cl1"
    vm["location"] = "cl2"
    assert (await only(driver)).location == "cl2"
    vm["location"] = "none"
    assert (await only(driver)).location == ""


async def test_O05_disks_do_not_multiply_cores(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_pool("slow")
    double.world.add_volume("a", pool="slow", size="1GiB")
    double.world.add_volume("b", pool="slow", size="2GiB")
    disks = {name: {"type": "disk", "pool": "slow", "source": name} for name in "ab"}
    double.world.add_instance("vm", config={"limits.cpu": "4"}, devices={"root": ROOT, **disks})
    told = await driver.instances()
    assert [(one.cores, len(one.disks)) for one in told] == [(4, 3)]


async def test_root_disk_without_a_size(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("vm", devices={"root": {"type": "disk", "path": "/", "pool": "default"}})
    told = await only(driver)
    assert told.disks[0].size == 10 * GIB
    assert told.faults == ("disk root has size ''; taken as 10 GiB",)


@pytest.mark.parametrize(
    ("code", "power"),
    [
        (103, PowerState.ON),
        (102, PowerState.OFF),
        (110, PowerState.ON),
        (112, PowerState.ERROR),
        (107, PowerState.ON),
        (0, PowerState.UNKNOWN),
        (999, PowerState.UNKNOWN),
    ],
)
async def test_power_states(driver: Lxd, double: LxdDouble, code: int, power: PowerState) -> None:
    double.world.add_instance("vm", status=(code, "x"))
    assert (await only(driver)).power is power


async def test_marks_are_read_from_the_instance_itself(driver: Lxd, double: LxdDouble) -> None:
    own = {"user.innkeeper.machine": "m1", "user.note": "x", "security.secureboot": "false", "limits.cpu": "2"}
    vm = double.world.add_instance("vm", config=own)
    vm["expanded_config"] = {**own, "user.innkeeper.operation": "by a profile"}
    told = await only(driver)
    assert told.tags == (("machine", "m1"),)
    assert told.config == (("limits.cpu", "2"), ("security.secureboot", "false"))


@pytest.mark.parametrize("server", ["", "incus-"])
async def test_raw_answers_of_real_servers(driver: Lxd, double: LxdDouble, server: str) -> None:
    double.answers["/1.0/instances"] = sample(f"{server}instances-recursion1")
    double.world.add_volume("vol1", size="64MiB")
    first, second = await driver.instances()
    assert (first.name, first.power, first.memory, first.cores) == ("s1", PowerState.ON, 256, 1)
    assert [(d.device, d.pool, d.size) for d in first.disks] == [
        ("root", "default", GIB),
        ("cidata", "", None),
        ("disk1", "default", 64 * 1024**2),
    ]
    assert first.interfaces[0].mac.startswith("00:16:3e:" if not server else "10:66:6a:")
    assert (second.name, second.power, second.faults) == ("s2", PowerState.OFF, ())


async def test_restricted_certificate_sees_its_project(
    connected: Callable[..., Awaitable[Lxd]], double: LxdDouble
) -> None:
    double.world.add_project("maas")
    double.world.restricted = frozenset({"maas"})
    double.world.add_instance("ours", project="maas", status=FROZEN)
    double.world.add_instance("theirs")
    driver = await connected("maas")
    assert [one.name for one in await driver.instances()] == ["ours"]


async def test_a_passing_error_is_not_taken_for_a_restriction(driver: Lxd, double: LxdDouble) -> None:
    """Else all VMs of other projects would seem to be gone."""
    double.faults["GET /1.0/instances"] = Refuse(500, "open /var/lib/lxd: permission denied", times=1)
    with pytest.raises(Exception, match="permission denied"):
        await driver.instances()
    double.faults["GET /1.0/instances"] = Refuse(500, 'User does not have permissions for project "default"', times=1)
    assert await driver.instances() == ()
