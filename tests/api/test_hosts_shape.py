"""The JSON of a VM host, field by field as MAAS's clients insist on it."""

from __future__ import annotations

import json

import pytest

from tests.api.facts import live
from tests.kit.house import Inn

FIELDS = {
    "id": int,
    "name": str,
    "type": str,
    "tags": list,
    "architectures": list,
    "capabilities": list,
    "total": dict,
    "used": dict,
    "available": dict,
    "zone": dict,
    "pool": dict,
    "cpu_over_commit_ratio": float,
    "memory_over_commit_ratio": float,
    "storage_pools": list,
    "host": dict,
    "version": str,
    "resource_uri": str,
}


async def test_every_field_has_its_type(house: Inn) -> None:
    id = await house.add_host(tags="b,a", cpu_over_commit_ratio=2, memory_over_commit_ratio="1.5")
    await house.admin.compose(id, cores=3, memory=4096, storage="root:8")
    one = await house.admin.get(f"vm-hosts/{id}/")
    assert {name: type(one[name]) for name in FIELDS} == FIELDS
    assert one["default_macvlan_mode"] is None  # the key is there: Ansible looks
    assert (one["id"], one["name"], one["type"], one["version"]) == (id, "alpha", "simulated", "1")
    assert one["tags"] == ["b", "a"]  # as written, and none of our own: Terraform would call it drift
    assert one["architectures"] == ["amd64/generic"]
    assert (one["cpu_over_commit_ratio"], one["memory_over_commit_ratio"]) == (2.0, 1.5)
    assert one["zone"] == {
        "id": 1,
        "name": "default",
        "description": "",
        "resource_uri": "/MAAS/api/2.0/zones/default/",
    }
    assert set(one["pool"]) == {"id", "name", "description", "resource_uri"}
    assert (one["pool"]["id"], one["pool"]["resource_uri"]) == (0, "/MAAS/api/2.0/resourcepool/0/")
    assert one["resource_uri"] == f"/MAAS/api/2.0/vm-hosts/{id}/"
    assert one["host"]["__incomplete__"] is True
    assert type(one["host"]["system_id"]) is str
    assert one["host"]["system_id"]


async def test_figures_are_whole_numbers_and_physical(house: Inn) -> None:
    """total and available know no ratio, as in MAAS; `limits` does."""
    id = await house.add_host(cpu_over_commit_ratio="1.5")
    await house.admin.compose(id, cores=3, memory=4096, storage="root:8")
    one = await house.admin.get(f"vm-hosts/{id}/")
    assert one["total"] == {"cores": 16, "memory": 65536, "local_storage": 1000 * 10**9}
    assert one["used"] == {"cores": 3, "memory": 4096, "local_storage": 8 * 10**9}
    assert one["available"] == {"cores": 13, "memory": 61440, "local_storage": 992 * 10**9}
    for part in ("total", "used", "available"):
        assert {type(value) for value in one[part].values()} == {int}
    assert one["limits"]["cores"] == {
        "physical": 16,
        "ratio": 1.5,
        "limit": 24,
        "claimed": 3,
        "others": 0,
        "free": 21,
        "over": 0,
    }


async def test_storage_pools(house: Inn) -> None:
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "slow": 5 * 10**11}))
    id = await house.add_host()
    await house.admin.compose(id, storage="root:8,data:20(slow)")
    first, second = (await house.admin.get(f"vm-hosts/{id}/"))["storage_pools"]
    for pool in (first, second):
        types = {name: type(pool[name]) for name in ("id", "name", "type", "path", "total", "used", "available")}
        assert types == {"id": str, "name": str, "type": str, "path": str, "total": int, "used": int, "available": int}
        assert type(pool["default"]) is bool
        assert type(pool["over_commit_ratio"]) is float
    assert (first["name"], first["default"], second["name"], second["default"]) == ("default", True, "slow", False)
    assert (second["used"], second["available"]) == (20 * 10**9, 480 * 10**9)


async def test_floats_are_written_as_floats(house: Inn) -> None:
    """libmaas raises TypeError for 1, and takes 1.0."""
    id = await house.add_host()
    raw = (await house.admin.call("GET", f"vm-hosts/{id}/")).text
    assert '"cpu_over_commit_ratio": 1.0,' in raw
    assert '"memory_over_commit_ratio": 1.0,' in raw


async def test_a_host_before_discovery_has_empty_figures_and_says_so(swift: Inn) -> None:
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await swift.add_host()
    one = await swift.admin.get(f"vm-hosts/{id}/")
    assert one["state"] == "waiting for trust"
    assert "/MAAS/vmhost-certificate/alpha" in one["state_reason"]
    assert (one["architectures"], one["version"], one["storage_pools"]) == ([], "", [])
    assert one["total"] == {"cores": 0, "memory": 0, "local_storage": 0}
    assert one["limits"]["cores"] is None
    assert one["host"]["system_id"]


async def test_no_secret_and_no_power_field(house: Inn) -> None:
    id = await house.add_host()
    one = await house.admin.get(f"vm-hosts/{id}/")
    assert not {"key", "password", "power_pass", "certificate", "power_parameters"} & set(one)
    assert "BEGIN" not in json.dumps(one)


@pytest.mark.parametrize("path", ["vm-hosts/", "vm-hosts/{id}/"])
async def test_K03_pods_are_the_same(house: Inn, path: str) -> None:
    id, other = await house.add_host(), await house.add_host("beta")
    for one in (id, other):
        await live(house, one)
    here = path.format(id=id)
    assert (await house.admin.call("GET", here)).content == (
        await house.admin.call("GET", here.replace("vm-hosts", "pods"))
    ).content


async def test_K03_every_call_of_one_family_is_in_the_other(house: Inn) -> None:
    described = await house.nobody.get("describe/")
    calls = {
        one["name"]: [(a["name"], a["method"], a["op"], a["doc"]) for a in one["auth"]["actions"]]
        for one in described["resources"]
        if one["auth"]
    }
    assert calls["VmHostsHandler"] == calls["PodsHandler"]
    assert calls["VmHostHandler"] == calls["PodHandler"]


async def test_the_list_is_ordered_by_id(house: Inn) -> None:
    ids = [await house.add_host(name) for name in ("zulu", "alpha", "mike")]
    assert [one["id"] for one in await house.admin.get("vm-hosts/")] == ids
    assert ids == sorted(ids)


async def test_the_host_machine_record(house: Inn) -> None:
    """Every VM host has one: Deployed, on no host itself, and gone with it (Terraform's destroy waits for its 404)."""
    id = await house.add_host(zone="default")
    system_id = (await house.admin.get(f"vm-hosts/{id}/"))["host"]["system_id"]
    machine = await house.admin.get(f"machines/{system_id}/")
    assert (machine["hostname"], machine["status_name"], machine["status"]) == ("alpha", "Deployed", 6)
    assert (machine["pod"], machine["origin"]) == (None, "host")
    assert (machine["cpu_count"], machine["memory"], machine["cpu_speed"]) == (16, 65536, 2000)
    refused = await house.admin.call("DELETE", f"machines/{system_id}/")
    assert (refused.status_code, "stands for a VM host" in refused.text) == (409, True)
    powered = await house.admin.call("POST", f"machines/{system_id}/", op="power_off")
    assert (powered.status_code, "not ours to switch" in powered.text) == (409, True)
    assert await house.admin.get(f"machines/{system_id}/", op="query_power_state") == {"state": "on"}
    await house.admin.delete(f"vm-hosts/{id}/")
    gone = await house.admin.call("GET", f"machines/{system_id}/")
    assert (gone.status_code, gone.text) == (404, "No Machine matches the given query.")


async def test_404_is_text_with_the_words_that_clients_know(house: Inn) -> None:
    for method, path in (("GET", "vm-hosts/7/"), ("DELETE", "pods/7/"), ("PUT", "vm-hosts/x/"), ("GET", "pods/-1/")):
        answer = await house.admin.call(method, path)
        assert (answer.status_code, answer.text) == (404, "No Pod matches the given query."), path
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
