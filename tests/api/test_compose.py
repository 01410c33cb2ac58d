"""Composing: what is taken, what is refused and how, and what the caller is told when."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import Volume
from tests.api.facts import asked, audits, composed, cursor, live, place, vm
from tests.kit.house import Inn, inn
from tests.kit.until import until


async def test_the_answer(house: Inn) -> None:
    """It comes when the VM exists on the host."""
    id = await house.add_host()
    made = await house.admin.post(f"pods/{id}/", op="compose", hostname="web1")
    assert made == {
        "system_id": made["system_id"],
        "resource_uri": f"/MAAS/api/2.0/machines/{made['system_id']}/",
    }
    assert list(house.see("alpha").instances) == ["default/web1"]
    assert (await house.admin.get(made["resource_uri"]))["status_name"] == "Ready"


async def test_an_instance_or_volume_of_that_name_that_is_not_ours(house: Inn) -> None:
    id = await house.add_host(project="guests")
    volume = Volume(name="kept", kind="virtual-machine", project="guests", size=10**9)
    house.change("alpha", lambda world: world.volumes.update({"default/guests/kept": volume}))
    place(house, "alpha", vm("My_VM", project="guests"), vm("theirs"))
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    calls = asked(house, "alpha")
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="kept")
    assert answer.status_code == 409
    assert "'kept'" in answer.text
    assert "VM host alpha, project guests" in answer.text
    assert asked(house, "alpha") == calls
    assert (await composed(house, id, hostname="theirs"))["status_name"] == "Ready"  # that one is another project's


async def test_an_instance_made_behind_our_back_and_not_seen_yet(house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)
    house.change("alpha", lambda world: world.instances.update({"default/web1": vm("web1")}))  # no event: not seen
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", storage="8,8")
    assert answer.status_code in (409, 503)
    assert "web1" in answer.text
    world = house.see("alpha")
    assert list(world.instances) == ["default/web1"]
    assert world.instances["default/web1"].tag("machine") == ""
    assert world.volumes == {}


@pytest.mark.parametrize("known", [False, True])
async def test_a_host_that_is_down(house: Inn, known: bool) -> None:
    """503 without Retry-After, after undo: no machine, no claim, nothing on the host. Whoever finds it out first."""
    id = await house.add_host()
    await live(house, id)
    house.change("alpha", lambda world: setattr(world, "up", False))

    async def seen() -> bool:
        return str((await house.admin.get(f"vm-hosts/{id}/"))["state"]) == "unreachable"

    if known:
        await until(seen)
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1")
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    assert "retry-after" not in answer.headers
    assert await house.admin.get("machines/", hostname="web1") == []
    one = await house.admin.get(f"vm-hosts/{id}/")
    assert one["limits"]["cores"]["claimed"] == 0
    assert house.see("alpha").instances == {}


@pytest.mark.parametrize("call", ["create_volume", "create"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_the_host_refuses_is_undone(house: Inn, call: str, when: str) -> None:
    id = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call=call, kind="refuse", when=when)))
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", storage="8,8")
    assert (answer.status_code, "a fault on demand" in answer.text) == (503, True)  # the host's own words
    assert await house.admin.get("machines/", hostname="web1") == []
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert (await composed(house, id, hostname="web1", storage="8,8"))["hostname"] == "web1"


async def test_only_commissioning_is_seen_before_ready(tmp_path: Path) -> None:
    """Never New: Terraform gives up on any state it does not know. And a compose that takes long answers 200."""
    async with inn(tmp_path, compose_wait=0.3) as house:
        id = await house.add_host()
        house.change("alpha", lambda world: setattr(world, "create_seconds", 1.5))
        seen: list[tuple[str, int]] = []

        async def watch() -> None:
            while True:
                for one in await house.admin.get("machines/", hostname="web1"):
                    if not seen or seen[-1] != (one["status_name"], one["status"]):
                        seen.append((one["status_name"], one["status"]))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        system_id = await house.admin.compose(id, hostname="web1")
        during = await house.admin.get(f"machines/{system_id}/")
        assert during["status_name"] == "Commissioning"
        assert during["power_state"] == "off"
        # Juju tags it at once, and the tags stay.
        await house.admin.post(f"machines/{system_id}/", op="set_owner_data", **{"juju-composed": "true"})

        async def ready() -> bool:
            return (await house.admin.get(f"machines/{system_id}/"))["status_name"] == "Ready"

        await until(ready)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert [name for name, _ in seen][:2] in (["Commissioning"], ["Commissioning", "Ready"])
        assert {name for name, _ in seen} <= {"Commissioning", "Ready"}
        assert (await house.admin.get(f"machines/{system_id}/"))["owner_data"] == {"juju-composed": "true"}


async def test_a_failure_after_the_answer_shows_with_its_reason(tmp_path: Path) -> None:
    async with inn(tmp_path, compose_wait=0.2) as house:
        id = await house.add_host()
        faults = [Fault(call="create", kind="delay", seconds=1.0), Fault(call="instance", kind="refuse", name="web1")]
        house.change("alpha", lambda world: world.faults.extend(faults))
        system_id = await house.admin.compose(id, hostname="web1")

        async def failed() -> dict[str, Any] | None:
            one: dict[str, Any] = await house.admin.get(f"machines/{system_id}/")
            return one if one["status_name"] == "Failed commissioning" else None

        one = await until(failed)
        assert one is not None
        assert "a fault on demand" in one["status_message"]
        assert one["error_description"] == one["status_message"]
        assert (await house.admin.get(f"vm-hosts/{id}/"))["limits"]["cores"]["claimed"] == 0
        assert house.see("alpha").instances == {}
        await house.admin.call("DELETE", f"machines/{system_id}/")  # the answer may be that it takes its time

        async def gone() -> bool:
            return await house.admin.get("machines/", hostname="web1") == []

        await until(gone)


async def test_a_difference_in_what_was_made_refuses_the_vm(house: Inn) -> None:
    """Read back: here somebody halves the memory between the create and the look."""
    id = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call="instance", kind="delay", seconds=0.6)))
    asking = asyncio.create_task(
        house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", memory=4096)
    )

    async def there() -> bool:
        return "default/web1" in house.see("alpha").instances

    await until(there)

    def halve(world: Any) -> None:
        world.instances["default/web1"] = replace(world.instances["default/web1"], memory=2048)

    house.change("alpha", halve)
    answer = await asking
    assert answer.status_code == 503
    assert "memory (MiB): asked 4096, made 2048" in answer.text
    assert house.see("alpha").instances == {}


async def test_K01_jukus_conversation(house: Inn) -> None:
    """Juju 2026: list vm-hosts, compose with zone=<id> and pool=<name>, read the machine, poll by id, tag, delete."""
    await house.add_host()
    [one] = await house.admin.get("vm-hosts/")
    assert all(one[name] for name in ("resource_uri", "id", "name", "type", "zone", "pool"))
    made = await house.admin.post(
        f"vm-hosts/{one['id']}/",
        op="compose",
        hostname="juju-1",
        cores=2,
        memory=4096,
        storage="root:16",
        interfaces="0:name=br0",
        zone=one["zone"]["id"],
        pool=one["pool"]["name"],
    )
    system_id = made["system_id"]
    await house.admin.post(f"machines/{system_id}/", op="set_owner_data", **{"juju-composed": "true"})
    [polled] = await house.admin.get("machines/", id=[system_id])
    assert (polled["status_name"], polled["owner_data"]) == ("Ready", {"juju-composed": "true"})
    await house.admin.delete(f"machines/{system_id}/")
    assert await house.admin.get("machines/", id=[system_id]) == []


async def test_K04_terraform_converges_to_nothing(house: Inn) -> None:
    made = await house.admin.post("pods/", op="", type="simulated", power_address="alpha", name="alpha")
    host = made["host"]["system_id"]
    await house.admin.put(f"pods/{made['id']}/", type="simulated", power_address="alpha", name="alpha")
    vm_ = await house.admin.post(f"pods/{made['id']}/", op="compose", cores=1, memory=2048, storage="disk0:8(default)")
    put = {"hostname": "tf-1", "domain": "maas", "zone": "default", "pool": "default"}
    first = await house.admin.put(f"machines/{vm_['system_id']}/", **put)
    start = await cursor(house.admin)
    assert await house.admin.put(f"machines/{vm_['system_id']}/", **put) == first
    assert await audits(house.admin, after=start) == []
    await house.admin.delete(f"machines/{vm_['system_id']}/")
    await house.admin.delete(f"pods/{made['id']}/")
    assert (await house.admin.call("GET", f"machines/{host}/")).status_code == 404
    assert (await house.admin.get("pods/"), await house.admin.get("machines/")) == ([], [])
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})


async def test_the_same_name_on_two_hosts_at_once(house: Inn) -> None:
    ids = [await house.add_host(name) for name in ("alpha", "beta")]
    calls = [house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1") for id in ids * 3]
    answers = await asyncio.gather(*calls)
    assert sorted(one.status_code for one in answers).count(400) >= 3
    made = {one.json()["system_id"] for one in answers if one.status_code == 200}
    assert len(made) == 1
    assert len(house.see("alpha").instances) + len(house.see("beta").instances) == 1


async def test_composing_is_audited(house: Inn) -> None:
    id = await house.add_host()
    await house.admin.compose(id, hostname="web")
    assert "composed the machine web" in (await audits(house.admin))[-1]


async def test_no_such_host(house: Inn) -> None:
    answer = await house.admin.call("POST", "vm-hosts/7/", op="compose")
    assert (answer.status_code, answer.text) == (404, "No Pod matches the given query.")


async def test_who_waits_holds_neither_a_thread_nor_a_connection(house: Inn) -> None:
    """Thirty requests wait for a slow host; reading meanwhile is as quick as ever."""
    id = await house.add_host(cpu_over_commit_ratio=10)
    house.change("alpha", lambda world: setattr(world, "create_seconds", 2.0))
    asking = [asyncio.create_task(house.admin.call("POST", f"vm-hosts/{id}/", op="compose")) for _ in range(30)]

    async def waiting() -> bool:
        return len(await house.admin.get("/api/v1/operations", open_only="true")) >= 20

    await until(waiting)
    pool = house.house.services.database.engine.pool
    held, times = [], []
    for _ in range(20):
        begun = time.monotonic()
        await house.admin.get("vm-hosts/")
        times.append(time.monotonic() - begun)
        held.append(pool.checkedout())  # type: ignore[attr-defined]
        await asyncio.sleep(0.02)
    assert len([one for one in asking if not one.done()]) >= 10
    assert sorted(held)[len(held) // 2] <= 3
    assert sorted(times)[len(times) // 2] < 0.5
    answers = await asyncio.gather(*asking)
    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["system_id"] for one in answers}) == 30
