"""Commissioning through the API: the host is read again, and the record says what it has; scripts are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.lifecycle import Status
from innkeeper.store import machines
from tests.api.facts import composed, live
from tests.kit.deployments import status, until_status
from tests.kit.house import Inn


async def test_commissioning_reads_back_what_the_host_has(house: Inn) -> None:
    """Ansible sends it on New and Failed; what was changed outside is in the record then."""
    id = await house.add_host()
    one = await composed(house, id, hostname="web")
    path = f"machines/{one['system_id']}/"

    def outside(world: Any) -> None:
        world.instances["default/web"] = replace(world.instances["default/web"], cores=5)

    house.change("alpha", outside)
    answer = await house.admin.post(path, op="commission", testing_scripts="none", skip_networking="1")
    assert answer["status_name"] == "Commissioning"
    await until_status(house, one["system_id"], "Ready")
    assert (await house.admin.get(path))["cpu_count"] == 5
    figures = (await house.admin.get(f"vm-hosts/{id}/"))["limits"]["cores"]
    assert figures["claimed"] == 5


async def test_commissioning_what_is_not_there(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id, hostname="web")
    path = f"machines/{one['system_id']}/"
    await live(house, id)
    house.change("alpha", lambda world: world.faults.append(Fault(call="instance", kind="refuse", name="web")))
    await house.admin.post(path, op="commission")
    await until_status(house, one["system_id"], "Failed commissioning")
    assert "a fault on demand" in (await house.admin.get(path))["error_description"]
    await house.admin.post(path, op="commission")
    await until_status(house, one["system_id"], "Ready")
    house.change("alpha", lambda world: world.instances.pop("default/web"))
    await house.admin.post(path, op="commission")
    await until_status(house, one["system_id"], "Failed commissioning")
    assert "There is no instance web" in (await house.admin.get(path))["status_message"]


@pytest.mark.parametrize("status_now", [Status.FAILED_DEPLOYMENT, Status.FAILED_RELEASING, Status.DEPLOYED])
async def test_what_somebody_has_is_released_first(house: Inn, status_now: Status) -> None:
    """As in MAAS: a failed deployment is not commissioned; the answer says what to do."""
    system_id = await house.admin.compose(await house.add_host())
    database = house.house.services.database
    database.transact(machines.update, system_id, status=int(status_now))
    answer = await house.admin.call("POST", f"machines/{system_id}/", op="commission")
    assert (answer.status_code, f"is {status_now.label}" in answer.text) == (409, True)
    assert "Release it" in answer.text


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"enable_ssh": "true"}, "enable_ssh"),
        ({"testing_scripts": "smartctl"}, "testing_scripts"),
        ({"commissioning_scripts": "mine"}, "commissioning_scripts"),
        ({"skip_everything": "1"}, "skip_everything"),
    ],
)
async def test_what_commissioning_does_not_do(house: Inn, fields: dict[str, str], named: str) -> None:
    system_id = await house.admin.compose(await house.add_host())
    answer = await house.admin.call("POST", f"machines/{system_id}/", op="commission", **fields)
    assert (answer.status_code, list(answer.json())) == (400, [named])
    assert await status(house, system_id) == "Ready"
