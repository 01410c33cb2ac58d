"""A VM host's life on a real LXD: trusted, watched, changed behind our back, cut off, down, back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.house import Inn, inn
from tests.kit.lab import Lab
from tests.kit.proxy import Proxy
from tests.kit.until import until

pytestmark = pytest.mark.live


@pytest.fixture
def lab() -> Iterator[Lab]:
    one = Lab("life")
    one.clean()
    yield one
    try:
        assert one.leftovers() == {}
    finally:
        one.clean()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    async with inn(tmp_path, trust_every=0.3, poll_every=1.0, power_grace=3.0) as one:
        yield one


async def add(house: Inn, lab: Lab, **fields: Any) -> int:
    made = await house.admin.post(
        "vm-hosts/", **{"type": "lxd", "name": "lab", "power_address": lab.address, "password": lab.token()} | fields
    )
    assert made["state"] == "ready", made["state_reason"]
    host_id = int(made["id"])
    await until(lambda: _live(house, host_id), within=5, what="live events")
    return host_id


async def _live(house: Inn, host_id: int) -> bool:
    return bool((await house.admin.get(f"vm-hosts/{host_id}/"))["live_events"])


async def machine_named(house: Inn, hostname: str) -> dict[str, Any] | None:
    found = await house.admin.get("machines/", hostname=hostname)
    return found[0] if found else None


async def remove(house: Inn, host_id: int) -> None:
    await house.admin.delete(f"vm-hosts/{host_id}/", decompose="true")


async def test_what_happens_behind_our_back_shows_within_two_seconds(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)

    async def in_power(state: str) -> bool:
        found = await machine_named(house, "outside")
        return bool(found) and found["power_state"] == state

    await asyncio.to_thread(lab.new_vm, "outside", "limits.cpu=2", "limits.memory=256MiB")
    made = await until(lambda: machine_named(house, "outside"), within=2, what="created")
    assert (made["status_name"], made["locked"], made["cpu_count"], made["memory"]) == ("Deployed", True, 2, 256)
    await asyncio.to_thread(lab.lxc, "config", "set", "outside", "limits.cpu=1")
    await until(lambda: _cores(house, "outside", 1), within=2, what="changed")
    await asyncio.to_thread(lab.lxc, "start", "outside")
    await until(lambda: in_power("on"), within=2, what="started")
    await asyncio.to_thread(lab.lxc, "stop", "--force", "outside")
    await until(lambda: in_power("off"), within=2, what="stopped")
    await asyncio.to_thread(lab.lxc, "delete", "outside")

    async def gone() -> bool:
        return await machine_named(house, "outside") is None

    await until(gone, within=2, what="deleted")
    await remove(house, host_id)


async def _cores(house: Inn, hostname: str, cores: int) -> bool:
    found = await machine_named(house, hostname)
    return bool(found) and found["cpu_count"] == cores


async def test_a_host_waits_for_trust_and_becomes_ready_by_itself(house: Inn, lab: Lab) -> None:
    made = await house.admin.post("vm-hosts/", type="lxd", name="patient", power_address=lab.address)
    assert made["state"] == "waiting for trust"
    answer = await house.nobody.call("GET", "/MAAS/vmhost-certificate/patient")
    assert answer.headers["content-type"].startswith("text/plain")
    # Terraform sends the same again: nothing happens, it goes on waiting
    same = await house.admin.put(f"vm-hosts/{made['id']}/", type="lxd", power_address=lab.address, name="patient")
    assert same["state"] == "waiting for trust"
    await asyncio.to_thread(_trust, lab, answer.text)

    async def ready() -> bool:
        return bool((await house.admin.get(f"vm-hosts/{made['id']}/"))["state"] == "ready")

    await until(ready, within=5, what="ready by itself")

    async def over() -> bool:  # it is ready a moment before the operation that made it so has ended
        return not await house.admin.get("/api/v1/operations", host_id=made["id"], open_only="true")

    await until(over, within=5, what="enrolled")
    await remove(house, made["id"])


def _trust(lab: Lab, pem: str) -> None:
    path = Path(lab.env["state"]).parent / "waiting.crt"
    path.write_text(pem)
    try:
        lab.lxc("config", "trust", "add", "-", "--name", "patient", stdin=pem)
    finally:
        path.unlink()


async def test_a_composed_vm_that_vanishes_is_missing_and_found_again(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)
    system_id = await house.admin.compose(host_id, hostname="mine", memory=1024, storage="0.064")
    config = lab.query("/1.0/instances/mine")["config"]
    await asyncio.to_thread(lab.lxc, "delete", "mine")

    async def status(name: str) -> bool:
        return bool((await house.admin.get(f"machines/{system_id}/"))["status_name"] == name)

    await until(lambda: status("Missing"), within=2, what="Missing")
    counted = (await house.admin.get(f"vm-hosts/{host_id}/"))["limits"]["cores"]
    assert counted["claimed"] == 1  # what it holds is kept for it
    back = [f"{key}={value}" for key, value in config.items() if key.startswith(("user.", "limits."))]
    await asyncio.to_thread(lab.new_vm, "mine", *back)
    await until(lambda: status("Ready"), within=2, what="found again")
    await house.admin.delete(f"machines/{system_id}/")
    await remove(house, host_id)


async def test_a_vm_changed_outside_changes_its_claim_over_the_limit(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)
    system_id = await house.admin.compose(host_id, hostname="grows", memory=1024, storage="0.064")
    await asyncio.to_thread(lab.lxc, "config", "set", "grows", "limits.cpu=40")
    await until(lambda: _cores(house, "grows", 40), within=2, what="40 cores")
    host = await house.admin.get(f"vm-hosts/{host_id}/")
    assert host["limits"]["cores"]["over"] == 40 - host["total"]["cores"]
    refused = await house.admin.call("POST", f"vm-hosts/{host_id}/", op="compose")
    assert refused.status_code == 409
    assert "over by" in refused.text
    await house.admin.delete(f"machines/{system_id}/")
    await remove(house, host_id)


async def test_rotation_keeps_the_host_and_leaves_one_certificate(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)
    before = await house.admin.get(f"vm-hosts/{host_id}/", op="parameters")
    system_id = await house.admin.compose(host_id, hostname="stays", memory=1024, storage="0.064")
    await house.admin.put(f"vm-hosts/{host_id}/", regenerate_certificate="true")
    after = await house.admin.get(f"vm-hosts/{host_id}/", op="parameters")
    assert after["certificate"] != before["certificate"]
    listed = [one["certificate"] for one in lab.query("/1.0/certificates?recursion=1") if one["name"] != "lab"]
    assert [pem.strip() for pem in listed] == [after["certificate"].strip()]
    assert (await house.admin.get(f"machines/{system_id}/"))["status_name"] == "Ready"
    await remove(house, host_id)


async def test_an_idle_minute_asks_nothing_and_a_cut_stream_is_told(house: Inn, lab: Lab) -> None:
    async with Proxy(lab) as proxy:
        brought = {"certificate": lab.pem("client_cert"), "key": lab.pem("client_key"), "password": ""}
        host_id = await add(house, lab, power_address=proxy.address, **brought)
        await asyncio.sleep(2)  # what adding caused is over
        before = len(proxy.requests)
        await asyncio.sleep(60)
        assert proxy.requests[before:] == []
        proxy.refuse_streams = True
        await proxy.cut_streams()

        async def told() -> str:
            host = await house.admin.get(f"vm-hosts/{host_id}/")
            return str(host["state_reason"]) if not host["live_events"] and host["state"] == "degraded" else ""

        assert "polling" in await until(told, within=5, what="the cut stream is told")
        await asyncio.to_thread(lab.new_vm, "unseen")
        await until(lambda: machine_named(house, "unseen"), within=10, what="seen by polling")
        proxy.refuse_streams = False
        await until(lambda: _live(house, host_id), within=35, what="the stream is open again")
        assert (await house.admin.get(f"vm-hosts/{host_id}/"))["state"] == "ready"
        await asyncio.to_thread(lab.lxc, "delete", "unseen")
        await remove(house, host_id)


async def test_a_host_that_dies_is_unreachable_and_comes_back(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)
    other = await house.add_host("alpha")
    system_id = await house.admin.compose(host_id, hostname="sleeper", memory=1024, storage="0.064")
    await asyncio.to_thread(lab.command, "kill")
    try:

        async def state() -> str:
            return str((await house.admin.get(f"vm-hosts/{host_id}/"))["state"])

        async def unreachable() -> bool:
            return await state() == "unreachable"

        await until(unreachable, within=10, what="unreachable")
        refused = await house.admin.call("DELETE", f"machines/{system_id}/")
        assert refused.status_code == 503
        assert "retry-after" not in refused.headers
        assert await house.admin.compose(other, hostname="elsewhere")  # everything else works on
    finally:
        await asyncio.to_thread(lab.command, "up")

    async def ready() -> bool:
        return await state() == "ready"

    await until(ready, within=40, what="ready again by itself")
    await house.admin.delete(f"machines/{system_id}/")
    await remove(house, host_id)


async def test_a_guest_that_does_not_hear_is_stopped_by_force(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)
    system_id = await house.admin.compose(host_id, hostname="deaf", memory=1024, storage="0.064")
    assert (await house.admin.post(f"machines/{system_id}/", op="power_on"))["power_state"] == "on"
    assert (await house.admin.get(f"machines/{system_id}/", op="query_power_state")) == {"state": "on"}
    assert (await house.admin.post(f"machines/{system_id}/", op="power_off"))["power_state"] == "off"
    told = await house.admin.get("/api/v1/events", system_id=system_id, limit=1000)
    assert any("stopped by force" in one["text"] for one in told)
    await house.admin.delete(f"machines/{system_id}/")
    await remove(house, host_id)


async def test_a_volume_that_others_attached_stays(house: Inn, lab: Lab) -> None:
    host_id = await add(house, lab)
    system_id = await house.admin.compose(host_id, hostname="host-to", memory=1024, storage="0.064,0.064")
    await asyncio.to_thread(lab.lxc, "storage", "volume", "create", "default", "theirs", "--type=block", "size=64MiB")
    await asyncio.to_thread(lab.lxc, "storage", "volume", "attach", "default", "theirs", "host-to")
    await until(lambda: _disks(house, system_id, 3), within=2, what="three disks")
    await house.admin.delete(f"machines/{system_id}/")
    assert (lab.leftovers()["volumes"], "instances" in lab.leftovers()) == (["default/theirs"], False)
    await asyncio.to_thread(lab.lxc, "storage", "volume", "delete", "default", "theirs")
    await remove(house, host_id)


async def _disks(house: Inn, system_id: str, count: int) -> bool:
    return len((await house.admin.get(f"machines/{system_id}/"))["physicalblockdevice_set"]) == count
