"""Allocate, many at once: each machine has one owner, the hosts share the load, and none waits for another's host."""

from __future__ import annotations

import asyncio
from pathlib import Path

from innkeeper.hypervisors.simulated_world import MIB, Fault
from tests.api.facts import composed
from tests.api.test_allocate import allocate, names
from tests.kit.house import Inn, inn


async def test_fifty_at_once_for_few(house: Inn) -> None:
    """Each machine has one owner, and as many are composed as there is room for: not one more."""
    house.change("alpha", lambda world: setattr(world, "cores", 20))
    id = await house.add_host(memory_over_commit_ratio=10)
    for _ in range(6):
        await house.admin.compose(id)
    calls = [house.admin.call("POST", "machines/", op="allocate") for _ in range(50)]
    answers = await asyncio.gather(*calls)
    got = [one.json()["system_id"] for one in answers if one.status_code == 200]
    assert len(got) == len(set(got)) == 20
    assert {one.status_code for one in answers} == {200, 409}
    assert all("cores" in one.text for one in answers if one.status_code == 409)
    assert set((await names(house)).values()) == {"Allocated"}
    assert len(house.see("alpha").instances) == 20


async def test_a_burst_is_spread(house: Inn) -> None:
    for name in ("alpha", "beta", "gamma", "delta"):
        house.change(name, lambda world: setattr(world, "memory", 256 * 1024 * MIB))
        await house.add_host(name)
    await asyncio.gather(*(allocate(house.admin) for _ in range(24)))
    counts = [len(house.see(name).instances) for name in ("alpha", "beta", "gamma", "delta")]
    assert sum(counts) == 24
    assert min(counts) >= 3


async def test_one_slow_host_delays_only_its_own(tmp_path: Path) -> None:
    """No request waits for another host's work."""
    async with inn(tmp_path, compose_wait=15.0) as house:
        for name in ("alpha", "beta"):
            await house.add_host(name)
        house.change("alpha", lambda world: setattr(world, "create_seconds", 3.0))
        slow = asyncio.create_task(allocate(house.admin, pod="alpha"))
        await asyncio.sleep(0.2)
        for _ in range(5):
            await allocate(house.admin, pod="beta")
        assert not slow.done()
        assert (await slow)["status_name"] == "Allocated"


async def test_one_that_is_being_deleted_is_not_given_away(house: Inn) -> None:
    id = await house.add_host()
    system_id = (await composed(house, id))["system_id"]
    house.change("alpha", lambda world: world.faults.append(Fault(call="delete", kind="delay", seconds=1.0)))
    deleting = asyncio.create_task(house.admin.delete(f"machines/{system_id}/"))
    await asyncio.sleep(0.2)
    assert (await allocate(house.admin))["system_id"] != system_id
    await deleting
