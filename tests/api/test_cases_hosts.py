"""Cases from public reports, through the whole house: an LXD double over TLS, the real client, the store, the API."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.doubles.faults import Refuse
from tests.doubles.lxd import LxdDouble
from tests.kit.house import Inn

GIB = 2**30


async def add(house: Inn, lxd: LxdDouble, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await house.admin.post(
        "vm-hosts/", type="lxd", name="lab", power_address=lxd.address, **fields
    )
    return made


async def refresh(house: Inn, host: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = await house.admin.post(f"vm-hosts/{host['id']}/", op="refresh")
    return told


def pages(lxd: LxdDouble, *, node_gib: int, total_gib: int, used_gib: int) -> None:
    """One node with 1 GiB pages."""
    memory = deepcopy(lxd.world.resources)
    memory["memory"]["nodes"] = [
        {
            "numa_node": 0,
            "total": node_gib * GIB,
            "used": 0,
            "hugepages_total": total_gib * GIB,
            "hugepages_used": used_gib * GIB,
        }
    ]
    memory["memory"] |= {"total": node_gib * GIB, "hugepages_size": GIB, "hugepages_total": total_gib * GIB}
    lxd.world.resources = memory


async def test_R12_resources_that_cannot_be_read_are_unknown_never_nothing(house: Inn, lxd: LxdDouble) -> None:
    words = "Failed to retrieve network information: VPD: ethtool said no"
    lxd.faults["GET /1.0/resources"] = Refuse(500, words)
    lxd.world.add_instance("there", config={"limits.cpu": "2", "limits.memory": "1GiB"})
    host = await add(house, lxd)
    assert host["state"] == "degraded"
    assert words in host["state_reason"]
    assert [one["hostname"] for one in await house.admin.get("machines/", pod="lab")] == ["there"]
    refused = await house.admin.call("POST", f"vm-hosts/{host['id']}/", op="compose")
    assert refused.status_code == 409
    assert "not known yet" in refused.text
    assert "at most 0" not in refused.text


async def test_R12_the_last_numbers_stay_marked_stale(house: Inn, lxd: LxdDouble) -> None:
    host = await add(house, lxd)
    before = host["total"]["cores"]
    lxd.faults["GET /1.0/resources"] = Refuse(500, "no")
    told = await refresh(house, host)
    assert (told["state"], told["stale"], told["total"]["cores"]) == ("degraded", ["resources"], before)
    del lxd.faults["GET /1.0/resources"]
    told = await refresh(house, host)
    assert (told["state"], told["stale"]) == ("ready", [])


async def test_R14_huge_pages_are_not_general_memory(house: Inn, lxd: LxdDouble) -> None:
    pages(lxd, node_gib=64, total_gib=32, used_gib=8)
    host = await add(house, lxd)
    assert host["limits"]["memory"]["limit"] == 32 * 1024
    assert host["limits"]["huge_pages"]["physical"] == 32 * 1024
    told = await house.admin.get(f"/api/v1/vm-hosts/{host['id']}/inventory")
    (node,) = told["numa_nodes"]
    (page,) = node["huge_pages"]
    assert (page["total"] - page["used"]) == 24 * GIB
    refused = await house.admin.call("POST", f"vm-hosts/{host['id']}/", op="compose", memory=33 * 1024)
    assert refused.status_code == 409
    assert "memory" in refused.text


async def test_R17_an_old_server_is_refused_with_what_it_lacks(house: Inn, lxd: LxdDouble) -> None:
    lxd.world.server["api_extensions"].remove("custom_block_volumes")
    refused = await house.admin.call("POST", "vm-hosts/", type="lxd", name="old", power_address=lxd.address)
    assert refused.status_code == 503
    assert "custom_block_volumes" in refused.text
    assert "4.16" in refused.text
    assert await house.admin.get("vm-hosts/") == []


async def test_V13_other_projects_count_as_used_in_every_figure(house: Inn, lxd: LxdDouble) -> None:
    lxd.world.add_project("tenant")
    theirs = {"limits.cpu": "1", "limits.memory": "2GiB"}
    disk = {"root": {"type": "disk", "path": "/", "pool": "default", "size": "5GB"}}
    lxd.world.add_instance("theirs", project="tenant", config=theirs, devices=disk)
    host = await add(house, lxd)
    assert await house.admin.get("machines/", pod="lab") == []
    limits = host["limits"]
    assert (limits["cores"]["claimed"], limits["cores"]["others"]) == (0, 1)
    assert (limits["memory"]["claimed"], limits["memory"]["others"]) == (0, 2048)
    (pool,) = await house.admin.get(f"/api/v1/vm-hosts/{host['id']}/storage-pools")
    assert pool["figure"]["others"] >= 5 * 10**9
    assert pool["figure"]["claimed"] == 0


async def test_O08_a_thin_pool_promises_no_more_than_its_ratio(house: Inn, lxd: LxdDouble) -> None:
    lxd.world.add_pool("thin", total=100 * 10**9, used=10**9)
    host = await add(house, lxd)
    for number in range(3):
        await house.admin.compose(host["id"], hostname=f"vm{number}", memory=1024, cores=1, storage="30(thin)")
        await house.admin.put(f"vm-hosts/{host['id']}/", cpu_over_commit_ratio=10)
    refused = await house.admin.call("POST", f"vm-hosts/{host['id']}/", op="compose", storage="30(thin)")
    assert refused.status_code == 409
    assert "storage pool thin" in refused.text
    host = await house.admin.put(f"vm-hosts/{host['id']}/", storage_over_commit_ratios="thin:2")
    thin = next(one for one in host["storage_pools"] if one["name"] == "thin")
    assert (thin["allocated"], thin["written"], thin["over_commit_ratio"]) == (90 * 10**9, 10**9, 2.0)
    assert await house.admin.compose(host["id"], hostname="vm9", storage="30(thin)")


async def test_O10_allocated_sizes_decide_where_nothing_is_written(house: Inn, lxd: LxdDouble) -> None:
    lxd.world.add_pool("lvm", driver="lvm", total=100 * 10**9, used=0)
    for number in range(10):
        lxd.world.add_volume(f"v{number}", pool="lvm", size="9GB")
    host = await add(house, lxd)
    pool = next(one for one in host["storage_pools"] if one["name"] == "lvm")
    assert (pool["allocated"], pool["available"]) == (90 * 10**9, 10 * 10**9)


async def test_O14_a_host_without_a_pool_is_kept_and_says_so(house: Inn, lxd: LxdDouble) -> None:
    lxd.world.pools.clear()
    host = await add(house, lxd)
    assert (host["state"], "no storage pool" in host["state_reason"]) == ("degraded", True)
    refused = await house.admin.call("POST", f"vm-hosts/{host['id']}/", op="compose")
    assert refused.status_code == 409
    assert "no storage pool" in refused.text


@pytest.mark.parametrize("profiles", [["default"], ["default", "maas"]])
async def test_T17_a_profile_named_maas_is_applied(house: Inn, lxd: LxdDouble, profiles: list[str]) -> None:
    lxd.world.profiles["default"] = profiles
    host = await add(house, lxd)
    await house.admin.compose(host["id"], hostname="web1", memory=1024)
    (made,) = (body for request, body in lxd.bodies if request == "POST /1.0/instances")
    assert made["profiles"] == (["maas"] if "maas" in profiles else [])


async def test_V20_a_cluster_member_is_the_target_of_what_is_composed_on_it(house: Inn, lxd: LxdDouble) -> None:
    lxd.world.server["environment"] |= {"server_clustered": True, "server_name": "member-b"}
    host = await add(house, lxd)
    await house.admin.compose(host["id"], hostname="web1", memory=1024)
    (asked,) = (one for one in lxd.requests if one.startswith("POST /1.0/instances"))
    assert "target=member-b" in asked
