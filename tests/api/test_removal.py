"""Deleting machines and VM hosts: what goes, what stays, and what happens when the host is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import Volume
from tests.api.facts import asked, audits, events, live, place, vm
from tests.kit.house import Inn
from tests.kit.until import until


async def test_delete_takes_the_instance_and_its_own_volumes(house: Inn) -> None:
    id = await house.add_host()
    theirs = Volume(name="theirs", kind="custom", size=10**9)
    house.change("alpha", lambda world: world.volumes.update({"default/default/theirs": theirs}))
    system_id = await house.admin.compose(id, storage="8,20")
    await house.admin.post(f"machines/{system_id}/", op="power_on")
    answer = await house.admin.call("DELETE", f"machines/{system_id}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"  # the stock CLI dies without
    world = house.see("alpha")
    assert (world.instances, list(world.volumes)) == ({}, ["default/default/theirs"])
    assert (await house.admin.get(f"vm-hosts/{id}/"))["limits"]["cores"]["claimed"] == 0
    assert (await house.admin.call("DELETE", f"machines/{system_id}/")).status_code == 404


async def test_K07_a_machine_that_is_gone_from_its_host(house: Inn) -> None:
    id = await house.add_host()
    system_id = await house.admin.compose(id, storage="8,20")

    def lose(world: Any) -> None:
        world.instances.clear()
        world.volumes.clear()

    house.change("alpha", lose)
    await house.admin.delete(f"machines/{system_id}/")
    assert (await house.admin.call("GET", f"machines/{system_id}/")).status_code == 404


async def test_K07_while_the_host_is_unreachable(swift: Inn) -> None:
    """503 naming the host, and nothing is changed; forced: 204, and the VM goes when the host is back."""
    id = await swift.add_host()
    system_id = await swift.admin.compose(id, hostname="web1", cores=3, storage="8,20")
    swift.change("alpha", lambda world: setattr(world, "up", False))
    refused = await swift.admin.call("DELETE", f"machines/{system_id}/")
    assert (refused.status_code, "alpha" in refused.text) == (503, True)
    assert (await swift.admin.get(f"machines/{system_id}/"))["hostname"] == "web1"
    forced = await swift.admin.call("DELETE", f"machines/{system_id}/", force="true")
    assert forced.status_code == 204
    assert (await swift.admin.call("GET", f"machines/{system_id}/")).status_code == 404
    cores = (await swift.admin.get(f"vm-hosts/{id}/"))["limits"]["cores"]
    assert (cores["claimed"], cores["others"]) == (0, 3)  # still counted: it is still there
    [waiting] = await swift.admin.get("/api/v1/operations", system_id=system_id, open_only="true")
    assert waiting["kind"] == "decompose"
    swift.change("alpha", lambda world: setattr(world, "up", True))

    async def gone() -> bool:
        world = swift.see("alpha")
        return not world.instances and not world.volumes

    await until(gone, within=20)

    async def free() -> bool:
        return (await swift.admin.get(f"vm-hosts/{id}/"))["limits"]["cores"]["others"] == 0

    await until(free)


async def test_K09_a_host_without_decompose(house: Inn) -> None:
    """VMs stay; records go."""
    place(house, "alpha", vm("old"))
    id = await house.add_host()
    await house.admin.compose(id, hostname="web1", storage="8,20")
    before = house.see("alpha")
    answer = await house.admin.call("DELETE", f"vm-hosts/{id}/")
    assert (answer.status_code, answer.headers["content-type"]) == (204, "text/plain; charset=utf-8")
    after = house.see("alpha")
    assert (after.instances, after.volumes) == (before.instances, before.volumes)
    assert (await house.admin.get("vm-hosts/"), await house.admin.get("machines/")) == ([], [])


async def test_K09_a_host_with_decompose(house: Inn) -> None:
    """Composed machines go; adopted and locked ones and other projects' stay."""
    place(house, "alpha", vm("old", project="guests"), vm("theirs"), vm("web1"))
    id = await house.add_host(project="guests")
    await house.admin.compose(id, hostname="web2", storage="8,20")
    locked = await house.admin.compose(id, hostname="kept", storage="8,20")
    await house.admin.post(f"machines/{locked}/", op="lock")
    await house.admin.delete(f"vm-hosts/{id}/", decompose="true")
    world = house.see("alpha")
    assert set(world.instances) == {"guests/old", "default/theirs", "default/web1", "guests/kept"}
    assert len(world.volumes) == 1
    assert await house.admin.get("vm-hosts/") == []
    assert not {"start", "stop", "shutdown"} & set(world.calls)


async def test_our_certificate_leaves_the_trust_list_with_the_host(house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await house.add_host(password="token")
    assert len(house.see("alpha").trusted) == 1
    await house.admin.delete(f"vm-hosts/{id}/")
    assert house.see("alpha").trusted == []
    assert (await house.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).status_code == 404


async def test_a_host_that_waits_for_trust_can_be_removed(swift: Inn) -> None:
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await swift.add_host()
    await swift.admin.delete(f"vm-hosts/{id}/")
    assert (await swift.admin.get("vm-hosts/"), await swift.admin.get("machines/")) == ([], [])


async def test_an_unreachable_host(swift: Inn) -> None:
    """Without VMs to destroy it goes; that its trust list could not be changed is said."""
    id = await swift.add_host()
    await swift.admin.compose(id, hostname="web1")
    swift.change("alpha", lambda world: setattr(world, "up", False))
    refused = await swift.admin.call("DELETE", f"vm-hosts/{id}/", decompose="true")
    assert (refused.status_code, "does not answer" in refused.text) == (503, True)
    assert [m["hostname"] for m in await swift.admin.get("machines/", pod="alpha")] == ["web1"]
    await swift.admin.delete(f"vm-hosts/{id}/")
    assert await swift.admin.get("vm-hosts/") == []
    assert any("trust list" in one["text"] for one in await events(swift.admin, kind="host"))
    assert "default/web1" in swift.see("alpha").instances


async def test_a_host_with_work_running(house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)
    house.change("alpha", lambda world: world.faults.append(Fault(call="describe", kind="delay", seconds=1.5)))
    refreshing = asyncio.create_task(house.admin.call("POST", f"vm-hosts/{id}/", op="refresh"))

    async def running() -> bool:
        return bool(await house.admin.get("/api/v1/operations", open_only="true"))

    await until(running)
    answer = await house.admin.call("DELETE", f"vm-hosts/{id}/")
    assert (answer.status_code, "1 operations running" in answer.text, "refresh" in answer.text) == (409, True, True)
    assert (await refreshing).status_code == 200
    await house.admin.delete(f"vm-hosts/{id}/")


@pytest.mark.parametrize("path", ["vm-hosts/{id}/", "pods/{id}/"])
async def test_removal_is_audited(house: Inn, path: str) -> None:
    id = await house.add_host()
    await house.admin.delete(path.format(id=id), decompose="True")
    assert "removed the VM host alpha, decompose=True" in (await audits(house.admin))[-1]
    assert "describe" not in asked(house, "alpha")


async def test_unknown_parameters_of_a_delete(house: Inn) -> None:
    id = await house.add_host()
    for sent in ({"decompos": "true"}, {"decompose": "perhaps"}):
        answer = await house.admin.call("DELETE", f"vm-hosts/{id}/", **sent)
        assert (answer.status_code, next(iter(sent)) in answer.json()) == (400, True)
    assert len(await house.admin.get("vm-hosts/")) == 1
