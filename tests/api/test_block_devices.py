"""The disks of a machine, each by itself."""

from __future__ import annotations

import pytest

from tests.api.facts import give, machine
from tests.kit.house import Inn


async def test_disks_one_by_one(house: Inn) -> None:
    one = await machine(house, storage="root:8,data:20")
    path = f"nodes/{one['system_id']}/blockdevices/"
    assert await house.admin.get(path) == one["blockdevice_set"]
    disk = one["blockdevice_set"][1]
    assert await house.admin.get(disk["resource_uri"]) == disk
    for _ in range(2):
        told = await house.admin.post(disk["resource_uri"], op="add_tag", tag="fast")
        assert told["tags"] == ["fast"]
    assert (await house.admin.post(disk["resource_uri"], op="remove_tag", tag="fast"))["tags"] == []
    assert "holds no comma" in (await house.admin.call("POST", disk["resource_uri"], op="add_tag", tag="a,b")).text
    assert await house.admin.get(f"{path}{disk['id']}/partitions/") == []
    for missing in (f"{path}99999/", f"{path}{disk['id']}/partition/1", f"{path}99999/partitions/"):
        assert (await house.admin.call("GET", missing)).status_code == 404
    assert (await house.admin.call("GET", "nodes/nobody/blockdevices/")).text == "No Machine matches the given query."


@pytest.mark.parametrize("call", ["POST ", "POST {id}/ format", "POST {id}/ set_boot_disk", "DELETE {id}/"])
async def test_what_is_not_done_to_disks(house: Inn, call: str) -> None:
    one = await machine(house)
    method, path, *op = call.format(id=one["blockdevice_set"][0]["id"]).split(" ")
    answer = await house.admin.call(
        method, f"nodes/{one['system_id']}/blockdevices/{path}", op=op[0] if op else None, fstype="ext4"
    )
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert await house.admin.get(one["resource_uri"]) == one


async def test_tags_of_disks_are_the_owners_to_give(house: Inn) -> None:
    one = await machine(house)
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, one["system_id"], ann)
    path = one["blockdevice_set"][0]["resource_uri"]
    assert (await bob.call("POST", path, op="add_tag", tag="x")).status_code == 404
    assert (await ann.post(path, op="add_tag", tag="x"))["tags"] == ["x"]
    await ann.post(f"machines/{one['system_id']}/", op="lock")
    locked = await ann.call("POST", path, op="remove_tag", tag="x")
    assert (locked.status_code, "Unlock it" in locked.text) == (403, True)
