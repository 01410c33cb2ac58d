"""Devices: names with NICs that are no machines, made by whoever needs them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.facts import audits, cursor, give, machine
from tests.kit.house import Inn

MAC = "00:16:3e:aa:00:01"
# What Go's, Python's and Ansible's clients read of a device, and the types that they insist on.
FIELDS: dict[str, Any] = {
    "system_id": str,
    "hostname": str,
    "fqdn": str,
    "resource_uri": str,
    "ip_addresses": list,
    "interface_set": list,
    "zone": dict,
    "pool": dict,
    "domain": dict,
    "tag_names": list,
    "owner_data": dict,
    "owner": str,
}


async def test_a_device_in_a_machine(house: Inn) -> None:
    parent, start = await machine(house, hostname="web1"), await cursor(house.admin)
    made = await house.admin.post(
        "devices/", hostname="box1", mac_addresses=[MAC.upper(), "00-16-3E-AA-00-02"], parent=parent["system_id"]
    )
    assert {name: type(made[name]) for name in FIELDS} == FIELDS
    assert (made["fqdn"], made["parent"], made["owner"]) == ("box1.maas", parent["system_id"], "admin")
    assert made["resource_uri"] == f"/MAAS/api/2.0/devices/{made['system_id']}/"
    assert [nic["mac_address"] for nic in made["interface_set"]] == [MAC, "00:16:3e:aa:00:02"]
    assert made["interface_set"][0]["resource_uri"].startswith(f"/MAAS/api/2.0/nodes/{made['system_id']}/interfaces/")
    assert await house.admin.get(made["resource_uri"]) == made
    for filters in ({}, {"hostname": "box1"}, {"mac_address": MAC}, {"id": made["system_id"]}):
        assert await house.admin.get("devices/", **filters) == [made]
    assert await house.admin.get("devices/", hostname="web1") == []
    # It is no machine, wherever machines are.
    assert {one["hostname"] for one in await house.admin.get("machines/")} == {"web1", "alpha"}
    assert (await house.admin.call("GET", f"machines/{made['system_id']}/")).status_code == 404
    assert (await house.admin.call("DELETE", f"machines/{made['system_id']}/")).status_code == 404
    changed = await house.admin.put(made["resource_uri"], hostname="box2", description="mine", parent="")
    assert (changed["hostname"], changed["description"], changed["parent"]) == ("box2", "mine", None)
    told = await house.admin.post(made["resource_uri"], op="set_owner_data", a="1")
    assert told["owner_data"] == {"a": "1"}
    await house.admin.delete(made["resource_uri"])
    gone = await house.admin.call("GET", made["resource_uri"])
    assert (gone.status_code, gone.text) == (404, "No Device matches the given query.")
    assert await audits(house.admin, after=start) == [
        "made the device box1",
        "changed the device box1: hostname, description, parent",
        "set owner data of box2: a",
        "deleted the device box2",
    ]


async def test_it_goes_with_its_machine(house: Inn) -> None:
    parent = await machine(house)
    await house.admin.post("devices/", mac_addresses=MAC, parent=parent["system_id"])
    await house.admin.post("devices/", mac_addresses="00:16:3e:aa:00:02", hostname="stays")
    await house.admin.delete(parent["resource_uri"])
    assert [one["hostname"] for one in await house.admin.get("devices/")] == ["stays"]
    assert await house.admin.get("devices/", op="is_registered", mac_address=MAC) is False
    assert await house.admin.get("devices/", op="is_registered", mac_address="00:16:3E:AA:00:02") is True


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "mac_addresses"),
        ({"mac_addresses": "00:16:3e"}, "mac_addresses"),
        ({"mac_addresses": [MAC, MAC.upper()]}, "mac_addresses"),
        ({"mac_addresses": MAC, "hostname": "a_b"}, "hostname"),
        ({"mac_addresses": MAC, "hostname": "alpha"}, "hostname"),
        ({"mac_addresses": MAC, "parent": "nobody"}, "parent"),
        ({"mac_addresses": MAC, "domain": "nowhere"}, "domain"),
        ({"mac_addresses": MAC, "zone": "nowhere"}, "zone"),
        ({"mac_addresses": MAC, "colour": "red"}, "colour"),
    ],
)
async def test_what_a_device_cannot_be(house: Inn, fields: dict[str, Any], field: str) -> None:
    await house.add_host()
    answer = await house.admin.call("POST", "devices/", **fields)
    assert (answer.status_code, set(answer.json())) == (400, {field})
    assert await house.admin.get("devices/") == []


async def test_a_mac_and_a_name_are_nobody_elses(house: Inn) -> None:
    one = await machine(house, hostname="web1")
    answer = await house.admin.call("POST", "devices/", mac_addresses=one["interface_set"][0]["mac_address"])
    assert (answer.status_code, "in use already" in answer.text) == (400, True)
    await house.admin.post("devices/", mac_addresses=MAC, hostname="box1")
    taken = await house.admin.call("POST", f"vm-hosts/{one['pod']['id']}/", op="compose", hostname="box1")
    assert (taken.status_code, set(taken.json())) == (400, {"hostname"})


async def test_devices_are_their_owners(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    made = await ann.post("devices/", mac_addresses=MAC, hostname="box1")
    assert (made["owner"], await bob.get("devices/")) == ("ann", [])
    for method in ("GET", "PUT", "DELETE"):
        assert (await bob.call(method, made["resource_uri"])).status_code == 404
    assert await house.admin.get("devices/") == [made] == await ann.get("devices/")
    # A machine that is not shown to somebody is no parent for theirs.
    one = await machine(house)
    give(house, one["system_id"], ann)
    answer = await bob.call("POST", "devices/", mac_addresses="00:16:3e:aa:00:02", parent=one["system_id"])
    assert (answer.status_code, set(answer.json())) == (400, {"parent"})
    await ann.delete(made["resource_uri"])


async def test_tags_of_devices(house: Inn) -> None:
    made = await house.admin.post("devices/", mac_addresses=MAC, hostname="box1")
    await house.admin.post("tags/", name="lab")
    await house.admin.post("tags/lab/", op="update_nodes", add=made["system_id"])
    [shown] = await house.admin.get("tags/lab/", op="devices")
    assert shown == made | {"tag_names": ["lab"]}
    assert [each["hostname"] for each in await house.admin.get("tags/lab/", op="nodes")] == ["box1"]
    assert await house.admin.get("tags/lab/", op="machines") == []
