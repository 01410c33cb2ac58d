"""The native API's view of a host: inventory, figures, pools with volumes and who holds them."""

from __future__ import annotations

from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.host import Volume
from tests.kit.house import Inn


async def test_volumes_name_the_machine_that_holds_them_or_are_orphans(house: Inn) -> None:
    def stray(world: World) -> None:
        world.volumes["default/default/stray"] = Volume(name="stray", kind="custom", size=7, written=0)

    house.change("alpha", stray)
    host = await house.add_host()
    system_id = await house.admin.compose(host, hostname="web1", storage="root:8,data:5")
    await house.admin.post(f"vm-hosts/{host}/", op="refresh")
    (pool,) = await house.admin.get(f"/api/v1/vm-hosts/{host}/storage-pools")
    found = {volume["name"]: (volume["machine"], volume["orphan"]) for volume in pool["volumes"]}
    assert found["web1"] == (system_id, False)
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
