"""Deploy: from Ready or Allocated to Deployed, on simulated hosts whose guests the test speaks for."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.operations import release
from innkeeper.store import deployments, machines, secrets
from tests.api.facts import events
from tests.kit.deployments import (
    FINGERPRINT,
    call,
    phone_home_url,
    ready,
    status,
    until_started,
    until_status,
)
from tests.kit.house import Inn, inn
from tests.kit.until import until

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB ann"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    """One that guests could reach, if it listened."""
    async with inn(tmp_path, host="0.0.0.0") as one:
        yield one


async def test_a_deployed_guest_calls_and_is_deployed(house: Inn) -> None:
    system_id = await ready(house)
    await house.admin.post("account/prefs/sshkeys/", key=KEY)
    before = await house.admin.get(f"machines/{system_id}/")
    data = base64.encodebytes(b"#cloud-config\nusers: []\n").decode()
    made = await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", user_data=data)
    assert (made["status_name"], made["owner"], made["osystem"], made["distro_series"]) == (
        "Deploying", "admin", "custom", "tiny",
    )  # fmt: skip
    await until_started(house, system_id)
    assert await status(house, system_id) == "Deploying"
    state = house.see("alpha")
    there, seed = state.instances["default/web"], state.seeds["default/web"]
    assert (there.power, there.tag("image"), there.tag("machine")) == ("on", FINGERPRINT, system_id)
    assert [nic.mac for nic in there.interfaces] == [nic["mac_address"] for nic in before["interface_set"]]
    assert len(state.volumes) == 1
    assert seed.user_data == "#cloud-config\nusers: []\n"
    assert KEY in json.loads(dict(line.split(": ", 1) for line in seed.meta_data.splitlines())["public-keys"])
    url = phone_home_url(house, "web")
    assert await call(house, url, hostname="web") == 200
    after = await house.admin.get(f"machines/{system_id}/")
    assert (after["status_name"], after["power_state"]) == ("Deployed", "on")
    assert await call(house, url) == 404, "it is good for one call"
    told = [one["text"] for one in await events(house.admin, system_id=system_id) if one["kind"] == "machine"]
    assert any("phones home to http://10.0.0.254:5240" in text for text in told)
    assert not any(url.rpartition("/")[2] in json.dumps(one) for one in await events(house.admin))


async def test_the_key_of_another_image_and_what_is_asked_for_without_meaning(house: Inn) -> None:
    """Every parameter that clients may send: done, checked, or refused by its name."""
    system_id = await ready(house)
    path = f"machines/{system_id}/"
    refused = {
        "hwe_kernel": "ga-22.04", "bridge_all": "true", "bridge_type": "standard", "bridge_stp": "yes",
        "bridge_fd": "15", "install_kvm": "true", "register_vmhost": "true", "install_rackd": "true",
        "vcenter_registration": "true", "enable_hw_sync": "true", "ephemeral_deploy": "true",
        "enable_kernel_crash_dump": "true", "nonsense": "1",
    }  # fmt: skip
    answer = await house.admin.call("POST", path, op="deploy", distro_series="tiny", **refused)
    assert answer.status_code == 400
    assert set(answer.json()) == set(refused)
    for field, value in (("distro_series", "nothing"), ("osystem", "ubuntu"), ("user_data", "\x00")):
        sent = {"distro_series": "custom/tiny"} | {field: value}
        answer = await house.admin.call("POST", path, op="deploy", **sent)
        assert (answer.status_code, set(answer.json())) == (400, {field}), answer.text
    assert await status(house, system_id) == "Ready"
    unmoved = {name: "false" for name, value in refused.items() if value in ("true", "yes")}
    made = await house.admin.post(path, op="deploy", osystem="custom", distro_series="tiny", agent_name="a", **unmoved)
    assert (made["status_name"], made["agent_name"]) == ("Deploying", "a")


async def test_who_may_deploy_what(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    system_id = await ready(house)
    made = await ann.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
    assert made["owner"] == "ann"
    assert (await bob.call("POST", f"machines/{system_id}/", op="deploy", distro_series="tiny")).status_code == 404
    again = await ann.call("POST", f"machines/{system_id}/", op="deploy", distro_series="tiny")
    assert (again.status_code, "is Deploying" in again.text) == (409, True)
    await until_started(house, system_id)
    house.house.services.database.transact(machines.update, system_id, locked=True)
    locked = await ann.call("POST", f"machines/{system_id}/", op="deploy", distro_series="tiny")
    assert (locked.status_code, "is locked" in locked.text) == (403, True)
    alpha = next(one for one in await house.admin.get("machines/") if one["hostname"] == "alpha")
    answer = await house.admin.call("POST", f"machines/{alpha['system_id']}/", op="deploy", distro_series="tiny")
    assert (answer.status_code, "stands for a VM host" in answer.text) == (409, True)


async def test_user_data_of_every_wrapping_is_what_the_guest_gets(house: Inn) -> None:
    """A secret: encrypted at rest, in no list and no event, gone with the release."""
    text = "#cloud-config\npassword: hunter2\n" + "x: y\n" * 20_000
    system_id = await ready(house)
    packed = base64.b64encode(gzip.compress(text.encode())).decode()
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", user_data=packed)
    await until_started(house, system_id)
    assert house.see("alpha").seeds["default/web"].user_data == text
    database, cipher = house.house.services.database, house.house.services.cipher
    assert database.ask(deployments.secrets_of, cipher, system_id)[1] == text
    stored = (house.hosts.parent / "innkeeper.sqlite").read_bytes()
    stored += (house.hosts.parent / "innkeeper.sqlite-wal").read_bytes()
    assert b"hunter2" not in stored
    for shown in ("machines/", f"machines/{system_id}/", "/api/v1/events", "/api/v1/operations"):
        assert "hunter2" not in json.dumps(await house.admin.get(shown))
    await house.admin.post(f"machines/{system_id}/", op="release")
    await until_status(house, system_id, "Ready")
    assert database.ask(secrets.get, cipher, path=f"machine/{system_id}/deployment/user-data") == ""


async def test_a_guest_that_is_late_has_failed_and_can_be_released(tmp_path: Path) -> None:
    """Its console's last lines are kept, and shown."""
    async with inn(tmp_path, host="0.0.0.0", deploy_limit=1.5) as house:
        system_id = await ready(house)
        await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
        await until_started(house, system_id)
        url = phone_home_url(house, "web")
        house.change("alpha", lambda state: state.printed.update({"default/web": "loading\r\nKernel panic\r\n"}))
        await until_status(house, system_id, "Failed deployment")
        machine = await house.admin.get(f"machines/{system_id}/")
        assert "has not shown itself in time (waited for: phone home)" in machine["status_message"]
        assert "Kernel panic" in machine["status_message"]
        deployment = house.house.services.database.ask(deployments.find, system_id)
        assert deployment is not None
        assert "loading\nKernel panic" in deployment.console
        assert await call(house, url) == 404, "nobody waits for it any more"
    async with inn(tmp_path, host="0.0.0.0") as house:  # one that has not seen the console itself
        told = await house.admin.get(f"/api/v1/machines/{system_id}/console")
        assert (told["open"], "loading\nKernel panic" in told["text"]) == (False, True)
        await house.admin.post(f"machines/{system_id}/", op="release")
        await until_status(house, system_id, "Ready")
        assert house.see("alpha").instances["default/web"].power == "off"


async def test_a_deployment_that_the_host_refuses_leaves_an_empty_instance(house: Inn) -> None:
    system_id = await ready(house)
    house.change("alpha", lambda state: state.faults.append(Fault(call="start", kind="refuse")))
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
    await until_status(house, system_id, "Failed deployment")
    machine = await house.admin.get(f"machines/{system_id}/")
    assert "The host refused." in machine["status_message"]
    state = house.see("alpha")
    assert state.instances["default/web"].tag("image") == ""
    assert state.seeds == {}


async def test_an_abort_ends_allocated_before_and_after_the_guest_was_started(house: Inn) -> None:
    system_id = await ready(house)
    path = f"machines/{system_id}/"
    for started in (True, False):
        if not started:
            house.change("alpha", lambda state: setattr(state, "create_seconds", 0.5))
        await house.admin.post(path, op="deploy", distro_series="tiny")
        if started:
            await until_started(house, system_id)
        await house.admin.post(path, op="abort")
        await until_status(house, system_id, "Allocated")
        machine = await house.admin.get(path)
        assert (machine["owner"], machine["osystem"], machine["power_state"]) == ("admin", "", "off")
        there = house.see("alpha").instances["default/web"]
        assert (there.power, there.tag("image")) == ("off", "")


async def test_a_cancel_that_came_too_late_is_done_all_the_same(house: Inn) -> None:
    """It is heard by nobody: the last step was under way. Who looks after guests sees it."""
    system_id = await ready(house)
    slow = Fault(call="start", kind="delay", when="after", seconds=0.5)
    house.change("alpha", lambda state: state.faults.append(slow))
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")

    async def starting() -> bool:
        return house.see("alpha").calls.get("start", 0) > 0

    await until(starting)
    database = house.house.services.database
    one = database.ask(machines.find, system_id)
    database.transact(release.abort, one, actor="admin")
    await until_status(house, system_id, "Allocated")


async def test_a_release_says_only_releasing_until_ready(house: Inn) -> None:
    """Also of one that is Deploying still, whose deployment is called off first."""
    system_id = await ready(house)
    path = f"machines/{system_id}/"
    house.change("alpha", lambda state: setattr(state, "create_seconds", 0.3))
    for started in (False, True):
        await house.admin.post(path, op="deploy", distro_series="tiny")
        await house.admin.post(path, op="set_owner_data", color="red")
        if started:
            await until_started(house, system_id)
            assert await call(house, phone_home_url(house, "web")) == 200
        released = await house.admin.post(path, op="release")
        seen = [released["status_name"]]

        async def is_ready(seen: list[str] = seen) -> bool:
            seen.append(await status(house, system_id))
            return seen[-1] == "Ready"

        await until(is_ready)
        assert set(seen) == {"Releasing", "Ready"}
        machine = await house.admin.get(path)
        assert (machine["owner"], machine["owner_data"], machine["osystem"]) == (None, {}, "")


async def test_a_release_that_cannot_reach_the_host_fails_and_can_be_asked_for_again(house: Inn) -> None:
    system_id = await ready(house)
    path = f"machines/{system_id}/"
    await house.admin.post(path, op="deploy", distro_series="tiny")
    await until_started(house, system_id)
    assert await call(house, phone_home_url(house, "web")) == 200
    house.change("alpha", lambda state: state.faults.append(Fault(call="settle", kind="cut", name="web")))
    await house.admin.post(path, op="release")
    await until_status(house, system_id, "Failed releasing")
    assert house.see("alpha").instances["default/web"].power == "on"
    await house.admin.post(path, op="release")
    await until_status(house, system_id, "Ready")


async def test_a_renamed_machine_boots_with_its_new_name(house: Inn) -> None:
    system_id = await ready(house)
    await house.admin.put(f"machines/{system_id}/", hostname="other")
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
    await until_started(house, system_id)
    seed = house.see("alpha").seeds["default/web"]
    assert 'local-hostname: "other"' in seed.meta_data
    assert '"fqdn": "other.maas"' in seed.vendor_data


async def test_a_machine_that_is_deleted_takes_its_secrets_along(house: Inn) -> None:
    system_id = await ready(house)
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", user_data="#!secret")
    await until_started(house, system_id)
    await house.admin.delete(f"machines/{system_id}/", force="true")
    database, cipher = house.house.services.database, house.house.services.cipher
    assert database.ask(deployments.secrets_of, cipher, system_id) == ("", "")


async def test_what_a_failed_deployment_leaves_is_somebodys(tmp_path: Path) -> None:
    """Its host is removed, with its VMs left on it, and added again: the empty instance is adopted, not swept."""
    async with inn(tmp_path, host="0.0.0.0", sweep_after=0.0) as house:
        system_id = await ready(house)
        house.change("alpha", lambda state: state.faults.append(Fault(call="start", kind="refuse")))
        await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
        await until_status(house, system_id, "Failed deployment")
        (host,) = await house.admin.get("vm-hosts/")
        await house.admin.delete(f"vm-hosts/{host['id']}/")
        again = await house.add_host()
        for _ in range(2):
            await house.admin.post(f"vm-hosts/{again}/", op="refresh")
        assert list(house.see("alpha").instances) == ["default/web"]
        (found,) = [one for one in await house.admin.get("machines/") if one["hostname"] == "web"]
        assert (found["status_name"], found["locked"]) == ("Deployed", True)
