"""A user goes: only when what they own goes to somebody."""

from __future__ import annotations

from tests.api.facts import audits, cursor, give, machine
from tests.kit.house import Inn

MAC = "00:16:3e:aa:00:01"


async def test_who_owns_nothing_goes(house: Inn) -> None:
    ann = house.client(username="ann")
    await house.admin.delete("users/ann/")
    assert (await ann.call("GET", "users/", op="whoami")).status_code == 401


async def test_who_owns_something_stays_until_it_is_said_who_gets_it(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    one, start = await machine(house, hostname="web1"), await cursor(house.admin)
    give(house, one["system_id"], ann)
    await ann.post("devices/", mac_addresses=MAC, hostname="box1")
    assert (await ann.call("POST", "files/", filename="state", file="x")).status_code == 201
    refused = await house.admin.call("DELETE", "users/ann/")
    assert (refused.status_code, "ann owns machine box1, web1; file state." in refused.text) == (409, True)
    for wrong in ("nobody", "ann"):
        answer = await house.admin.call("DELETE", "users/ann/", transfer_resources_to=wrong)
        assert (answer.status_code, set(answer.json())) == (400, {"transfer_resources_to"})
    await house.admin.delete("users/ann/", transfer_resources_to="bob")
    assert {each["owner"] for each in await bob.get("machines/", hostname="web1")} == {"bob"}
    assert [each["owner"] for each in await bob.get("devices/")] == ["bob"]
    assert (await bob.call("GET", "files/", op="get", filename="state")).text == "x"
    assert (await audits(house.admin, after=start))[-1] == "deleted the user ann; bob got what they owned"


async def test_two_files_of_one_name_are_nobodys_to_lose(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    for client in (ann, bob):
        await client.call("POST", "files/", filename="state", file=client.key)
    answer = await house.admin.call("DELETE", "users/ann/", transfer_resources_to="bob")
    assert (answer.status_code, "Both users have a file state." in answer.text) == (409, True)
    assert (await ann.call("GET", "files/", op="get", filename="state")).text == ann.key


async def test_nobody_deletes_themselves(house: Inn) -> None:
    answer = await house.admin.call("DELETE", "users/admin/")
    assert (answer.status_code, "cannot delete yourself" in answer.text) == (409, True)
