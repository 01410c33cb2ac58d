"""A host on which much happens is not kept busy by our looking."""

from __future__ import annotations

import asyncio
import time

from innkeeper.hypervisors.simulated_world import Fault, World
from innkeeper.watch import REST
from tests.kit.house import Inn
from tests.kit.until import until

SLOW = 0.08  # seconds that each listing takes, as a host with hundreds of VMs does
WHILE = 2.4  # seconds in which something happens all the time


async def test_a_busy_host_is_looked_at_for_a_small_part_of_the_time(house: Inn) -> None:
    host_id = await house.add_host()

    async def watched() -> bool:
        return bool((await house.admin.get(f"vm-hosts/{host_id}/"))["live_events"])

    async def settled() -> bool:
        """The looks that a new host gets are over: they have no rest, and are not what is counted here."""
        looks = house.see("alpha").calls["instances"]
        await asyncio.sleep(0.5)
        return looks == house.see("alpha").calls["instances"]

    await until(watched)
    await until(settled)
    slow = [Fault(call="instances", kind="delay", seconds=SLOW) for _ in range(100)]
    house.change("alpha", lambda world: world.faults.extend(slow))
    before = house.see("alpha").calls["instances"]
    begin = time.monotonic()
    while time.monotonic() < begin + WHILE:
        house.change("alpha", _happen)
        await asyncio.sleep(0.05)
    looks = house.see("alpha").calls["instances"] - before
    took = time.monotonic() - begin
    assert 2 <= looks <= took / (SLOW * (1 + REST)) + 1  # without the rest there would be over ten


def _happen(world: World) -> None:
    world.tell("instance-updated", "default", "elsewhere")
