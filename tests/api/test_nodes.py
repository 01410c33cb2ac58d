"""Calls on many machines and devices at once."""

from __future__ import annotations

import pytest

from tests.api.facts import audits, cursor, give, machine
from tests.kit.house import Inn

MAC = "00:16:3e:aa:00:01"


async def test_machines_and_devices_in_one_list(house: Inn) -> None:
    one = await machine(house, hostname="web1")
    box = await house.admin.post("devices/", mac_addresses=MAC, hostname="box1")
    found = await house.admin.get("nodes/")
    assert {each["hostname"]: each["resource_uri"].split("/")[4] for each in found} == {
        "alpha": "machines",
        "web1": "machines",
        "box1": "devices",
    }
    assert (
        await house.admin.get("nodes/", hostname="web1")
        == [one]
        == [await house.admin.get(f"nodes/{one['system_id']}/")]
    )
    assert await house.admin.get(f"nodes/{box['system_id']}/") == box
    assert (await house.admin.call("GET", "nodes/nobody/")).text == "No Node matches the given query."
    refused = await house.admin.call("DELETE", f"nodes/{box['system_id']}/")
    assert (refused.status_code, "devices/{system_id}/" in refused.text) == (400, True)


async def test_ones_own_machines(house: Inn) -> None:
    one, ann = await machine(house, hostname="web1"), house.client(username="ann")
    assert await ann.get("machines/", op="list_allocated") == []
    give(house, one["system_id"], ann)
    assert [each["hostname"] for each in await ann.get("machines/", op="list_allocated")] == ["web1"]
    assert await ann.get("machines/", op="is_registered", mac_address=one["interface_set"][0]["mac_address"]) is True


async def test_a_zone_for_many_or_for_none(house: Inn) -> None:
    one, two = await machine(house, hostname="web1"), await machine(house, hostname="web2")
    box = await house.admin.post("devices/", mac_addresses=MAC, hostname="box1")
    await house.admin.post("zones/", name="north")
    ids, start = [one["system_id"], two["system_id"]], await cursor(house.admin)
    for noun, wrong in (("machines/", [*ids, box["system_id"]]), ("devices/", ids), ("nodes/", [*ids, "nobody"])):
        answer = await house.admin.call("POST", noun, op="set_zone", nodes=wrong, zone="north")
        assert (answer.status_code, set(answer.json())) == (400, {"nodes"})
    assert await house.admin.get("machines/", zone="north") == []
    for noun, right in (("machines/", ids), ("devices/", box["system_id"])):
        assert (await house.admin.call("POST", noun, op="set_zone", nodes=right, zone="north")).status_code == 204
    assert {each["hostname"] for each in await house.admin.get("nodes/", zone="north")} == {"web1", "web2", "box1"}
    assert await audits(house.admin, after=start) == [f"changed {each}: zone" for each in ("web1", "web2", "box1")]


@pytest.mark.parametrize("op", ["accept", "accept_all", "add_chassis", "clone"])
async def test_what_means_nothing_here(house: Inn, op: str) -> None:
    answer = await house.admin.call("POST", "machines/", op=op, machines="x")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "VM host" in answer.text


async def test_how_the_power_of_many_is_switched(house: Inn) -> None:
    one, two = await machine(house, hostname="web1"), await machine(house, hostname="web2")
    found = await house.admin.get("machines/", op="power_parameters", id=one["system_id"])
    assert found == {one["system_id"]: await house.admin.get(one["resource_uri"], op="power_parameters")}
    everything = await house.admin.get("machines/", op="power_parameters")
    assert set(everything) >= {one["system_id"], two["system_id"]}
    assert "read the power parameters of web2" in await audits(house.admin)
