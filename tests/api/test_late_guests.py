"""A guest that runs and cannot call: the failure says so, and what to set."""

from __future__ import annotations

from pathlib import Path

import pytest

from innkeeper.hypervisors.base import GuestFacts
from innkeeper.hypervisors.simulated_world import World
from innkeeper.store import deployments
from tests.api.facts import events
from tests.kit.deployments import phone_home_url, ready, until_started, until_status
from tests.kit.house import Inn, inn

SET_IT = "if guests cannot reach that, set guest_address of the VM host"


async def time_is_over(house: Inn, system_id: str) -> None:
    """Nobody waits any longer for the guest."""
    house.house.services.database.transact(deployments.update, system_id, deadline=0.0)
    await until_status(house, system_id, "Failed deployment")


@pytest.mark.parametrize("chosen", ["", "192.0.2.1:80"])
async def test_a_guest_that_is_seen_and_does_not_call(tmp_path: Path, chosen: str) -> None:
    """Behind a firewall, or with a wrong guest_address: what was on its drive is named, not what is set since."""
    async with inn(tmp_path, host="0.0.0.0") as house:
        system_id = await ready(house)
        [host] = await house.admin.get("vm-hosts/")
        await house.admin.put(f"vm-hosts/{host['id']}/", guest_address=chosen)
        [nic] = (await house.admin.get(f"machines/{system_id}/"))["interface_set"]

        def seen(state: World) -> None:
            state.guests["default/web"] = GuestFacts(agent=True, addresses=((nic["mac_address"], "10.0.0.5"),))

        await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
        await until_started(house, system_id)
        house.change("alpha", seen)
        called = phone_home_url(house, "web").partition("/phone-home/")[0]
        assert called == f"http://{chosen or '10.0.0.254:5240'}"
        await house.admin.put(f"vm-hosts/{host['id']}/", guest_address="198.51.100.1")
        await time_is_over(house, system_id)
        told = (await house.admin.get(f"machines/{system_id}/"))["status_message"]
        assert f"sees its agent and its lease at 10.0.0.5, but it did not call {called}: {SET_IT}" in told
        assert any(SET_IT in one["text"] for one in await events(house.admin, system_id=system_id))


async def test_one_that_nobody_sees(tmp_path: Path) -> None:
    """It may not even run: nothing is said of how to be reached."""
    async with inn(tmp_path, host="0.0.0.0") as house:
        system_id = await ready(house)
        await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
        await until_started(house, system_id)
        await time_is_over(house, system_id)
        told = (await house.admin.get(f"machines/{system_id}/"))["status_message"]
        assert told.endswith("has not shown itself in time (waited for: phone home)")
