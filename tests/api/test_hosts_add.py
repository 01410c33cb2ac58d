"""Adding VM hosts: what is taken, what is refused by name before any host is called, and waiting for trust."""

from __future__ import annotations

from typing import Any

import pytest

from innkeeper.hypervisors.lxd import certificates
from tests.api.facts import POWER_CALLS, audits, events, place, vm
from tests.kit.client import Client
from tests.kit.house import Inn
from tests.kit.until import until


async def state(client: Client, id: int) -> str:
    return str((await client.get(f"vm-hosts/{id}/"))["state"])


async def test_everything_that_can_be_said(house: Inn) -> None:
    await house.admin.post("zones/", name="north")
    pool = await house.admin.post("resourcepools/", name="build")
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "fast": 10**12}))
    made = await house.admin.post(
        "vm-hosts/",
        type="simulated",
        power_address="alpha",
        name="Front-1",
        project="guests",
        zone="north",
        pool="build",
        tags="ssd, rack-7,ssd",
        cpu_over_commit_ratio="10",
        memory_over_commit_ratio="0",
        default_macvlan_mode="vepa",
        default_storage_pool="fast",
        power_user="",
        power_pass="token",
    )
    assert (made["name"], made["project"], made["state"]) == ("front-1", "guests", "ready")
    assert (made["zone"]["name"], made["pool"]["id"]) == ("north", pool["id"])
    assert made["tags"] == ["ssd", "rack-7"]
    assert (made["cpu_over_commit_ratio"], made["memory_over_commit_ratio"]) == (10.0, 0.0)
    assert made["default_macvlan_mode"] == "vepa"
    assert {one["name"]: one["default"] for one in made["storage_pools"]} == {"default": False, "fast": True}
    assert "guests" in house.see("alpha").projects


async def test_one_call_ends_with_the_host_discovered(house: Inn) -> None:
    made = await house.admin.post("vm-hosts/", type="simulated", power_address="alpha")
    assert (made["state"], made["architectures"], made["total"]["cores"]) == ("ready", ["amd64/generic"], 16)
    assert (await house.admin.get(f"vm-hosts/{made['id']}/"))["name"] == made["name"]
    assert "-" in made["name"]  # two random words


async def test_id_0_and_names_are_both_taken(house: Inn) -> None:
    made = await house.admin.post("vm-hosts/", type="simulated", power_address="alpha", zone=1, pool=0)
    assert (made["zone"]["id"], made["pool"]["id"]) == (1, 0)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": ""}, "type"),
    ({"type": "virsh"}, "type"),
    ({"power_address": ""}, "power_address"),
    ({"type": "lxd", "power_address": "http://10.0.0.5"}, "power_address"),
    ({"type": "lxd", "power_address": "10.0.0.5:99999"}, "power_address"),
    ({"type": "lxd", "power_address": "https://10.0.0.5/1.0"}, "power_address"),
    ({"type": "lxd", "power_address": "[::1"}, "power_address"),
    ({"name": "a_b"}, "name"),
    ({"zone": "nowhere"}, "zone"),
    ({"zone": "9" * 30}, "zone"),
    ({"pool": "99"}, "pool"),
    ({"cpu_over_commit_ratio": "10.1"}, "cpu_over_commit_ratio"),
    ({"memory_over_commit_ratio": "-1"}, "memory_over_commit_ratio"),
    ({"cpu_over_commit_ratio": "1,5"}, "cpu_over_commit_ratio"),
    ({"default_macvlan_mode": "bridged"}, "default_macvlan_mode"),
    ({"power_user": "root"}, "power_user"),
    ({"certificate": "x"}, "key"),
    ({"certificate": "x", "key": "y"}, "certificate"),
    ({"certificate_fingerprint": "12"}, "certificate_fingerprint"),
    ({"cpu_overcommit_ratio": "2"}, "cpu_overcommit_ratio"),
    ({"password": "a", "power_pass": "b"}, "power_pass"),
    ({"project": "a" * 200}, "project"),
]


@pytest.mark.parametrize(("fields", "named"), BAD, ids=[f"{list(one[0].items())[-1]}"[:50] for one in BAD])
async def test_refused_by_name_before_any_call(house: Inn, fields: dict[str, Any], named: str) -> None:
    """Also O03 of the ratios: 10.1, -1 and 1,5 are refused, 0 and 10 are taken (above)."""
    answer = await house.admin.call("POST", "vm-hosts/", **({"type": "simulated", "power_address": "alpha"} | fields))
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert named in answer.json(), answer.text
    assert all(type(text) is str for texts in answer.json().values() for text in texts)
    assert house.see("alpha").calls == {}
    assert await house.admin.get("vm-hosts/") == []


@pytest.mark.parametrize("project", ["my_project", "a b", "*", "a/b", "..", "it's"])
async def test_T14_project_names_are_checked_first(house: Inn, project: str) -> None:
    answer = await house.admin.call("POST", "vm-hosts/", type="simulated", power_address="alpha", project=project)
    assert answer.status_code == 400
    assert repr(project) in answer.json()["project"][0] or project in answer.json()["project"][0]
    assert house.see("alpha").calls == {}


async def test_T14_a_missing_project_is_made(house: Inn) -> None:
    await house.add_host(project="fresh-1")
    assert "fresh-1" in house.see("alpha").projects


async def test_an_empty_project_is_the_default_one(house: Inn) -> None:
    id = await house.add_host(project="")
    assert (await house.admin.get(f"vm-hosts/{id}/"))["project"] == "default"


async def test_a_name_that_is_taken(house: Inn) -> None:
    await house.add_host("alpha")
    answer = await house.admin.call("POST", "vm-hosts/", type="simulated", power_address="beta", name="alpha")
    assert (answer.status_code, answer.text) == (409, "There is a VM host named 'alpha' already.")
    assert house.see("beta").calls == {}


@pytest.mark.parametrize("spelling", ["alpha", "alpha.json", "simulated:alpha", " alpha "])
async def test_same_server_and_project_twice(house: Inn, spelling: str) -> None:
    id = await house.add_host("alpha")
    answer = await house.admin.call("POST", "vm-hosts/", type="simulated", power_address=spelling, name="second")
    assert answer.status_code == 409
    assert f"VM host alpha (id {id}) already" in answer.text
    assert [one["id"] for one in await house.admin.get("vm-hosts/")] == [id]
    other = await house.admin.post("vm-hosts/", type="simulated", power_address=spelling, name="third", project="p2")
    assert other["state"] == "ready"


async def test_a_host_that_is_down_is_not_half_added(house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "up", False))
    answer = await house.admin.call("POST", "vm-hosts/", type="simulated", power_address="alpha", name="alpha")
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    assert "retry-after" not in answer.headers
    assert await house.admin.get("vm-hosts/") == []
    assert await house.admin.get("machines/") == []
    assert any("could not be added" in one["text"] for one in await events(house.admin, kind="host"))
    house.change("alpha", lambda world: setattr(world, "up", True))
    await house.add_host()


async def test_a_wrong_token_is_refused_and_nothing_stays(house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    answer = await house.admin.call("POST", "vm-hosts/", type="simulated", power_address="alpha", password="wrong-tok")
    assert (answer.status_code, "token" in answer.text) == (503, True)
    assert "wrong-tok" not in answer.text
    assert await house.admin.get("vm-hosts/") == []
    assert house.see("alpha").projects == {"default": ""}


async def test_a_fingerprint_given_in_advance_must_be_the_servers(house: Inn) -> None:
    answer = await house.admin.call(
        "POST", "vm-hosts/", type="simulated", power_address="alpha", certificate_fingerprint="AB:" * 31 + "AB"
    )
    assert answer.status_code == 503
    assert "ab" * 32 in answer.text
    id = await house.add_host()
    shown = (await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"]
    assert shown in answer.text  # both were named
    await house.admin.delete(f"vm-hosts/{id}/")
    again = await house.add_host(certificate_fingerprint=shown.upper())
    assert await state(house.admin, again) == "ready"


async def test_a_default_storage_pool_that_is_not_there(house: Inn) -> None:
    answer = await house.admin.call(
        "POST", "vm-hosts/", type="simulated", power_address="alpha", default_storage_pool="fast"
    )
    assert answer.status_code == 400
    assert "default_storage_pool" in answer.text
    assert "it has default" in answer.text
    assert await house.admin.get("vm-hosts/") == []


async def test_waiting_for_trust_becomes_ready_by_itself(swift: Inn) -> None:
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await swift.add_host(project="guests", tags="x", default_storage_pool="default")
    waiting = await swift.admin.get(f"vm-hosts/{id}/")
    assert waiting["state"] == "waiting for trust"
    assert "guests" not in swift.see("alpha").projects
    pem = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    swift.change("alpha", lambda world: world.trusted.append(pem))

    async def ready() -> bool:
        return await state(swift.admin, id) == "ready"

    await until(ready)
    one = await swift.admin.get(f"vm-hosts/{id}/")
    assert (one["id"], one["tags"], one["host"]) == (id, ["x"], waiting["host"])
    assert "guests" in swift.see("alpha").projects
    assert swift.see("alpha").calls.get("redeem") is None


async def test_compose_on_a_host_that_waits(swift: Inn) -> None:
    """O06: limits unknown yet is 409 and says so, never "at most 0"."""
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await swift.add_host()
    answer = await swift.admin.call("POST", f"vm-hosts/{id}/", op="compose")
    assert answer.status_code == 409
    assert "waiting for trust" in answer.text
    assert "at most 0" not in answer.text
    assert "free 0" not in answer.text
    assert await swift.admin.get("machines/", hostname="nothing") == []


async def test_O06_compose_at_once_after_adding(house: Inn) -> None:
    id = await house.add_host()
    system_id = await house.admin.compose(id)
    assert (await house.admin.get(f"machines/{system_id}/"))["status_name"] == "Ready"


async def test_the_certificate_is_for_everybody(house: Inn) -> None:
    await house.add_host()
    answer = await house.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in answer.text
    missing = await house.nobody.call("GET", "/MAAS/vmhost-certificate/nothing")
    assert (missing.status_code, missing.text) == (404, "Not Found")


async def test_a_brought_certificate_is_the_one_that_is_shown(swift: Inn) -> None:
    mine = certificates.make(name="mine")
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    swift.change("alpha", lambda world: world.trusted.append(mine.certificate))
    id = await swift.add_host(certificate=mine.certificate, key=mine.key)
    assert await state(swift.admin, id) == "ready"
    shown = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    assert shown.strip() == mine.certificate.strip()
    # It is not ours to take out of the trust list when the host goes.
    await swift.admin.delete(f"vm-hosts/{id}/")
    assert mine.certificate in swift.see("alpha").trusted


async def test_V16_running_vms_are_not_touched(house: Inn) -> None:
    place(house, "alpha", *(vm(f"vm{number}") for number in range(12)))
    before = house.see("alpha").instances
    id = await house.add_host()
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    world = house.see("alpha")
    assert not set(world.calls) & {*POWER_CALLS, "create", "delete", "create_volume", "delete_volume"}
    assert world.instances == before
    found = await house.admin.get("machines/", pod="alpha")
    assert {(one["status_name"], one["locked"], one["power_state"]) for one in found} == {("Deployed", True, "on")}
    assert len(found) == 12
    assert (await house.admin.get(f"vm-hosts/{id}/"))["used"]["cores"] == 12


async def test_V18_odd_and_taken_names_get_valid_unique_ones(house: Inn) -> None:
    first = await house.add_host("beta")
    await house.admin.compose(first, hostname="web1")
    place(house, "alpha", *(vm(name) for name in ("web1", "My_VM", "666", "beta", "x" * 80)))
    await house.add_host("alpha")
    found = {one["instance_name"]: one["hostname"] for one in await house.admin.get("machines/", pod="alpha")}
    assert set(found) == {"web1", "My_VM", "666", "beta", "x" * 80}  # the instances keep theirs
    assert (found["My_VM"], found["666"]) == ("my-vm", "vm-666")
    assert found["web1"].startswith("web1-")
    assert found["beta"].startswith("beta-")
    everyone = [one["hostname"] for one in await house.admin.get("machines/")]
    assert len(set(everyone)) == len(everyone)
    assert all(len(one) <= 63 for one in everyone)


async def test_other_projects_are_other_use(house: Inn) -> None:
    place(house, "alpha", vm("mine", project="guests", cores=2), vm("theirs", cores=3, memory=4096))
    id = await house.add_host(project="guests")
    assert [one["instance_name"] for one in await house.admin.get("machines/", pod="alpha")] == ["mine"]
    limits = (await house.admin.get(f"vm-hosts/{id}/"))["limits"]
    assert (limits["cores"]["claimed"], limits["cores"]["others"], limits["memory"]["others"]) == (2, 3, 4096)


async def test_K12_a_tag_that_means_something_elsewhere(house: Inn) -> None:
    """In MAAS a tag of that name with other kernel options kept hosts from being added. Here tags are words."""
    await house.add_host("alpha", tags="pod-console-logging,virtual")
    id = await house.add_host("beta", tags="pod-console-logging")
    assert (await house.admin.get(f"vm-hosts/{id}/"))["tags"] == ["pod-console-logging"]


async def test_adding_is_audited(house: Inn) -> None:
    id = await house.add_host()
    [text] = await audits(house.admin)
    assert "added the VM host alpha" in text
    [event] = await events(house.admin, kind="audit")
    assert (event["actor"], event["address"], event["host_id"]) == ("admin", "127.0.0.1", id)
