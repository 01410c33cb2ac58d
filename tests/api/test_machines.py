"""Machines: their JSON field by field, lists with filters, changes, locks and owner data."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.facts import audits, cursor, give, machine, place, vm
from tests.kit.client import Client
from tests.kit.house import Inn


async def test_K09_and_locked_machines_refuse_by_name(house: Inn) -> None:
    place(house, "alpha", vm("old"))
    await house.add_host()
    [m] = await house.admin.get("machines/", pod="alpha")
    path = f"machines/{m['system_id']}/"
    calls = house.see("alpha").calls
    for method, op in (("POST", "power_on"), ("POST", "power_off"), ("DELETE", None), ("PUT", None)):
        answer = await house.admin.call(method, path, op=op)
        assert (answer.status_code, answer.text) == (403, "old is locked. Unlock it first."), (method, op)
    assert not {"start", "stop", "shutdown", "delete"} & set(calls)
    assert (await house.admin.post(path, op="unlock", comment="moving house"))["locked"] is False
    assert (await house.admin.post(path, op="power_off", stop_mode="hard"))["power_state"] == "off"
    assert (await house.admin.post(path, op="lock"))["locked"] is True
    found = await audits(house.admin)
    assert found[-3:] == ["unlocked old (moving house)", "power_off old", "locked old"]


async def test_locking_twice_is_one_change(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    start = await cursor(house.admin)
    for _ in range(2):
        assert (await house.admin.post(f"machines/{m['system_id']}/", op="lock"))["locked"] is True
    assert await audits(house.admin, after=start) == ["locked web1"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"one", "two", "alpha", "beta"}),
        ({"hostname": ["one", "two"]}, {"one", "two"}),
        ({"hostname": "nobody"}, set()),
        ({"id": "nobody"}, set()),
        ({"pod": "alpha"}, {"one"}),
        ({"not_pod": "alpha"}, {"two", "alpha", "beta"}),
        ({"pod": "nobody"}, set()),
        ({"pod_type": "simulated"}, {"one", "two"}),
        ({"not_pod_type": "simulated"}, {"alpha", "beta"}),
        ({"power_type": "simulated", "pod": "beta"}, {"two"}),
        ({"zone": "north"}, {"two"}),
        ({"not_in_zone": "north"}, {"one", "alpha", "beta"}),
        ({"zone": "nowhere"}, set()),
        ({"pool": "build"}, {"two"}),
        ({"not_in_pool": ["build", "nothing"]}, {"one", "alpha", "beta"}),
        ({"domain": "maas"}, {"one", "two", "alpha", "beta"}),
        ({"domain": "example"}, set()),
        ({"status": "ready"}, {"one", "two"}),
        ({"status": ["Ready", "6"]}, {"one", "two", "alpha", "beta"}),
        ({"agent_name": "juju"}, {"two"}),
        ({"tags": "nothing"}, set()),
        ({"not_tags": "nothing"}, {"one", "two", "alpha", "beta"}),
        ({"zone": "", "agent_name": ""}, {"one", "two", "alpha", "beta"}),
    ],
)
async def test_filters(house: Inn, filters: dict[str, Any], found: set[str]) -> None:
    await house.admin.post("zones/", name="north")
    await house.admin.post("resourcepools/", name="build")
    first, second = await house.add_host("alpha"), await house.add_host("beta")
    await house.admin.compose(first, hostname="one")
    two = await house.admin.compose(second, hostname="two", zone="north", pool="build")
    await house.admin.put(f"machines/{two}/", agent_name="juju")
    assert {m["hostname"] for m in await house.admin.get("machines/", **filters)} == found


async def test_filter_by_mac_whatever_its_case(house: Inn) -> None:
    m = await machine(house, hostname="web1")
    await machine(house, hostname="web2")
    mac = m["interface_set"][0]["mac_address"]
    for text in (mac, mac.upper()):
        assert [x["hostname"] for x in await house.admin.get("machines/", mac_address=text)] == ["web1"]


async def test_unknown_filters_and_statuses(house: Inn) -> None:
    unknown = await house.admin.call("GET", "machines/", hostnames="x")
    assert (unknown.status_code, "did you mean hostname?" in unknown.json()["hostnames"][0]) == (400, True)
    status = await house.admin.call("GET", "machines/", status="sleepy")
    assert (status.status_code, "'sleepy' is not a status" in status.json()["status"][0]) == (400, True)


async def test_update_changes_only_what_is_sent(house: Inn) -> None:
    await house.admin.post("zones/", name="north")
    pool = await house.admin.post("resourcepools/", name="build")
    m = await machine(house, hostname="web1")
    path = f"machines/{m['system_id']}/"
    sent = {"hostname": "Web2", "zone": "north", "pool": "build", "description": "for tests", "agent_name": "juju"}
    after = await house.admin.put(path, **sent)
    changed = {name for name in m if m[name] != after[name]}
    assert changed == {"hostname", "fqdn", "zone", "pool", "description", "agent_name"}
    assert (after["fqdn"], after["zone"]["name"], after["pool"]["id"]) == ("web2.maas", "north", pool["id"])
    assert after["instance_name"] == "web1"  # nothing on the host is renamed
    start = await cursor(house.admin)
    assert await house.admin.put(path, **sent) == after
    assert await audits(house.admin, after=start) == []
    assert (await house.admin.put(path, description=""))["description"] == ""


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"hostname": "a_b"}, "hostname", "not a valid host name"),
        ({"hostname": "alpha"}, "hostname", "there is a machine named 'alpha' already"),
        ({"zone": "nowhere"}, "zone", "no zone"),
        ({"domain": "nowhere"}, "domain", "no domain"),
        ({"architecture": "arm64/generic"}, "architecture", "cannot be changed to arm64/generic"),
        ({"power_type": "virsh"}, "power_type", "cannot be changed to virsh"),
        ({"memory": 1}, "memory", "1024 MiB at least"),
        ({"power_parameters_power_address": "y"}, "power_parameters_power_address", "the power of a VM is its host's"),
        ({"power_parameters_": ""}, "power_parameters_", "the power of a VM is its host's"),
        ({"power_parameters": "{}"}, "power_parameters", "(PUT vm-hosts/{id}/)"),
        ({"power_parameter": "y"}, "power_parameter", "unknown parameter"),
        ({"swap_size": "1024"}, "swap_size", "in the user data of a deploy"),
        ({"min_hwe_kernel": "ga-24.04"}, "min_hwe_kernel", "deploy another image"),
        ({"agent_name": "x" * 300}, "agent_name", "too long"),
    ],
)
async def test_update_refusals(house: Inn, fields: dict[str, Any], field: str, says: str) -> None:
    m = await machine(house, hostname="web1")
    answer = await house.admin.call("PUT", m["resource_uri"], description="new", **fields)
    assert (answer.status_code, says in answer.json()[field][0]) == (400, True), answer.text
    assert await house.admin.get(m["resource_uri"]) == m


async def test_what_was_read_may_be_sent_back(house: Inn) -> None:
    m = await machine(house)
    same = {name: m[name] for name in ("hostname", "architecture", "power_type", "cpu_count", "memory")}
    assert await house.admin.put(m["resource_uri"], **same) == m
    assert await house.admin.put(m["resource_uri"], architecture="amd64") == m


@pytest.mark.parametrize("op", ["set_owner_data", "set_workload_annotations"])
async def test_owner_data(house: Inn, op: str) -> None:
    """Any key; an empty value removes it; strings only; kept over power changes."""
    m = await machine(house)
    path, start = m["resource_uri"], await cursor(house.admin)
    await house.admin.post(path, op=op, a="1", b="two words", c="ä")
    after = await house.admin.post(path, op=op, a="", d="4")
    assert after["owner_data"] == after["workload_annotations"] == {"b": "two words", "c": "ä", "d": "4"}
    await house.admin.post(path, op="power_on")
    assert (await house.admin.get(path))["owner_data"] == after["owner_data"]
    texts = await audits(house.admin, after=start)
    assert [text.partition(": ")[2] for text in texts[:2]] == ["a, b, c", "a, d"]
    assert "two words" not in str(texts)
    await house.admin.post(path, op=op, d="4")
    assert len(await audits(house.admin, after=start)) == 3  # two and the power: nothing was changed by the last


async def test_users_see_their_own_and_unowned_machines(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    place(house, "alpha", vm("old"))
    mine, theirs = await machine(house, hostname="mine"), await machine(house, hostname="theirs")
    give(house, mine["system_id"], ann)
    give(house, theirs["system_id"], bob)

    async def names(client: Client, **filters: Any) -> set[str]:
        return {m["hostname"] for m in await client.get("machines/", **filters)}

    assert await names(house.admin) == {"mine", "theirs", "old", "alpha"}
    assert await names(ann) == {"mine", "old", "alpha"}
    assert await names(ann, id=[theirs["system_id"]]) == set()
    assert await names(bob) == {"theirs", "old", "alpha"}
    hidden = await ann.call("GET", theirs["resource_uri"])
    assert (hidden.status_code, hidden.text) == (404, "No Machine matches the given query.")


async def test_404(house: Inn) -> None:
    for method, op in (
        ("GET", None),
        ("PUT", None),
        ("DELETE", None),
        ("POST", "power_on"),
        ("GET", "power_parameters"),
    ):
        answer = await house.admin.call(method, "machines/nobody/", op=op)
        assert (answer.status_code, answer.text) == (404, "No Machine matches the given query.")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    nul = await house.admin.call("GET", "machines/a%00b/")
    assert (nul.status_code, nul.text) == (404, "No Machine matches the given query.")
