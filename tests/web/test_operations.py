"""Operations as pages: the list with its filters, one with its steps, cancelled."""

from __future__ import annotations

import asyncio
import re

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.store import operations as stored
from innkeeper.store.database import Write
from innkeeper.store.operations import State
from innkeeper.store.tables import operation
from tests.api.facts import give
from tests.kit.house import Inn
from tests.kit.until import until
from tests.web.visitor import Visitor


async def test_the_list_is_the_apis(admin: Visitor, house: Inn) -> None:
    assert "Nothing was done yet" in await admin.look("/operations")
    host = await house.add_host()
    id = await house.admin.compose(host, hostname="web")
    told = await house.admin.get("/api/v1/operations")
    text = await admin.look("/operations")
    assert re.findall(r'<tr id="operation-([0-9a-f]+)"', text) == [one["id"] for one in told]
    assert f'href="/machines/{id}">web</a>' in text
    for query, kinds in (
        ("kind=compose", {"compose"}),
        ("machine=web", {"compose"}),
        (f"machine={id}", {"compose"}),
        ("host=alpha&state=done", {one["kind"] for one in told}),
        ("host=nowhere", set()),
        ("state=failed", set()),
    ):
        shown = re.findall(r'<tr id="operation-([0-9a-f]+)"', await admin.look(f"/operations?{query}"))
        assert {one["kind"] for one in told if one["id"] in shown} == kinds, query
    assert "No operation matches" in await admin.look("/operations?host=nowhere")


async def test_one_with_its_steps_and_its_error(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    assert not (await house.admin.call("POST", f"vm-hosts/{host}/", op="compose")).is_success
    told = (await house.admin.get("/api/v1/operations"))[0]
    text = await admin.look(f"/operations/{told['id']}")
    for step in told["steps"]:
        assert step in text
    assert told["error"]["brief"] in text
    assert told["error"]["details"] in text
    assert len(re.findall('class="step step-failed"', text)) == 1
    await admin.look("/operations/0123", status=404)


async def test_cancelled_from_its_page(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    slow = Fault(call="create", kind="delay", seconds=2.0)
    house.change("alpha", lambda world: world.faults.append(slow))
    composing = asyncio.create_task(house.admin.call("POST", f"vm-hosts/{host}/", op="compose"))

    async def running() -> str:
        found = await house.admin.get("/api/v1/operations", open_only=True)
        return next((str(one["id"]) for one in found if one["kind"] == "compose"), "")

    id = await until(running)
    assert f"/operations/{id}/cancel" in await admin.look(f"/operations/{id}")
    assert f"/operations/{id}/cancel" in await admin.look("/operations")
    await admin.look(f"/operations/{id}/cancel")
    there = await admin.send(f"/operations/{id}/cancel")
    assert str(there.url).endswith(f"/operations/{id}")
    assert "cancel requested" in there.text
    await composing

    async def failed() -> bool:
        return bool((await house.admin.get(f"/api/v1/operations/{id}"))["state"] == "failed")

    await until(failed)
    text = await admin.look(f"/operations/{id}")
    assert ">cancelled<" in text
    assert "/cancel" not in text
    assert "/cancel" not in await admin.look("/operations")
    late = await admin.send(f"/operations/{id}/cancel")
    assert late.status_code == 409
    assert "“Compose” of alpha has ended already (failed)." in late.text


async def test_resumed_from_its_page(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    id = await house.admin.compose(host)

    def stop(write: Write) -> str:
        order = stored.submit(
            write,
            kind="power_on",
            first_step="nowhere",
            host_id=host,
            system_id=id,
            arguments={"name": "x", "force": False},
            actor="admin",
        )
        write.sql.execute(operation.update().where(operation.c.id == order).values(state=State.STOPPED, step="start"))
        return order

    order = house.house.services.database.transact(stop)
    text = await admin.look(f"/operations/{order}")
    assert "It was stopped" in text
    assert f"/operations/{order}/resume" in text
    assert f"/operations/{order}/resume" in await admin.look("/operations")
    house.client(username="ann")
    async with Visitor(house) as ann:  # sees it, for the machine is nobody's, and did not order it
        await ann.sign_in("ann")
        for path in ("/operations", f"/operations/{order}"):
            text = await ann.look(path)
            assert f"/operations/{order}" in text or "It was stopped" in text
            assert "/resume" not in text
        assert (await ann.send(f"/operations/{order}/resume")).status_code == 403
    assert "It goes on where it was" in (await admin.send(f"/operations/{order}/resume")).text


async def test_others_are_not_there_for_a_user(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    id = await house.admin.compose(host)
    house.client(username="ann")
    give(house, id, house.client(username="bob"))
    told = (await house.admin.get("/api/v1/operations", system_id=id))[0]
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        assert told["id"] not in await ann.look("/operations")
        await ann.look(f"/operations/{told['id']}", status=404)
        assert (await ann.send(f"/operations/{told['id']}/cancel")).status_code == 404
