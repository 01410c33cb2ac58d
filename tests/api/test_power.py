"""Power: on, off, asked for, and seen when somebody else switches it."""

from __future__ import annotations

from typing import Any

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.machine import PowerState
from tests.api.facts import audits, cursor, live, machine, vm
from tests.kit.house import Inn
from tests.kit.until import until


async def test_power(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    path = m["resource_uri"]
    assert await house.admin.get(path, op="query_power_state") == {"state": "off"}
    on = await house.admin.post(path, op="power_on", comment="go")
    assert (on["power_state"], on["status_name"]) == ("on", "Ready")
    assert await house.admin.get(path, op="query_power_state") == {"state": "on"}
    assert (await house.admin.post(path, op="power_on"))["power_state"] == "on"  # on already is success
    for mode, call in (("soft", "shutdown"), ("hard", "stop"), ("", "shutdown")):
        await house.admin.post(path, op="power_on")
        before = house.see("alpha").calls.get(call, 0)
        assert (await house.admin.post(path, op="power_off", stop_mode=mode))["power_state"] == "off"
        assert house.see("alpha").calls[call] == before + 1
    bad = await house.admin.call("POST", path, op="power_off", stop_mode="maybe")
    assert (bad.status_code, "soft" in bad.json()["stop_mode"][0]) == (400, True)
    data = await house.admin.call("POST", path, op="power_on", user_data="x")
    assert (data.status_code, "deployed" in data.json()["user_data"][0]) == (400, True)
    assert "power_on web1 (go)" in await audits(house.admin)


async def test_a_guest_that_does_not_hear_the_button_is_stopped_by_force(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    await house.admin.post(m["resource_uri"], op="power_on")
    house.change("alpha", lambda world: world.faults.append(Fault(call="shutdown", kind="refuse")))
    assert (await house.admin.post(m["resource_uri"], op="power_off"))["power_state"] == "off"
    assert house.see("alpha").calls["stop"] == 1


async def test_power_while_the_host_is_down(house: Inn) -> None:
    m = await machine(house)
    house.change("alpha", lambda world: setattr(world, "up", False))
    for method, op in (("POST", "power_on"), ("POST", "power_off"), ("GET", "query_power_state")):
        answer = await house.admin.call(method, m["resource_uri"], op=op)
        assert (answer.status_code, "does not answer" in answer.text) == (503, True), op


async def test_what_the_host_says_when_asked_is_kept(house: Inn) -> None:
    m = await machine(house, hostname="web1")

    def start(world: Any) -> None:  # without an event: nobody told us
        world.instances["default/web1"] = vm("web1", tags=world.instances["default/web1"].tags, power=PowerState.ON)

    house.change("alpha", start)
    assert (await house.admin.get(m["resource_uri"]))["power_state"] == "off"
    assert await house.admin.get(m["resource_uri"], op="query_power_state") == {"state": "on"}
    assert (await house.admin.get(m["resource_uri"]))["power_state"] == "on"


async def test_power_behind_our_back_is_seen(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    await live(house, m["pod"]["id"])

    def start(world: Any) -> None:
        world.instances["default/web1"] = vm("web1", tags=world.instances["default/web1"].tags, power=PowerState.ON)
        world.tell("instance-started", "default", "web1")

    house.change("alpha", start)

    async def on() -> bool:
        return (await house.admin.get(m["resource_uri"]))["power_state"] == "on"

    await until(on, within=5)


async def test_power_parameters(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    start = await cursor(house.admin)
    found = await house.admin.get(m["resource_uri"], op="power_parameters")
    assert found["instance_name"] == "web1"
    assert found["project"] == "default"
    assert {type(value) for value in found.values()} == {str}
    assert await audits(house.admin, after=start) == ["read the power parameters of web1"]
