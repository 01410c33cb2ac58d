"""Anti-affinity groups, whatever happens to a machine: while its VM is on a host, no other of the group is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from tests.api.facts import composed, live
from tests.api.test_allocate import allocate, refused
from tests.kit.deployments import until_status
from tests.kit.house import Inn, inn


async def commission(house: Inn, one: dict[str, Any], ends: str) -> None:
    """Commission a machine, and wait for how it ends."""
    await house.admin.post(f"machines/{one['system_id']}/", op="commission")
    await until_status(house, one["system_id"], ends)


@pytest.mark.parametrize("known_before", [False, True])
async def test_one_that_failed_commissioning_counts(house: Inn, known_before: bool) -> None:
    """Its VM is there: for a compose, for an allocate of a Ready machine and for one that composes."""
    id = await house.add_host()
    first = await composed(house, id, hostname="db1", anti_affinity="db")
    await composed(house, id, hostname="spare")
    await live(house, id)
    if known_before:  # the fleet is decided by what is kept of it
        await allocate(house.admin, dry_run="true", cpu_count=2)
    house.change("alpha", lambda world: world.faults.append(Fault(call="instance", kind="refuse", name="db1")))
    await commission(house, first, "Failed commissioning")
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="db2", anti_affinity="db")
    assert (answer.status_code, "it has db1 of the anti-affinity group db" in answer.text) == (409, True)
    text = await refused(house.admin, anti_affinity="db")  # nor is the spare one of the group now
    assert "anti_affinity fails on 1 host" in text
    assert len(house.see("alpha").instances) == 2
    await commission(house, first, "Ready")
    assert (await allocate(house.admin, anti_affinity="db"))["hostname"] == "db1"


async def test_one_whose_compose_was_undone_does_not_count(tmp_path: Path) -> None:
    """Its record is there and says what went wrong; on the host is nothing of it."""
    async with inn(tmp_path, compose_wait=0.2) as house:
        id = await house.add_host()
        await live(house, id)
        slow = [Fault(call="create", kind="delay", seconds=1.0), Fault(call="instance", kind="refuse", name="db1")]
        house.change("alpha", lambda world: world.faults.extend(slow))
        gone = await composed(house, id, hostname="db1", anti_affinity="db")
        await until_status(house, gone["system_id"], "Failed commissioning")
        assert house.see("alpha").instances == {}
        again = await composed(house, id, hostname="db2", anti_affinity="db")
        await until_status(house, again["system_id"], "Ready")
        assert "it has db2 of the anti-affinity group db" in await refused(house.admin, anti_affinity="db", cpu_count=2)
        await commission(house, gone, "Failed commissioning")  # there is nothing to come back
