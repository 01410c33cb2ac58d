"""The smallest path through every layer, on a simulated host."""

from __future__ import annotations

from tests.kit.house import Inn


async def test_compose_power_and_decompose_leave_nothing(house: Inn) -> None:
    host = await house.add_host()
    system_id = await house.admin.compose(host, hostname="web1", cores=2, storage="root:8,data:5")
    machine = await house.admin.get(f"machines/{system_id}/")
    assert machine["status_name"] == "Ready"
    assert len(house.see("alpha").volumes) == 1
    on = await house.admin.post(f"machines/{system_id}/", op="power_on")
    assert on["power_state"] == "on"
    await house.admin.delete(f"machines/{system_id}/")
    world = house.see("alpha")
    assert not world.instances
    assert not world.volumes
    assert (await house.admin.get(f"vm-hosts/{host}/"))["limits"]["cores"]["claimed"] == 0
