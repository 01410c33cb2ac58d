"""The native API's view of a host: inventory, figures, pools with volumes and who holds them."""

from __future__ import annotations

from typing import Any

from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.host import Volume
from tests.kit.house import Inn


async def test_volumes_name_the_machine_that_holds_them_or_are_orphans(house: Inn) -> None:
    def stray(world: World) -> None:
        world.volumes["default/default/stray"] = Volume(name="stray", kind="custom", size=7, written=0)

    house.change("alpha", stray)
    host = await house.add_host()
    system_id = await house.admin.compose(host, hostname="web1", storage="root:8,data:5")
    path = f"/api/v1/vm-hosts/{host}/storage-pools"

    def sizes(pool: dict[str, Any]) -> list[Any]:
        known = ("name", "kind", "project", "size", "holders", "machine", "orphan")
        return sorted([volume[name] for name in known] for volume in pool["volumes"])

    (pool,) = await house.admin.get(path)
    at_once = sizes(pool)  # before the host is read as a whole again
    await house.admin.post(f"vm-hosts/{host}/", op="refresh")
    (pool,) = await house.admin.get(path)
    assert at_once == sizes(pool)
    found = {volume["name"]: (volume["machine"], volume["orphan"]) for volume in pool["volumes"]}
    assert found["web1"] == (system_id, False)
    assert sorted(found.values(), key=str) == sorted([(system_id, False)] * 2 + [(None, True)], key=str)
    assert found["stray"] == (None, True)
    assert pool["figure"]["claimed"] == 13 * 10**9
    assert pool["figure"]["others"] == 7


async def test_inventory_and_figures_are_what_the_host_told(house: Inn) -> None:
    host = await house.add_host(cpu_over_commit_ratio=1.5)
    told = await house.admin.get(f"/api/v1/vm-hosts/{host}/inventory")
    world = house.see("alpha")
    assert len(told["numa_nodes"][0]["threads"]) == world.cores
    assert told["memory"] == world.memory
    counted = await house.admin.get(f"/api/v1/vm-hosts/{host}/figures")
    assert counted["cores"]["limit"] == world.cores * 3 // 2
    missing = await house.admin.call("GET", "/api/v1/vm-hosts/999/inventory")
    assert missing.status_code == 404


async def test_whose_machine_it_is_not_learns_neither_its_name_nor_its_volumes(house: Inn) -> None:
    host = await house.add_host()
    ann, bob = house.client(username="ann"), house.client(username="bob")
    named = {
        name: await house.admin.compose(host, hostname=name, storage="root:8,data:5") for name in ("web1", "free1")
    }
    await ann.post("machines/", op="allocate", name="web1")
    await house.admin.post(f"vm-hosts/{host}/", op="refresh")
    path = f"/api/v1/vm-hosts/{host}/storage-pools"
    (told,) = await house.admin.get(path)
    assert {volume["machine"] for volume in told["volumes"]} == set(named.values())
    assert await ann.get(path) == [told]  # hers, and nobody's
    answer = await bob.call("GET", path)
    assert "web1" not in answer.text
    assert named["web1"] not in answer.text
    (seen,) = answer.json()
    assert seen["figure"] == told["figure"]
    for one, whole in zip(seen["volumes"], told["volumes"], strict=True):
        if whole["machine"] == named["web1"]:
            assert one == whole | {"name": "", "holders": [], "machine": None, "hidden": True}
        else:
            assert one == whole
    assert [one["hidden"] for one in seen["volumes"]].count(True) == 2
