"""The native API: operations, event pages, what is refused, and that its description tells every answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.store import operations
from innkeeper.store.database import Write
from innkeeper.store.tables import operation
from tests.api.facts import audits, events, give, machine
from tests.kit.client import Client
from tests.kit.house import Inn
from tests.kit.until import until

OPERATION = {
    "id": str,
    "kind": str,
    "host_id": int,
    "system_id": str,
    "state": str,
    "step": str,
    "steps": list,
    "trouble": str,
    "cancelled": bool,
    "attempts": int,
    "actor": str,
    "request": str,
    "created": float,
    "started": float,
    "ended": float,
}
EVENT = "id at kind what text host_id system_id subject operation state step actor address request"


async def test_operations_list_and_read(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    newest, first = await house.admin.get("/api/v1/operations")
    assert (newest["kind"], first["kind"]) == ("compose", "add_host")
    assert {name: type(newest[name]) for name in OPERATION} == OPERATION
    assert (newest["state"], newest["error"], newest["actor"], newest["system_id"]) == (
        "done",
        None,
        "admin",
        m["system_id"],
    )
    assert newest["steps"] == ["reach the host", "create volumes", "create the instance", "read it back"]
    assert newest["created"] <= newest["started"] <= newest["ended"]
    assert await house.admin.get(f"/api/v1/operations/{newest['id']}") == newest
    assert await house.admin.get("/MAAS/api/v1/operations", limit=1) == [newest]
    for which, kinds in (
        ({"host_id": first["host_id"]}, ["compose", "add_host"]),
        ({"host_id": 99}, []),
        ({"system_id": m["system_id"]}, ["compose"]),
        ({"open_only": "true"}, []),
        ({"limit": 1}, ["compose"]),
    ):
        assert [one["kind"] for one in await house.admin.get("/api/v1/operations", **which)] == kinds


async def test_an_error_has_its_parts(house: Inn) -> None:
    id = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", headers={"X-Innkeeper-Request": "mine"})
    newest = (await house.admin.get("/api/v1/operations"))[0]
    assert (newest["state"], newest["request"]) == ("failed", "mine")
    assert newest["error"] == {
        "name": "HostRefused",
        "brief": "The host refused.",
        "details": "a fault on demand",
        "resolution": "",
    }


async def _slow(house: Inn, client: Client, call: str) -> tuple[asyncio.Task[Any], str]:
    """A compose that takes its time at that call: (its request, its operation)."""
    id = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call=call, kind="delay", seconds=1.0)))
    task = asyncio.create_task(client.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", storage="8,8"))

    async def running() -> str:
        found = await house.admin.get("/api/v1/operations", open_only="true")
        return str(found[0]["id"]) if found and house.see("alpha").calls.get(call) else ""

    return task, await until(running)


async def test_cancel_undoes(house: Inn) -> None:
    task, id = await _slow(house, house.admin, "create_volume")
    told = await house.admin.post(f"/api/v1/operations/{id}/cancel")
    assert (told["cancelled"], told["state"]) == (True, "running")
    answer = await task
    assert (answer.status_code, answer.text) == (409, "Cancelled.")
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert await house.admin.get("machines/", hostname="web1") == []
    ended = await house.admin.get(f"/api/v1/operations/{id}")
    assert (ended["state"], ended["error"]["brief"]) == ("failed", "Cancelled.")
    late = await house.admin.call("POST", f"/api/v1/operations/{id}/cancel")
    assert (late.status_code, "has ended already (failed)" in late.json()["brief"]) == (409, True)
    assert [text for text in await audits(house.admin) if text.startswith("cancel")] == [f"cancelled operation {id}"]


async def test_who_may_cancel(house: Inn) -> None:
    """Users cancel what they began; others' operations on hosts they only see."""
    ann = house.client(username="ann")
    task, id = await _slow(house, house.admin, "create")
    hidden = await ann.call("POST", f"/api/v1/operations/{id}/cancel")
    assert hidden.status_code == 404  # a machine of somebody else's
    await task
    host = (await house.admin.get("vm-hosts/"))[0]["id"]
    house.change("alpha", lambda world: world.faults.append(Fault(call="describe", kind="delay", seconds=1.0)))
    refresh = asyncio.create_task(house.admin.call("POST", f"vm-hosts/{host}/", op="refresh"))

    async def running() -> str:
        found = await ann.get("/api/v1/operations", open_only="true", host_id=host)
        return str(found[0]["id"]) if found else ""

    id = await until(running)
    assert (await ann.get(f"/api/v1/operations/{id}"))["kind"] == "refresh"
    assert (await ann.call("POST", f"/api/v1/operations/{id}/cancel")).status_code == 403
    assert (await refresh).status_code == 200


async def test_resume(house: Inn) -> None:
    """An operation that kept crashing processes was stopped; an administrator lets it go on."""
    id = await house.add_host()
    row = (await house.admin.get("/api/v1/operations"))[0]
    done = await house.admin.call("POST", f"/api/v1/operations/{row['id']}/resume")
    assert (done.status_code, "is not stopped (done)" in done.json()["brief"]) == (409, True)

    def stop(write: Write) -> None:
        values = {"state": operations.State.STOPPED, "step": "read the host", "crashes": 5}
        write.sql.execute(operation.update().where(operation.c.id == row["id"]).values(values))

    house.house.services.database.transact(stop)
    assert (await house.admin.get(f"/api/v1/operations/{row['id']}"))["state"] == "stopped"
    assert (
        await house.client(username="ann").call("POST", f"/api/v1/operations/{row['id']}/resume")
    ).status_code == 403
    assert (await house.admin.post(f"/api/v1/operations/{row['id']}/resume"))["state"] == "running"

    async def ended() -> bool:
        return (await house.admin.get(f"/api/v1/operations/{row['id']}"))["state"] == "done"

    await until(ended)
    assert (await house.admin.get(f"vm-hosts/{id}/"))["state"] == "ready"


async def test_pages_of_events(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    every = await events(house.admin)
    assert set(every[0]) == set(EVENT.split())
    ids = [one["id"] for one in every]
    assert ids == sorted(set(ids))
    paged: list[dict[str, Any]] = []
    while page := await house.admin.get("/api/v1/events", after=paged[-1]["id"] if paged else 0, limit=3):
        assert len(page) <= 3
        paged += page
    assert paged == every
    operation_id = next(one["operation"] for one in every if one["what"] == "compose")
    for name, value in (
        ("system_id", m["system_id"]),
        ("operation", operation_id),
        ("kind", "machine"),
        ("host_id", 1),
    ):
        found = await house.admin.get("/api/v1/events", **{name: value})
        assert found == [one for one in every if one[name] == value]
        assert found


async def test_what_users_see(house: Inn) -> None:
    """Hosts', their own and unowned machines' events and operations; never audits. No page is empty too early."""
    ann, bob = house.client(username="ann"), house.client(username="bob")
    mine = await machine(house, hostname="mine")
    theirs = await machine(house, hostname="theirs")
    give(house, mine["system_id"], ann)
    give(house, theirs["system_id"], bob)
    for _ in range(20):
        await house.admin.get("vm-hosts/1/", op="parameters")  # a run of audits
    await ann.post(mine["resource_uri"], op="power_on")
    seen = await events(ann)
    assert {one["system_id"] for one in seen} == {"", mine["system_id"]}
    assert {one["kind"] for one in seen} == {"operation", "host", "machine"}
    small: list[dict[str, Any]] = []
    while page := await ann.get("/api/v1/events", after=small[-1]["id"] if small else 0, limit=2):
        small += page
    assert small == seen
    assert {one["system_id"] for one in await ann.get("/api/v1/operations")} == {"", mine["system_id"]}
    [hidden] = await house.admin.get("/api/v1/operations", system_id=theirs["system_id"])
    assert (await ann.call("GET", f"/api/v1/operations/{hidden['id']}")).status_code == 404
    assert (await ann.call("GET", "/api/v1/events", kind="audit")).status_code == 403
    assert {one["system_id"] for one in await events(house.admin)} >= {mine["system_id"], theirs["system_id"]}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/operations?limit=0", 422),
        ("/api/v1/operations?limit=1001", 422),
        ("/api/v1/operations?limit=x", 422),
        ("/api/v1/operations?open_onlyy=true", 400),
        ("/api/v1/operations?host_id=99999999999999999999999", 422),
        ("/api/v1/operations?system_id=a%00b", 400),
        ("/api/v1/operations/nothing", 404),
        ("/api/v1/operations/a%00b", 404),
        ("/api/v1/operations/nothing?x=1", 400),
        ("/api/v1/events?after=-1", 422),
        ("/api/v1/events?after=99999999999999999999999", 422),
        ("/api/v1/events?since=1", 400),
        ("/api/v1/events/stream?cursor=1", 400),
        ("/api/v1/events/stream?after=x", 422),
        ("/api/v1/vm-hosts/99/inventory", 404),
        ("/api/v1/vm-hosts/99999999999999999999999/figures", 422),
        ("/api/v1/vm-hosts/-1/storage-pools", 422),
    ],
)
async def test_refusals(house: Inn, path: str, status: int) -> None:
    answer = await house.admin.call("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    if status != 422:
        assert set(answer.json()) == {"name", "brief", "details", "resolution"}
    assert (await house.nobody.call("GET", path)).status_code in (401, 422)


async def test_every_call_needs_a_key(house: Inn) -> None:
    paths = (await house.nobody.call("GET", "/api/v1/openapi.json")).json()["paths"]
    assert len(paths) >= 8
    for path, calls in paths.items():
        for method in calls:
            answer = await house.nobody.call(method.upper(), path.format(id="1", system_id="1"))
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("OAuth")
            twice = {"Authorization": "OAuth oauth_token=a, oauth_token=b"}
            malformed = await house.nobody.call(method.upper(), path.format(id="1", system_id="1"), headers=twice)
            assert malformed.status_code == 400, path


async def test_the_description_tells_every_answer(house: Inn) -> None:
    """Each status that can be provoked is in the document with a shape."""
    document = (await house.nobody.call("GET", "/api/v1/openapi.json")).json()
    ann = house.client(username="ann")
    await machine(house)
    done = (await house.admin.get("/api/v1/operations"))[0]["id"]
    add = (await house.admin.get("/api/v1/operations"))[-1]["id"]
    provoked: dict[tuple[str, str], set[int]] = {}
    for path, calls in document["paths"].items():
        for method in calls:
            if path.endswith("/stream"):
                continue
            for client in (house.nobody, ann, house.admin):
                for id in ("1", "0", done, add, "x"):
                    for query in ("", "?x=1", "?limit=0", "?kind=audit", "?host_id=x"):
                        answer = await client.call(method.upper(), path.format(id=id, system_id=id) + query)
                        provoked.setdefault((path, method), set()).add(answer.status_code)
    assert set().union(*provoked.values()) == {200, 400, 401, 403, 404, 409, 422}
    for (path, method), statuses in provoked.items():
        told = document["paths"][path][method]["responses"]
        assert {str(status) for status in statuses} <= set(told), (path, method)
        for status in statuses:
            assert "schema" in told[str(status)]["content"]["application/json"], (path, status)
    stream = document["paths"]["/api/v1/events/stream"]["get"]["responses"]
    assert "text/event-stream" in stream["200"]["content"]
    assert {"200", "400", "401", "422"} <= set(stream)
