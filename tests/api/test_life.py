"""The life of a machine through the API: who owns it when, released, aborted, broken and fixed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.lifecycle import Status
from innkeeper.store import machines
from tests.api.facts import asked, audits, events, live, place, vm
from tests.kit.client import Client
from tests.kit.house import Inn, inn
from tests.kit.until import until


async def allocate(client: Client, **fields: Any) -> dict[str, Any]:
    """The machine that is allocated."""
    return dict(await client.post("machines/", op="allocate", **fields))


async def status(house: Inn, system_id: str) -> str:
    """The `status_name` of a machine; "gone" when there is none."""
    answer = await house.admin.call("GET", f"machines/{system_id}/")
    return "gone" if answer.status_code == 404 else str(answer.json()["status_name"])


async def becomes(house: Inn, system_id: str, wanted: str) -> None:
    """Wait until a machine has that status."""

    async def is_it() -> bool:
        return await status(house, system_id) == wanted

    await until(is_it)


async def moves(house: Inn, system_id: str) -> list[str]:
    """All that a machine became, in order."""
    return [one["state"] for one in await events(house.admin, kind="machine", system_id=system_id) if one["state"]]


async def test_who_owns_a_machine_when(house: Inn) -> None:
    """As Juju does: composed by an administrator, noted on while nobody owns it, allocated by its id, released."""
    id = await house.add_host()
    system_id = await house.admin.compose(id, hostname="web")
    path = f"machines/{system_id}/"
    ready = await house.admin.get(path)
    assert (ready["status_name"], ready["owner"]) == ("Ready", None)
    await house.admin.post(path, op="set_owner_data", **{"juju-composed": "true"})
    ann = house.client(username="ann")
    for call, fields in ((None, {"description": "x"}), ("set_owner_data", {"a": "b"}), ("power_on", {})):
        method = "POST" if call else "PUT"
        assert (await ann.call(method, path, op=call, **fields)).status_code == 403  # she did not compose it
    got = await allocate(ann, system_id=system_id, agent_name="agent")
    assert (got["owner"], got["owner_data"]) == ("ann", {"juju-composed": "true"})
    assert (await house.client(username="bob").call("GET", path)).status_code == 404
    released = await ann.post(path, op="release", comment="done with it")
    assert (released["status_name"], released["owner"], released["owner_data"], released["agent_name"]) == (
        "Ready",
        None,
        {},
        "",
    )
    assert await moves(house, system_id) == ["Ready", "Allocated", "Releasing", "Ready"]
    assert "released web (done with it)" in await audits(house.admin)
    assert asked(house, "alpha").get("delete", 0) == 0  # nothing was on it


async def test_the_composer_acts_on_a_machine_while_nobody_owns_it(house: Inn) -> None:
    """Also when they are an administrator no more."""
    id = await house.add_host()
    eve = house.client(username="eve", is_admin=True)
    system_id = await eve.compose(id)
    path = f"machines/{system_id}/"
    await _demote(house, "eve")
    assert (await eve.put(path, description="mine"))["description"] == "mine"
    await eve.post(path, op="power_on")
    await eve.post(path, op="power_off")
    await allocate(house.client(username="ann"), system_id=system_id)
    assert (await eve.call("PUT", path, description="still mine")).status_code == 404
    await house.admin.post(path, op="release")
    await becomes(house, system_id, "Ready")  # it ran: it is wiped first
    await eve.delete(path)
    assert house.see("alpha").instances == {}


async def _demote(house: Inn, username: str) -> None:
    import sqlalchemy as sa

    from innkeeper.store.account_tables import user_account

    change = sa.update(user_account).where(user_account.c.username == username).values(is_admin=False)
    house.house.services.database.transact(lambda write: write.sql.execute(change))


async def test_a_machine_made_for_its_owner_goes_when_it_is_released(house: Inn) -> None:
    await house.add_host()
    got = await allocate(house.admin, storage="root:8,data:5")
    path = f"machines/{got['system_id']}/"
    house.change("alpha", lambda world: world.faults.append(Fault(call="delete", kind="delay", seconds=0.3)))
    assert (await house.admin.post(path, op="release"))["status_name"] == "Releasing"
    await becomes(house, got["system_id"], "gone")
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    one = (await house.admin.get("vm-hosts/"))[0]
    assert one["limits"]["cores"]["claimed"] == 0


async def test_a_release_that_cannot_reach_its_host(house: Inn) -> None:
    """Failed releasing, with the reason; released again when the host is back."""
    id = await house.add_host()
    got = await allocate(house.admin)
    path = f"machines/{got['system_id']}/"
    await live(house, id)
    house.change("alpha", lambda world: setattr(world, "up", False))
    await house.admin.post(path, op="release")
    await becomes(house, got["system_id"], "Failed releasing")
    assert "does not answer" in (await house.admin.get(path))["status_message"]
    house.change("alpha", lambda world: setattr(world, "up", True))
    await house.admin.post(path, op="release")
    await becomes(house, got["system_id"], "gone")


async def test_many_are_released_at_once(house: Inn) -> None:
    """All or none: what is unknown, another's, or in a state that cannot be released is named."""
    id = await house.add_host()
    ann, bob = house.client(username="ann"), house.client(username="bob")
    ids = [await house.admin.compose(id, hostname=f"m{number}") for number in range(4)]
    for client, system_id in ((ann, ids[0]), (ann, ids[1]), (bob, ids[2])):
        await allocate(client, system_id=system_id)
    answer = await ann.call("POST", "machines/", op="release", machines=[ids[0], "nobody", ids[2]])
    assert (answer.status_code, answer.text) == (400, f"Unknown machine(s): nobody, {ids[2]}.")
    answer = await ann.call("POST", "machines/", op="release", machines=[ids[0], ids[3]])
    assert (answer.status_code, "m3" in answer.text) == (403, True)
    host = (await house.admin.get(f"vm-hosts/{id}/"))["host"]["system_id"]
    answer = await house.admin.call("POST", "machines/", op="release", machines=[ids[0], host])
    assert (answer.status_code, "stands for a VM host" in answer.text) == (409, True)
    assert [await status(house, one) for one in ids] == ["Allocated", "Allocated", "Allocated", "Ready"]
    assert await house.admin.post("machines/", op="release", machines=ids, comment="all") == ids[:3]
    assert {await status(house, one) for one in ids} == {"Ready"}
    assert await house.admin.post("machines/", op="release", machines=ids) == []
    answer = await house.admin.call("POST", "machines/", op="release")
    assert (answer.status_code, list(answer.json())) == (400, ["machines"])


async def test_what_is_locked_or_was_there_before_is_not_released(house: Inn) -> None:
    place(house, "alpha", vm("old"))
    await house.add_host()
    got = await allocate(house.admin)
    await house.admin.post(f"machines/{got['system_id']}/", op="lock")
    answer = await house.admin.call("POST", f"machines/{got['system_id']}/", op="release")
    assert (answer.status_code, "is locked" in answer.text) == (403, True)
    [old] = await house.admin.get("machines/", hostname="old")
    await house.admin.post(f"machines/{old['system_id']}/", op="unlock")
    answer = await house.admin.call("POST", f"machines/{old['system_id']}/", op="release")
    assert (answer.status_code, "was there before Innkeeper" in answer.text) == (409, True)
    assert "default/old" in house.see("alpha").instances


async def test_a_machine_that_runs_is_wiped_when_it_is_released(house: Inn) -> None:
    """It may have booted from the network: what is on its disk is its owner's."""
    id = await house.add_host()
    system_id = await house.admin.compose(id)
    await allocate(house.admin, system_id=system_id)
    await house.admin.post(f"machines/{system_id}/", op="power_on")
    assert (await house.admin.post(f"machines/{system_id}/", op="release"))["status_name"] == "Releasing"
    await becomes(house, system_id, "Ready")
    assert asked(house, "alpha")["delete"] >= 1
    after = await house.admin.get(f"machines/{system_id}/")
    assert (after["power_state"], after["owner"]) == ("off", None)


async def test_a_machine_that_ran_is_wiped_when_it_is_released(house: Inn) -> None:
    """It was never deployed and is off again, but its owner may have put something on it by other ways."""
    id = await house.add_host()
    system_id = await house.admin.compose(id, hostname="web")
    path = f"machines/{system_id}/"
    made = house.see("alpha").instances["default/web"].tag("operation")
    for ran in (True, False):
        await house.admin.post("machines/", op="allocate", system_id=system_id)
        for op in ("power_on", "power_off") if ran else ():
            await house.admin.post(path, op=op)
        await house.admin.post(path, op="release")
        await becomes(house, system_id, "Ready")
        now = house.see("alpha").instances["default/web"].tag("operation")
        assert (now != made) == ran
        made = now


async def test_aborting_a_compose(tmp_path: Path) -> None:
    """The caller was told that it is being made: the record stays and says what came of it."""
    async with inn(tmp_path, compose_wait=0.2) as house:
        id = await house.add_host()
        house.change("alpha", lambda world: setattr(world, "create_seconds", 1.0))
        system_id = await house.admin.compose(id, hostname="web")
        assert await status(house, system_id) == "Commissioning"
        await house.admin.post(f"machines/{system_id}/", op="abort", comment="wrong size")
        await becomes(house, system_id, "Failed commissioning")
        assert house.see("alpha").instances == {}
        answer = await house.admin.call("POST", f"machines/{system_id}/", op="abort")
        assert (answer.status_code, "nothing to abort" in answer.text) == (409, True)


async def test_broken_and_fixed(house: Inn) -> None:
    id = await house.add_host()
    system_id = await house.admin.compose(id)
    path = f"machines/{system_id}/"
    got = await allocate(house.admin, system_id=system_id)
    broken = await house.admin.post(path, op="mark_broken", comment="it smells")
    assert (broken["status_name"], broken["status_message"], broken["owner"]) == ("Broken", "it smells", None)
    assert (await house.admin.call("POST", path, op="deploy")).status_code in (400, 409)
    assert (await allocate(house.admin))["system_id"] != got["system_id"]  # nobody gets it
    fixed = await house.admin.post(path, op="mark_fixed")
    assert (fixed["status_name"], fixed["status_message"]) == ("Ready", "")
    answer = await house.admin.call("POST", path, op="mark_fixed")
    assert (answer.status_code, "not Broken" in answer.text) == (409, True)


async def test_what_stands_for_a_host_is_not_marked_broken(house: Inn) -> None:
    host = await house.admin.get(f"vm-hosts/{await house.add_host()}/")
    answer = await house.admin.call("POST", f"machines/{host['host']['system_id']}/", op="mark_broken")
    assert (answer.status_code, "schedulable=false" in answer.text) == (409, True), answer.text
    assert await status(house, host["host"]["system_id"]) == "Deployed"


async def test_a_deployed_machine_that_is_broken_stays_its_owners(house: Inn) -> None:
    place(house, "alpha", vm("old"))
    await house.add_host()
    [old] = await house.admin.get("machines/", hostname="old")
    path = f"machines/{old['system_id']}/"
    await house.admin.post(path, op="unlock")
    assert (await house.admin.post(path, op="mark_broken"))["status_name"] == "Broken"
    answer = await house.admin.call("POST", path, op="commission")  # else it would be Ready, for anybody to wipe
    assert (answer.status_code, "was there before Innkeeper" in answer.text) == (409, True)
    assert (await house.admin.post(path, op="mark_fixed"))["status_name"] == "Deployed"


@pytest.mark.parametrize(
    ("method", "op", "words"),
    [
        ("POST", "rescue_mode", "innkeeper console"),
        ("POST", "exit_rescue_mode", "innkeeper console"),
        ("POST", "test", "user data"),
        ("POST", "override_failed_testing", "user data"),
        ("GET", "get_curtin_config", "image"),
        ("GET", "details", "JSON"),
        ("GET", "get_token", "user data"),
        ("POST", "restore_networking_configuration", "link_subnet"),
        ("POST", "restore_storage_configuration", "image"),
        ("POST", "restore_default_configuration", "image"),
    ],
)
async def test_what_means_nothing_here_names_another_way(house: Inn, method: str, op: str, words: str) -> None:
    system_id = await house.admin.compose(await house.add_host())
    answer = await house.admin.call(method, f"machines/{system_id}/", op=op, **({"x": "1"} if method == "POST" else {}))
    assert (answer.status_code, words in answer.text) == (400, True), answer.text


async def test_machines_are_not_enlisted(house: Inn) -> None:
    answer = await house.admin.call("POST", "machines/", architecture="amd64", power_type="manual")
    assert (answer.status_code, "op=compose" in answer.text) == (400, True)


async def test_a_missing_machine_comes_back_as_what_it_was(house: Inn) -> None:
    """An allocated one is its owner's still."""
    id = await house.add_host()
    system_id = await house.admin.compose(id, hostname="web")
    await allocate(house.client(username="ann"), system_id=system_id)
    kept = house.see("alpha").instances["default/web"]

    def take(world: Any) -> None:
        del world.instances["default/web"]
        world.tell("instance-deleted", "default", "web")

    def bring(world: Any) -> None:
        world.instances["default/web"] = kept
        world.tell("instance-created", "default", "web")

    await live(house, id)
    house.change("alpha", take)
    await becomes(house, system_id, "Missing")
    answer = await house.admin.call("POST", f"machines/{system_id}/", op="release")
    assert (answer.status_code, "is Missing" in answer.text) == (409, True)
    house.change("alpha", bring)
    await becomes(house, system_id, "Allocated")
    assert (await house.admin.get(f"machines/{system_id}/"))["owner"] == "ann"


async def test_a_failed_release_is_kept_apart_from_a_delete(house: Inn) -> None:
    """A delete that its host refuses leaves the machine as it was."""
    id = await house.add_host()
    system_id = await house.admin.compose(id)
    await live(house, id)
    house.change("alpha", lambda world: setattr(world, "up", False))
    answer = await house.admin.call("DELETE", f"machines/{system_id}/")
    assert answer.status_code == 503
    one = house.house.services.database.ask(machines.find, system_id)
    assert one.status == Status.READY
    await asyncio.sleep(0)
