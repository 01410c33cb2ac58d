"""Something is done with many machines: what is offered and refused, and a result for each that stays."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any

import httpx2

from innkeeper.store import batches
from innkeeper.web import bulk_run
from innkeeper.web.bulk_actions import BULKS
from tests.kit.deployments import give_image, status, until_status
from tests.kit.house import Inn
from tests.web.visitor import ORIGIN, Visitor

SAID = re.compile(r'id="result-([a-z0-9]{6})">.*?class="state state-\w+">([^<]+)<', re.DOTALL)


async def machines(house: Inn, count: int = 3, *, host: int | None = None) -> list[str]:
    """So many machines on a host, by their system_ids; vm-1, vm-2 …"""
    host = host or await house.add_host()
    made = []
    for number in range(1, count + 1):
        one = await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname=f"vm-{number}")
        made.append(one["system_id"])
    return made


def address(action: str, ids: list[str]) -> str:
    return f"/machines/bulk?action={action}" + "".join(f"&machine={id}" for id in ids)


async def order(one: Visitor, action: str, ids: list[str], **fields: Any) -> httpx2.Response:
    """Look at the form, tick all that it offers, send it."""
    form = await one.look(address(action, ids))
    found = re.search(r'name="key" value="([0-9a-f]{32})"', form)
    assert found, form
    offered = re.findall(r'name="machine" value="([a-z0-9]{6})"', form)
    return await send(one, action, ids, machine=offered, key=found[1], **fields)


async def send(one: Visitor, action: str, ids: list[str], **fields: Any) -> httpx2.Response:
    return await one.http.post(address(action, ids), data=fields, headers={"Origin": ORIGIN})


async def results(one: Visitor, path: str) -> dict[str, str]:
    """The results when nothing waits any more, by system_id."""
    async with asyncio.timeout(20):
        while True:
            said = dict(SAID.findall(await one.look(path)))
            if not {"waits for its turn", "under way"} & set(said.values()):
                return said
            await asyncio.sleep(0.05)


async def power(house: Inn, ids: list[str]) -> list[str]:
    return [(await house.admin.get(f"machines/{id}/"))["power_state"] for id in ids]


async def test_each_machine_has_a_result_that_can_be_looked_at_again(admin: Visitor, house: Inn) -> None:
    ids = await machines(house)
    page = await order(admin, "power-on", ids)
    assert re.fullmatch(r"/machines/bulk/[0-9a-f]{32}", page.url.path), page.text
    assert await results(admin, page.url.path) == dict.fromkeys(ids, "done")
    assert await power(house, ids) == ["on"] * 3
    text = await admin.look(page.url.path)
    assert "3 done" in text
    assert "Try the rest again" not in text
    for number, id in enumerate(ids, 1):
        assert f'<a href="/machines/{id}">vm-{number}</a>' in text


async def test_what_cannot_be_done_says_why_and_is_not_done(admin: Visitor, house: Inn) -> None:
    ids = await machines(house)
    await house.admin.post(f"machines/{ids[0]}/", op="power_on")
    await house.admin.post(f"machines/{ids[1]}/", op="lock")
    form = await admin.look(address("power-on", ids))
    assert "It can be done with 1 machine<" in form
    assert "It cannot be done with 2 machines" in form
    assert "It is on already." in form
    assert "It is locked." in form
    page = await order(admin, "power-on", ids)
    assert await results(admin, page.url.path) == {ids[2]: "done"}


async def test_what_is_refused_in_the_end_is_told_in_the_apis_words(admin: Visitor, house: Inn) -> None:
    ids = await machines(house)
    await house.admin.post(f"machines/{ids[1]}/", op="lock")
    page = await send(admin, "power-on", ids, machine=ids)
    assert await results(admin, page.url.path) == {ids[0]: "done", ids[1]: "failed", ids[2]: "done"}
    text = await admin.look(page.url.path)
    refused = await house.admin.call("POST", f"machines/{ids[1]}/", op="power_on")
    assert refused.status_code == 403
    assert refused.text.strip() in text
    again = re.search(r'href="(/machines/bulk\?action=power-on&amp;machine=[^"]+)">Try the rest again', text)
    assert again is not None
    assert ids[1] in again[1]
    assert ids[0] not in again[1]


async def test_the_same_form_sent_twice_is_done_once(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 1)
    key = "0" * 32
    first = await send(admin, "power-on", ids, machine=ids, key=key)
    await results(admin, first.url.path)
    second = await send(admin, "power-on", ids, machine=ids, key=key)
    assert second.url.path == first.url.path == f"/machines/bulk/{key}"
    told = await house.admin.get("/api/v1/events", limit=500)
    orders = [one for one in told if one["kind"] == "audit" and "power_on" in one["text"]]
    assert len(orders) == 1


async def test_all_that_match_can_be_chosen(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 3)
    await house.admin.post(f"machines/{ids[0]}/", op="power_on")
    form = await admin.look("/machines/bulk?action=power-off&all=yes&power=on")
    assert re.findall(r'name="machine" value="([a-z0-9]{6})"', form) == [ids[0]]
    form = await admin.look("/machines/bulk?action=power-on&all=yes")
    assert "It can be done with 2 machines" in form


async def test_pools_zones_and_tags(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 2)
    await house.admin.post("resourcepools/", name="web")
    await house.admin.post("zones/", name="the north")
    await house.admin.post("tags/", name="hot")
    for action, fields, of in (
        ("set-pool", {"pool": "web"}, lambda one: one["pool"]["name"] == "web"),
        ("set-zone", {"zone": "the north"}, lambda one: one["zone"]["name"] == "the north"),
        ("tag", {"tag": "hot"}, lambda one: "hot" in one["tag_names"]),
        ("untag", {"tag": "hot"}, lambda one: "hot" not in one["tag_names"]),
        ("lock", {}, lambda one: one["locked"]),
        ("unlock", {}, lambda one: not one["locked"]),
        ("mark-broken", {"comment": "a bad disk"}, lambda one: one["status_name"] == "Broken"),
        ("mark-fixed", {}, lambda one: one["status_name"] == "Ready"),
    ):
        page = await order(admin, action, ids, **fields)
        assert await results(admin, page.url.path) == dict.fromkeys(ids, "done"), action
        for id in ids:
            assert of(await house.admin.get(f"machines/{id}/")), action


async def test_an_image_is_deployed_on_many_and_they_are_released(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    ids = await machines(house, 2, host=host)
    nothing = await admin.look(address("deploy", ids))
    assert "There is no image for these machines yet" in nothing
    give_image(house)
    page = await order(admin, "deploy", ids, distro_series="custom/tiny", user_data="#cloud-config\r\n{}\r\n")
    assert "Deploy: custom/tiny" in page.text
    await results(admin, page.url.path)
    assert [await status(house, id) for id in ids] == ["Deploying"] * 2
    assert [(await house.admin.get(f"machines/{id}/"))["owner"] for id in ids] == ["admin"] * 2
    for number in (1, 2):
        assert house.see("alpha").seeds[f"default/vm-{number}"].user_data == "#cloud-config\n{}\n"
    again = await admin.look(address("deploy", ids))
    assert "only what is Ready or Allocated is deployed" in again
    refused = await order(admin, "release", ids, typed="3")
    assert 'id="typed-wrong"' in refused.text
    assert [await status(house, id) for id in ids] == ["Deploying"] * 2
    freed = await order(admin, "release", ids, typed="2")
    await results(admin, freed.url.path)
    for id in ids:
        await until_status(house, id, "Ready")


async def test_what_is_missing_is_said_beside_its_field(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 2)
    await house.admin.post("resourcepools/", name="web")
    refused = await order(admin, "set-pool", ids, pool="elsewhere")
    assert refused.status_code == 400
    assert 'id="pool-wrong"' in refused.text
    none = await send(admin, "set-pool", ids, pool="web")
    assert "No machine is ticked" in none.text
    one = await send(admin, "set-pool", ids, pool="", machine=ids[:1])
    ticked = re.findall(r'name="machine" value="([a-z0-9]{6})"[^>]* checked', one.text)
    assert ticked == ids[:1]


async def test_deleting_needs_the_number_typed(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 3)
    for typed in ("", "1", "vm-1", "yes"):
        refused = await order(admin, "delete", ids, typed=typed)
        assert refused.status_code == 400
        assert 'id="typed-wrong"' in refused.text
    assert len(await house.admin.get("machines/", hostname=["vm-1", "vm-2", "vm-3"])) == 3
    page = await order(admin, "delete", ids[:2], typed="2")
    assert await results(admin, page.url.path) == dict.fromkeys(ids[:2], "done")
    text = await admin.look(page.url.path)
    assert "vm-1" in text
    assert f"/machines/{ids[0]}" not in text
    assert [one["hostname"] for one in await house.admin.get("machines/", hostname=["vm-1", "vm-2", "vm-3"])] == [
        "vm-3"
    ]
    assert 'id="typed-wrong"' in (await order(admin, "delete", ids[2:], typed="1")).text, "the only one has a name"
    only = await order(admin, "delete", ids[2:], typed="vm-3")
    assert await results(admin, only.url.path) == {ids[2]: "done"}
    assert house.see("alpha").instances == {}


async def test_a_user_does_only_what_they_may(house: Inn) -> None:
    ids = await machines(house, 3)
    ann = house.client(username="ann")
    await ann.post("machines/", op="allocate", name="vm-1")
    await house.admin.post("machines/", op="allocate", name="vm-2")
    async with Visitor(house) as one:
        await one.sign_in("ann")
        form = await one.look(address("lock", ids))
        assert "vm-2" not in form  # another user's is not there
        assert "It is nobody's, and you did not compose it." in html.unescape(form)
        assert re.findall(r'name="machine" value="([a-z0-9]{6})"', form) == ids[:1]
        forced = await send(one, "lock", ids, machine=ids)
        assert await results(one, forced.url.path) == {ids[0]: "done", ids[2]: "failed"}
        assert "Choose what is to be done" in await one.look(address("tag", ids))
        batch = forced.url.path
        async with Visitor(house) as other:
            house.client(username="bob")
            await other.sign_in("bob")
            await other.look(batch, status=404)
    async with Visitor(house) as admin:
        await admin.sign_in("admin")
        assert "vm-1" in await admin.look(batch)


async def test_only_a_few_calls_at_once_on_a_host(admin: Visitor, house: Inn, monkeypatch: Any) -> None:
    ids = await machines(house, 7)
    now, most = 0, 0
    perform = bulk_run.perform

    async def slow(*args: Any, **kwargs: Any) -> object:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        try:
            return await perform(*args, **kwargs)
        finally:
            now -= 1

    monkeypatch.setattr(bulk_run, "perform", slow)
    page = await order(admin, "lock", ids)
    await results(admin, page.url.path)
    assert most == bulk_run.ON_A_HOST


async def test_what_a_dead_server_left_is_not_done(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 3)
    items = [
        batches.Item(position=number, system_id=id, hostname=f"vm-{number + 1}", host_id=1)
        for number, id in enumerate(ids)
    ]

    def left(write: Any) -> None:
        values = {"action": "power-on", "title": "Power on", "user_id": 1, "owner": "f" * 32}
        batches.create(write, id="a" * 32, items=items, **values)
        batches.begin(write, "a" * 32, items[0], owner="f" * 32)
        batches.end(write, "a" * 32, items[0], error="", operation="", title="Power on", actor="admin")
        batches.begin(write, "a" * 32, items[1], owner="f" * 32)

    await house.house.services.database.writing(left)
    path = f"/machines/bulk/{'a' * 32}"
    assert await results(admin, path) == {ids[0]: "done", ids[1]: "not known", ids[2]: "not done"}
    text = await admin.look(path)
    assert "Not all of it was done" in text
    again = re.search(r'href="([^"]+)">Try the rest again', text)
    assert again is not None
    assert re.findall(r"machine=([a-z0-9]{6})", again[1]) == ids[1:]


async def test_nothing_ticked_too_many_and_no_action(admin: Visitor, house: Inn) -> None:
    ids = await machines(house, 1)
    assert "No machine is ticked" in await admin.look("/machines/bulk?action=lock&host=alpha")
    assert "no action is chosen" in await admin.look(f"/machines/bulk?action=&machine={ids[0]}")
    many = [f"x{number:05d}" for number in range(501)]
    assert "more than 500 machines" in await admin.look(address("lock", many))
    assert "It can be done with none" in await admin.look(address("unlock", ids))


def test_every_action_has_words_for_what_it_does() -> None:
    assert [one.name for one in BULKS if not (one.about or one.fields[0] in ("pool", "zone", "tag", "typed"))] == []
