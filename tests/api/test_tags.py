"""Tags: made, put on machines and devices, taken off; what of MAAS's means nothing here is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.facts import audits, cursor, give, machine
from tests.kit.house import Inn


async def test_a_tag_of_its_own(house: Inn) -> None:
    start = await cursor(house.admin)
    made = await house.admin.post("tags/", name="gpu", comment="has one", definition="", kernel_opts="")
    assert made == {
        "name": "gpu",
        "definition": "",
        "comment": "has one",
        "kernel_opts": "",
        "resource_uri": "/MAAS/api/2.0/tags/gpu/",
    }
    assert await house.admin.get("tags/") == [made] == [await house.admin.get("tags/gpu/")]
    again = await house.admin.call("POST", "tags/", name="gpu")
    assert (again.status_code, again.text) == (409, "There is a tag 'gpu' already.")
    changed = await house.admin.put("tags/gpu/", name="gpus", comment="")
    assert (changed["name"], changed["comment"]) == ("gpus", "")
    gone = await house.admin.call("GET", "tags/gpu/")
    assert (gone.status_code, gone.text) == (404, "No Tag matches the given query.")
    await house.admin.delete("tags/gpus/")
    assert await house.admin.get("tags/") == []
    told = ["made the tag gpu", "changed the tag gpu: its name is gpus", "deleted the tag gpus"]
    assert await audits(house.admin, after=start) == told


@pytest.mark.parametrize(
    ("fields", "field", "word"),
    [
        ({}, "name", "required"),
        ({"name": "a b"}, "name", "hyphens"),
        ({"name": "é"}, "name", "hyphens"),
        ({"name": "x" * 257}, "name", "256"),
        ({"name": "x", "definition": "//node"}, "definition", "update-nodes"),
        ({"name": "x", "kernel_opts": "console=tty0"}, "kernel_opts", "user data"),
        ({"name": "x", "colour": "red"}, "colour", "unknown"),
    ],
)
async def test_what_a_tag_cannot_be(house: Inn, fields: dict[str, str], field: str, word: str) -> None:
    answer = await house.admin.call("POST", "tags/", **fields)
    assert (answer.status_code, word in answer.json()[field][0]) == (400, True)
    assert await house.admin.get("tags/") == []


async def names(house: Inn, system_id: str) -> list[str]:
    found: dict[str, Any] = await house.admin.get(f"machines/{system_id}/")
    return list(found["tag_names"])


async def test_on_and_off_machines(house: Inn) -> None:
    one, two = await machine(house, hostname="one"), await machine(house, hostname="two")
    for name in ("web", "WEB", "db"):
        await house.admin.post("tags/", name=name)
    both = [one["system_id"], two["system_id"]]
    start = await cursor(house.admin)
    assert await house.admin.post("tags/web/", op="update_nodes", add=both) == {"added": 2, "removed": 0}
    assert await house.admin.post("tags/WEB/", op="update_nodes", add=both[1]) == {"added": 1, "removed": 0}
    again = await house.admin.post("tags/web/", op="update_nodes", add=both[1], remove=[both[0], "gone00"])
    assert again == {"added": 0, "removed": 1}
    told = ["put the tag web on one", "put the tag web on two", "put the tag WEB on two", "took the tag web off one"]
    assert await audits(house.admin, after=start) == told
    assert (await names(house, both[0]), await names(house, both[1])) == ([], ["web", "WEB"])
    for op in ("machines", "nodes"):
        assert [each["system_id"] for each in await house.admin.get("tags/web/", op=op)] == [both[1]]
    for op in ("devices", "rack_controllers", "region_controllers"):
        assert await house.admin.get("tags/web/", op=op) == []
    assert [each["hostname"] for each in await house.admin.get("machines/", tags="web,WEB")] == ["two"]
    # A new name is the name everywhere; a tag that goes is off every machine, and only it.
    await house.admin.put("tags/web/", name="front")
    assert await names(house, both[1]) == ["front", "WEB"]
    await house.admin.delete("tags/WEB/")
    assert await names(house, both[1]) == ["front"]


async def test_a_machine_that_is_not_there_is_named(house: Inn) -> None:
    one = await machine(house)
    await house.admin.post("tags/", name="web")
    answer = await house.admin.call("POST", "tags/web/", op="update_nodes", add=[one["system_id"], "gone00"])
    assert (answer.status_code, answer.json()) == (400, {"add": ["there is no machine or device gone00"]})
    assert await names(house, one["system_id"]) == []
    assert (await house.admin.call("POST", "tags/no/", op="update_nodes", add="x")).status_code == 404
    refused = await house.admin.call("POST", "tags/web/", op="rebuild")
    assert (refused.status_code, "update-nodes" in refused.text) == (400, True)


async def test_a_user_sees_their_own_and_unowned_machines_of_a_tag(house: Inn) -> None:
    one, two = await machine(house, hostname="one"), await machine(house, hostname="two")
    await house.admin.post("tags/", name="web")
    await house.admin.post("tags/web/", op="update_nodes", add=[one["system_id"], two["system_id"]])
    ann = house.client(username="ann")
    give(house, one["system_id"], ann)
    give(house, two["system_id"], house.client(username="bob"))
    assert [each["hostname"] for each in await ann.get("tags/web/", op="machines")] == ["one"]
