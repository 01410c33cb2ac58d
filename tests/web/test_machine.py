"""The page of a machine: what it shows, and what can be done from it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import PowerState
from innkeeper.store import machines
from innkeeper.web.machine_actions import ACTIONS
from tests.api.facts import give
from tests.kit.deployments import give_image, ready, until_status
from tests.kit.house import Inn
from tests.kit.until import until
from tests.web.visitor import Visitor

STATUSES = (
    Status.READY,
    Status.ALLOCATED,
    Status.DEPLOYED,
    Status.BROKEN,
    Status.FAILED_DEPLOYMENT,
    Status.FAILED_RELEASING,
    Status.FAILED_COMMISSIONING,
    Status.COMMISSIONING,
    Status.MISSING,
)


def become(house: Inn, system_id: str, **values: Any) -> None:
    house.house.services.database.transact(machines.update, system_id, **values)


def offers(text: str, system_id: str) -> set[str]:
    """What a machine's page has buttons for."""
    head = text[text.index("machine-actions") : text.index("host-facts")]
    return set(re.findall(rf'href="/machines/{system_id}/([a-z-]+)"', head))


async def test_it_shows_what_the_api_says(admin: Visitor, house: Inn) -> None:
    id = await ready(house, memory=4096)
    told = await house.admin.get(f"machines/{id}/")
    text = await admin.look(f"/machines/{id}")
    assert told["hostname"] in text
    assert f'id="status">{told["status_name"]}<' in text
    assert f"power {told['power_state']}" in text
    assert f'href="/hosts/{told["pod"]["id"]}">alpha</a>' in text
    assert "<dd>4 GiB" in text
    assert "8 GB in" in text
    why = await house.admin.get(f"/api/v1/machines/{id}/placement")
    assert "taken" in text
    assert f"{int(why['verdicts'][0]['score'] * 100)} % of its scarcest" in text
    network = await admin.look(f"/machines/{id}/network")
    for nic in told["interface_set"]:
        assert nic["mac_address"] in network
        assert nic["vlan"]["name"] in network
    storage = await admin.look(f"/machines/{id}/storage")
    for disk in told["blockdevice_set"]:
        assert disk["storage_pool"] in storage
    assert "5 GB" in storage
    happened = await admin.look(f"/machines/{id}/events")
    assert "web: Commissioning → Ready" in happened


async def test_one_that_is_not_there_and_anothers(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    ann, bob = house.client(username="ann"), house.client(username="bob")
    assert "There is no such machine" in await admin.look("/machines/abcdef", status=404)
    give(house, id, ann)
    async with Visitor(house) as other:
        await other.sign_in("bob")
        for path in ("", "/network", "/storage", "/events", "/console", "/console.txt", "/edit", "/power-on"):
            await other.look(f"/machines/{id}{path}", status=404)
        give(house, id, bob)
        await other.look(f"/machines/{id}")


async def test_nobody_sees_a_button_that_is_refused(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    ann = house.client(username="ann")
    async with Visitor(house) as user:
        await user.sign_in("ann")
        for visitor, client, owner in ((admin, house.admin, None), (user, ann, None), (user, ann, ann)):
            for status in STATUSES:
                for power in (PowerState.ON, PowerState.OFF):
                    state = {"status": int(status), "power_state": power, "locked": False, "status_before": 6}

                    def reset(owner: Any = owner, state: dict[str, Any] = state) -> None:
                        become(house, id, owner_id=None, **state)
                        if owner is not None:
                            give(house, id, owner)

                    reset()
                    offered = offers(await visitor.look(f"/machines/{id}"), id)
                    for action in ACTIONS:
                        if not action.op or action.op in ("commission", "release", "power_on", "power_off"):
                            continue  # they order work on the host, and are tried one by one below
                        reset()
                        path = "machines/" if action.op == "allocate" else f"machines/{id}/"
                        which = {"system_id": id} if action.op == "allocate" else {}
                        answer = await client.call("POST", path, op=action.op, **which, **dict(action.fields))
                        if action.name in offered:
                            assert answer.is_success, (action.name, status, power, answer.text)


@pytest.mark.parametrize("name", ["power-on", "lock", "mark-broken", "commission", "allocate"])
async def test_done_from_its_own_page(admin: Visitor, house: Inn, name: str) -> None:
    id = await ready(house)
    assert name in offers(await admin.look(f"/machines/{id}"), id)
    form = await admin.look(f"/machines/{id}/{name}")
    action = next(one for one in ACTIONS if one.name == name)
    assert action.title in form
    there = await admin.send(f"/machines/{id}/{name}", comment="because")
    assert str(there.url).endswith(f"/machines/{id}")
    assert action.done in there.text
    if action.comment:
        assert "because" in await admin.look(f"/machines/{id}/events")
    assert ('name="comment"' in form) is action.comment

    async def happened() -> bool:
        told = await house.admin.get(f"machines/{id}/")
        return {
            "power-on": told["power_state"] == "on",
            "lock": told["locked"] is True,
            "mark-broken": told["status_name"] == "Broken",
            "commission": told["status_name"] == "Ready",
            "allocate": told["owner"] == "admin",
        }[name]

    await until(happened)


async def test_a_way_through_its_life(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    await admin.send(f"/machines/{id}/allocate")
    late = await admin.send(f"/machines/{id}/allocate")
    assert late.status_code == 409
    name = (await house.admin.get(f"machines/{id}/"))["hostname"]
    assert f"{name} is not free any more: somebody was faster" in late.text
    assert "system_id" not in late.text
    form = await admin.look(f"/machines/{id}/deploy")
    assert "custom/tiny" in form
    assert "has no SSH key" in form
    there = await admin.send(f"/machines/{id}/deploy", distro_series="custom/tiny", user_data="#!/bin/sh\r\ntrue\r\n")
    assert "is being deployed" in there.text
    assert 'id="status">Deploying<' in there.text
    assert offers(there.text, id) >= {"abort", "release"}
    await until_status(house, id, "Deploying")

    async def seeded() -> bool:
        return "default/web" in house.see("alpha").seeds

    await until(seeded)  # and a form's line ends are not the guest's
    assert house.see("alpha").seeds["default/web"].user_data == "#!/bin/sh\ntrue\n"
    there = await admin.send(f"/machines/{id}/abort")
    await until_status(house, id, "Allocated")
    refused = await admin.send(f"/machines/{id}/release", typed="another")
    assert 'id="typed-wrong"' in refused.text
    await until_status(house, id, "Allocated")
    there = await admin.send(f"/machines/{id}/release", typed="web")
    await until_status(house, id, "Ready")
    assert "commission" in offers(await admin.look(f"/machines/{id}"), id)


async def test_what_is_locked_is_only_unlocked(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    await admin.send(f"/machines/{id}/lock")
    assert offers(await admin.look(f"/machines/{id}"), id) == {"unlock"}
    refused = await admin.look(f"/machines/{id}/power-on", status=409)
    assert "locked" in refused
    assert (await admin.send(f"/machines/{id}/power-on")).status_code == 403


async def test_what_fails_is_said_and_what_was_typed_stays(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    house.change("alpha", lambda world: world.faults.append(Fault(call="start", kind="refuse")))
    refused = await admin.send(f"/machines/{id}/power-on", comment="try it")
    assert refused.status_code == 503
    assert "The host refused." in refused.text
    assert 'value="try it"' in refused.text


async def test_steps_are_shown_while_it_works(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    slow = Fault(call="start", kind="delay", seconds=4.0)
    house.change("alpha", lambda world: world.faults.append(slow))
    there = await admin.send(f"/machines/{id}/power-on")
    assert "is being powered on" in there.text
    assert 'aria-current="step"' in there.text
    assert re.search(r'href="/operations/[0-9a-f]{32}/cancel"', there.text)


async def test_changed(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    await house.admin.post("zones/", name="north")
    await house.admin.post("tags/", name="old")
    await house.admin.post("tags/old/", op="update_nodes", add=[id])
    await admin.look(f"/machines/{id}/edit")
    values = {"hostname": "db", "zone": "north", "pool": "default", "domain": "maas", "description": "the database"}
    there = await admin.send(f"/machines/{id}/edit", **values, tags="fresh, ssd")
    assert "db was changed" in there.text
    told = await house.admin.get(f"machines/{id}/")
    assert (told["hostname"], told["zone"]["name"], told["description"]) == ("db", "north", "the database")
    assert sorted(told["tag_names"]) == ["fresh", "ssd"]
    for field, wrong in (("hostname", ""), ("hostname", "a_b"), ("tags", "a b")):
        refused = await admin.send(f"/machines/{id}/edit", **(values | {"tags": "ssd", field: wrong}))
        assert refused.status_code == 400, field
        assert f'id="{field}-wrong"' in refused.text
        assert "the database" in refused.text


async def test_resized_within_limits(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    host = (await house.admin.get(f"machines/{id}/"))["pod"]["id"]
    free = (await house.admin.get(f"/api/v1/vm-hosts/{host}/figures"))["cores"]["free"]
    assert f"has {free} more free" in await admin.look(f"/machines/{id}/resize")
    refused = await admin.send(f"/machines/{id}/resize", cpu_count=free + 100, memory=2048)
    assert refused.status_code == 409
    assert "cores: asked" in refused.text
    there = await admin.send(f"/machines/{id}/resize", cpu_count=3, memory=3072)
    assert "was resized" in there.text
    told = await house.admin.get(f"machines/{id}/")
    assert (told["cpu_count"], told["memory"]) == (3, 3072)
    disk = told["blockdevice_set"][1]
    assert "It has 5 GB" in await admin.look(f"/machines/{id}/disks/{disk['id']}/grow")
    wrong = await admin.send(f"/machines/{id}/disks/{disk['id']}/grow", size="much")
    assert (wrong.status_code, 'id="size-wrong"' in wrong.text) == (400, True)
    less = await admin.send(f"/machines/{id}/disks/{disk['id']}/grow", size="1")
    assert (less.status_code, "has 5 GB." in less.text, "5000000000" in less.text) == (409, True, False)
    assert "has 7.5 GB now" in (await admin.send(f"/machines/{id}/disks/{disk['id']}/grow", size="7.5")).text
    assert (await house.admin.get(f"machines/{id}/"))["blockdevice_set"][1]["size"] == 7_500_000_000
    await house.admin.post(f"machines/{id}/", op="power_on")
    assert "It is not off" in await admin.look(f"/machines/{id}/resize")


async def test_deleted_when_its_name_is_typed(admin: Visitor, house: Inn) -> None:
    id = await ready(house)
    form = await admin.look(f"/machines/{id}/delete")
    assert "with its root disk" in form
    assert form.count('aria-label="Breadcrumbs"') == 1
    assert "innkeeper-" in form
    refused = await admin.send(f"/machines/{id}/delete", typed="wrong")
    assert refused.status_code == 400
    assert 'id="typed-wrong"' in refused.text
    assert len(await house.admin.get("machines/", id=id)) == 1
    await admin.send(f"/machines/{id}/delete", typed="web")
    assert await house.admin.get("machines/", id=id) == []


async def test_an_image_is_asked_for_where_there_is_none(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    id = await house.admin.compose(host)
    assert "There is no image" in await admin.look(f"/machines/{id}/deploy")
    give_image(house)
    assert "custom/tiny" in await admin.look(f"/machines/{id}/deploy")


async def test_the_record_of_a_host_leads_to_it(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    record = (await house.admin.get(f"vm-hosts/{host}/"))["host"]["system_id"]
    text = await admin.look(f"/machines/{record}")
    assert f'href="/hosts/{host}"' in text
    assert not {"delete", "power-off", "release"} & offers(text, record)
    await admin.look(f"/machines/{record}/network")
