"""A whole inventory: what is asked, what a broken part means, old servers and Incus, restricted certificates."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest

from innkeeper.errors import HostRefused, HostUnreachable, HostUntrusted
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.lxd import Cut, Delay, Garbage, LxdDouble, Refuse
from tests.doubles.world import sample

GIB = 1024**3


async def test_whole_inventory(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_project("maas")
    told = await driver.describe()
    assert (told.server_name, told.version, told.hypervisor, told.clustered) == ("vm", "5.0.2", "lxd", False)
    assert (told.cores, told.memory, told.cpu_model) == (2, 24 * GIB, "AMD EPYC")
    assert [(p.name, p.driver, p.total, p.written) for p in told.pools] == [
        ("default", "dir", 270553174016, 30686474240)
    ]
    assert {p.name: p.description for p in told.projects} == {"default": "Default LXD project", "maas": ""}
    assert told.faults == ()


async def test_R12_broken_resources_degrade_that_part(driver: Lxd, double: LxdDouble) -> None:
    words = 'Failed to add device information for "ens1": Failed to get ethtool link settings: input/output error'
    double.faults["GET /1.0/resources"] = Refuse(500, words)
    double.world.add_instance("vm")
    told = await driver.describe()
    assert told.faults == (("resources", words),)
    assert (told.cores, told.memory, told.numa_nodes) == (None, None, ())  # unknown, and never 0
    assert [pool.name for pool in told.pools] == ["default"]
    assert {one.name for one in told.interfaces} == {"eth0", "incusbr0", "lxdbr0"}
    assert [one.name for one in await driver.instances()] == ["vm"]


PARTS = {
    "projects": "projects",
    "profiles": "profiles",
    "networks": "networks",
    "storage-pools": "storage pools",
    "storage-pools/default/resources": "pool default",
    "storage-pools/default/volumes": "pool default",
    "networks/eth0/state": "network eth0",
}
SLOW = ("storage-pools/default/resources", "networks/eth0/state")


@pytest.mark.parametrize(
    ("path", "how"), [*itertools.product(PARTS, ("refused", "garbage")), *((path, "too slow") for path in SLOW)]
)
async def test_R12_any_part_may_break(driver: Lxd, double: LxdDouble, path: str, how: str) -> None:
    part = PARTS[path]
    fault = {"refused": Refuse(500, "no"), "garbage": Garbage(), "too slow": Delay(2.4)}[how]
    double.faults[f"GET /1.0/{path}"] = fault
    told = await driver.describe()
    ((broken, words),) = told.faults
    assert broken == part
    assert {"refused": "no", "garbage": "not JSON", "too slow": "No answer in time"}[how] in words
    assert told.cores == 2
    if part == "pool default":
        assert [pool.name for pool in told.pools] == ["default"]
        assert (told.pools[0].total is None) == path.endswith("resources")


@pytest.mark.parametrize(
    "path", ["resources", "storage-pools", "storage-pools/default/resources", "networks/eth0/state"]
)
async def test_a_host_that_goes_away_meanwhile_is_unreachable(driver: Lxd, double: LxdDouble, path: str) -> None:
    double.faults[f"GET /1.0/{path}"] = Cut(times=99)
    assert len((await driver.describe()).faults) == 1  # the host itself still answers
    double.faults["GET /1.0"] = Cut(times=99, skip=1)
    with pytest.raises(HostUnreachable, match="cut"):
        await driver.describe()


async def test_R17_an_old_server_is_refused_by_the_names_of_what_it_lacks(driver: Lxd, double: LxdDouble) -> None:
    double.world.server["api_extensions"].remove("custom_block_volumes")
    double.world.server["environment"]["server_version"] = "4.0.9"
    assert (await driver.identify()).missing == ("custom_block_volumes",)
    with pytest.raises(HostRefused) as refused:
        await driver.describe()
    assert "LXD 4.0.9" in refused.value.brief
    assert "custom_block_volumes" in refused.value.details
    assert "LXD 4.16" in refused.value.resolution


async def test_R17_also_when_it_does_not_trust_us_yet(driver: Lxd, double: LxdDouble) -> None:
    double.world.server["api_extensions"].remove("projects")
    double.world.trusted = False
    told = await driver.identify()
    assert (told.trusted, told.missing, told.version) == (False, ("projects",), "")


async def test_R18_incus_works(driver: Lxd, double: LxdDouble) -> None:
    double.world.server = sample("incus-server")
    told = await driver.identify()
    assert (told.hypervisor, told.version, told.missing) == ("incus", "6.0.4", ())
    assert (await driver.describe()).hypervisor == "incus"
    double.world.trusted = False
    assert (await driver.identify()).hypervisor == "incus"  # known by its extensions alone


@pytest.mark.parametrize("answer", ["server-untrusted", "incus-server-untrusted"])
async def test_R19_untrusted_is_known_and_may_change(driver: Lxd, double: LxdDouble, answer: str) -> None:
    double.answers["/1.0"] = sample(answer)
    double.world.trusted = False
    told = await driver.identify()
    assert (told.trusted, told.missing, told.server_name) == (False, (), "")
    for call in (driver.describe(), driver.instances(), driver.instance(name="x"), driver.start(name="x")):
        with pytest.raises(HostUntrusted, match="fingerprint"):
            await call
    del double.answers["/1.0"]
    double.world.trusted = True
    assert (await driver.describe()).server_name == "vm"


async def test_T13_restricted_certificate(connected: Callable[..., Awaitable[Lxd]], double: LxdDouble) -> None:
    double.world.add_project("maas")
    double.world.restricted = frozenset({"maas"})
    double.faults["GET /1.0/networks"] = Refuse(403, "not authorized")
    double.world.add_volume("ours", project="maas", size="1GiB")
    double.world.add_volume("theirs", size="1GiB")
    told = await (await connected("maas")).describe()
    assert told.faults == (("networks", "not authorized"), ("other projects", "not authorized"))
    assert told.cores == 2
    assert [project.name for project in told.projects] == ["maas"]
    (pool,) = told.pools
    assert (pool.path, pool.total, [v.name for v in pool.volumes]) == ("unknown", 270553174016, ["ours"])


async def test_T17_profiles_of_the_tracked_project(connected: Callable[..., Awaitable[Lxd]], double: LxdDouble) -> None:
    double.world.add_project("maas")
    double.world.profiles["maas"] = ["default", "maas", "räume"]
    assert (await (await connected("maas")).describe()).profiles == ("default", "maas", "räume")


async def test_O08_a_thin_pool_tells_what_is_allocated_and_what_is_written(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_pool("thin", total=100 * GIB, used=1 * GIB)
    for number in range(5):
        root = {"type": "disk", "path": "/", "pool": "thin", "size": "30GiB"}
        double.world.add_instance(f"vm{number}", devices={"root": root})
    pool = {pool.name: pool for pool in (await driver.describe()).pools}["thin"]
    assert (pool.total, pool.written) == (100 * GIB, GIB)
    allocated = sum(disk.size or 0 for one in await driver.instances() for disk in one.disks if disk.pool == "thin")
    assert allocated == 150 * GIB


async def test_O10_lvm_tells_no_use(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_pool("lvm", driver="lvm", total=100 * GIB, used=0)
    for number in range(10):
        double.world.add_volume(f"v{number}", pool="lvm", size="5GiB")
    pool = {pool.name: pool for pool in (await driver.describe()).pools}["lvm"]
    assert pool.written == 0
    assert sum(volume.size or 0 for volume in pool.volumes) == 50 * GIB


async def test_O12_a_pool_without_visible_configuration(driver: Lxd, double: LxdDouble) -> None:
    double.world.pools["default"]["config"] = None
    told = await driver.describe()
    assert [(pool.name, pool.path, pool.total) for pool in told.pools] == [("default", "unknown", 270553174016)]
    assert told.faults == ()


async def test_O14_no_storage_pool_at_all(driver: Lxd, double: LxdDouble) -> None:
    double.world.pools.clear()
    told = await driver.describe()
    assert (told.pools, told.faults, told.cores) == ((), (), 2)


async def test_volumes_and_who_holds_them(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_project("maas")
    double.world.add_pool("remote", driver="ceph")
    config = {"size": "3GiB", "user.innkeeper.machine": "m1"}
    double.world.add_volume("held", pool="remote", project="maas", **config)
    double.world.add_volume("orphan", pool="remote", size="1GiB")
    double.world.add_volume("orphan/snap0", pool="remote", size="1GiB")
    disk = {"disk1": {"type": "disk", "pool": "remote", "source": "held"}}
    double.world.add_instance("vm", project="maas", devices=disk)
    pool = {pool.name: pool for pool in (await driver.describe()).pools}["remote"]
    assert pool.shared
    assert {(v.name, v.size, v.written, v.holders, v.tags) for v in pool.volumes} == {
        ("held", 3 * GIB, None, ("maas/vm",), (("machine", "m1"),)),
        ("orphan", GIB, None, (), ()),
    }


async def test_servers_that_list_volumes_by_project_only(driver: Lxd, double: LxdDouble) -> None:
    double.world.server["api_extensions"].remove("storage_volumes_all_projects")
    double.world.add_project("maas")
    double.world.add_volume("a", project="default")
    double.world.add_volume("b", project="maas")
    (pool,) = (await driver.describe()).pools
    assert {(volume.project, volume.name) for volume in pool.volumes} == {("default", "a"), ("maas", "b")}


async def test_requests_do_not_grow_with_vms(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_pool("fast")
    double.world.add_pool("slow")
    double.world.add_volume("data", pool="slow", size="1GiB")

    async def count() -> int:
        double.requests.clear()
        await driver.describe()
        await driver.instances()
        return len(double.requests)

    before = await count()
    for number in range(200):
        nic = {"type": "nic", "network": "lxdbr0"}
        data = {"type": "disk", "pool": "slow", "source": "data"}
        root = {"type": "disk", "path": "/", "pool": "fast", "size": "8GiB"}
        double.world.add_instance(f"vm{number}", devices={"root": root, "eth0": nic, "data": data})
        tap = {"name": f"tap{number:08x}", "type": "unknown", "managed": False, "config": {}}
        double.world.networks.append(tap)
    after = await count()
    # 1.0, resources, projects, profiles, pools, networks; 2 for each of 3 pools; 1 for each of 3 interfaces; instances.
    assert before == 6 + 2 * 3 + 3 + 1
    assert after == before + 1  # the volumes of the pool that further disks are in
    assert len(await driver.instances()) == 200
