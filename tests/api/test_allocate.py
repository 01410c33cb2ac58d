"""Allocate: which Ready machine is taken, when one is composed and where, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import GB, Fault
from tests.api.facts import asked, audits, cursor, events
from tests.kit.client import Client
from tests.kit.house import Inn


async def allocate(client: Client, **fields: Any) -> dict[str, Any]:
    """The machine that is allocated."""
    answer = await client.call("POST", "machines/", op="allocate", **fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refused(client: Client, **fields: Any) -> str:
    """The words of a 409, which must not have a client wait and repeat."""
    answer = await client.call("POST", "machines/", op="allocate", **fields)
    assert answer.status_code == 409, answer.text
    assert "retry-after" not in answer.headers
    return str(answer.text)


async def names(house: Inn) -> dict[str, str]:
    """The status of every machine that was composed, by name."""
    found = await house.admin.get("machines/")
    return {one["hostname"]: one["status_name"] for one in found if one["origin"] == "composed"}


async def test_the_cheapest_ready_machine_that_fits(house: Inn) -> None:
    id = await house.add_host()
    for hostname, cores, memory in (("big", 4, 4096), ("small", 1, 1024), ("wide", 2, 1024), ("tall", 1, 8192)):
        await house.admin.compose(id, hostname=hostname, cores=cores, memory=memory)
    ann = house.client(username="ann")
    got = await allocate(ann, agent_name="agent", comment="for tests")
    assert (got["hostname"], got["status_name"], got["owner"], got["agent_name"]) == (
        "small",
        "Allocated",
        "ann",
        "agent",
    )
    assert (got["dynamic"], got["constraints_by_type"]) == (False, {"storage": {}, "interfaces": {}})
    assert (await allocate(ann, cpu_count="1.5"))["hostname"] == "wide"
    assert (await allocate(ann, mem="2048"))["hostname"] == "big"
    assert (await allocate(ann))["hostname"] == "tall"
    assert "allocated small to ann (for tests)" in await audits(house.admin)


async def test_by_name_by_id_and_by_tag(house: Inn) -> None:
    """Who asks for one that is there gets that one, or none: nothing is composed."""
    id = await house.add_host()
    for hostname in ("one", "two"):
        await house.admin.compose(id, hostname=hostname)
    two = (await house.admin.get("machines/", hostname="two"))[0]
    assert (await allocate(house.admin, name="one.maas"))["hostname"] == "one"
    assert (await allocate(house.admin, system_id=two["system_id"]))["hostname"] == "two"
    text = await refused(house.admin, system_id=two["system_id"])
    assert text.startswith(f"No machine with system ID {two['system_id']} available.")
    assert (await refused(house.admin, name="three")).startswith(
        "No available machine matches constraints: [('name', ['three'])] (resolved to \"name=three\")"
    )
    assert "None is composed" in await refused(house.admin, tags="fast,ssd")
    assert len(house.see("alpha").instances) == 2


async def test_none_is_ready_so_one_is_composed(house: Inn) -> None:
    """On a host that fits all of it; the answer is the machine, Allocated and dynamic, with what was meant."""
    await house.add_host()
    house.change("beta", lambda world: world.pools.update({"fast": 500 * GB}))
    await house.add_host("beta")
    ann = house.client(username="ann")
    got = await allocate(
        ann, cpu_count=2, mem=3000, storage="root:0,0:10(fast),1:5", interfaces="0:name=br0", agent_name="juju"
    )
    assert (got["status_name"], got["owner"], got["dynamic"], got["pod"]["name"]) == (
        "Allocated",
        "ann",
        True,
        "beta",
    )
    assert (got["cpu_count"], got["memory"], got["agent_name"]) == (2, 3000, "juju")
    root, first, second = (one["id"] for one in got["blockdevice_set"])
    assert got["blockdevice_set"][1]["storage_pool"] == "fast"
    assert got["constraints_by_type"] == {
        "storage": {"root": [root], "0": [first], "1": [second]},
        "interfaces": {"0": [got["interface_set"][0]["id"]]},
    }
    assert [one["name"] for one in got["interface_set"]] == ["eth0"]
    seen = [one["state"] for one in await events(house.admin, kind="machine") if one["system_id"] == got["system_id"]]
    assert seen == ["Ready", "Allocated"]  # in one commit: nobody else could take it


async def test_machines_are_spread(house: Inn) -> None:
    """The host that keeps most of its scarcest resource free takes the next one."""
    house.change("alpha", lambda world: setattr(world, "cores", 4))
    for name in ("alpha", "beta", "gamma"):
        await house.add_host(name)
    pods = [(await allocate(house.admin))["pod"]["name"] for _ in range(4)]
    assert pods == ["beta", "gamma", "beta", "gamma"]  # of alpha a quarter would go


async def test_hosts_must_fit_all_of_it(house: Inn) -> None:
    """Zone and pool are no wishes: no silent fallback."""
    await house.admin.post("zones/", name="far")
    await house.admin.post("resourcepools/", name="web")
    await house.add_host("alpha", tags="slow")
    await house.add_host("beta", zone="far", pool="web")
    for fields, pod in (
        ({"zone": "far"}, "beta"),
        ({"zone": "default"}, "alpha"),
        ({"not_in_zone": "far"}, "alpha"),
        ({"pool": "web"}, "beta"),
        ({"not_in_pool": ["web"]}, "alpha"),
        ({"pod": "beta"}, "beta"),
        ({"not_pod": "beta"}, "alpha"),
        ({"not_tags": "slow"}, "beta"),
    ):
        got = await allocate(house.admin, pod_type="simulated", **fields)
        assert (got["pod"]["name"], got["dynamic"]) == (pod, True), fields
        assert got["zone"]["name"] == ("far" if pod == "beta" else "default")
    text = await refused(house.admin, zone="far", pool="default")
    assert "None of the 2 VM hosts can hold a new one: pool fails on 1 host, zone fails on 1 host." in text
    assert "alpha: it is in the zone default" in text
    assert "pod_type fails on 2 hosts" in await refused(house.admin, pod_type="lxd")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"zone": "nowhere"}, "zone"),
        ({"not_in_pool": "none"}, "not_in_pool"),
        ({"pod": "nobody"}, "pod"),
        ({"storage": "root:x"}, "storage"),
        ({"interfaces": "0:subnet=none"}, "interfaces"),
        ({"not_subnets": "space:77"}, "not_subnets"),
        ({"subnets": "a,b"}, "subnets"),
        ({"connected_to": "00:16:3e:00:00:01"}, "connected_to"),
        ({"bridge_all": "true"}, "bridge_all"),
        ({"cpu_count": "many"}, "cpu_count"),
        ({"cpus": "2"}, "cpus"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(house: Inn, fields: dict[str, str], named: str) -> None:
    answer = await house.admin.call("POST", "machines/", op="allocate", **fields)
    assert (answer.status_code, list(answer.json())) == (400, [named])


async def test_a_refusal_counts_machines_and_hosts(house: Inn) -> None:
    assert (await refused(house.admin)) == (
        "No machine available. No machine is Ready. There is no VM host to compose one on."
    )
    id = await house.add_host()
    await house.admin.compose(id, hostname="small")
    locked = await house.admin.compose(id, hostname="kept", cores=8)
    await house.admin.post(f"machines/{locked}/", op="lock")
    text = await refused(house.admin, cpu_count=8, mem=100_000)
    assert text.startswith("No available machine matches constraints: [('cpu_count', ['8']), ('mem', ['100000'])]")
    assert "2 machines are Ready: " in text
    for part in ("mem fails on 2 machines", "cpu_count fails on 1 machine", "locked fails on 1 machine"):
        assert part in text
    assert "memory fails on 1 host" in text
    assert "alpha: cores: asked 8 cores, free 7 cores" in text


async def test_a_dry_run_changes_nothing(house: Inn) -> None:
    id = await house.add_host()
    await house.admin.compose(id, hostname="small")
    before, calls, at = await house.admin.get("machines/"), asked(house, "alpha"), await cursor(house.admin)
    there = await allocate(house.admin, dry_run="true", cpu_count=1)
    assert (there["hostname"], there["status_name"], there["owner"]) == ("small", "Allocated", "admin")
    made = await allocate(house.admin, dry_run="true", cpu_count=3, storage="root:9")
    assert (made["status_name"], made["dynamic"], made["cpu_count"]) == ("Allocated", True, 3)
    assert list(made["constraints_by_type"]["storage"]) == ["root"]
    await refused(house.admin, dry_run="true", cpu_count=64)
    assert await house.admin.get("machines/") == before
    assert asked(house, "alpha") == calls
    assert await cursor(house.admin) == at


async def test_a_host_that_fails_is_left_out(house: Inn) -> None:
    """The next best takes the machine; nothing is left on the first, and the verdict says what it did."""
    house.change("alpha", lambda world: setattr(world, "cores", 64))
    await house.add_host("alpha", cpu_over_commit_ratio=10, memory_over_commit_ratio=10)
    await house.add_host("beta")
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    got = await allocate(house.admin)
    assert (got["pod"]["name"], got["status_name"]) == ("beta", "Allocated")
    assert house.see("alpha").instances == {}
    assert list(await names(house)) == [got["hostname"]]
    placement = await house.admin.get(f"/api/v1/machines/{got['system_id']}/placement")
    verdicts = {one["host"]: one for one in placement["verdicts"]}
    assert "a fault on demand" in verdicts["alpha"]["reasons"][0]["text"]
    assert verdicts["beta"]["fits"] is True


async def test_all_hosts_fail(house: Inn) -> None:
    await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    text = await refused(house.admin)
    assert "host fails on 1 host" in text
    assert "a fault on demand" in text
    assert await names(house) == {}


async def test_an_anti_affinity_group_is_one_a_host(house: Inn) -> None:
    """Ready machines, allocates that compose, and composes: all count."""
    ids = [await house.add_host(name) for name in ("alpha", "beta", "gamma")]
    await house.admin.compose(ids[0], hostname="db1", anti_affinity="db")
    for id in ids[:2]:
        await house.admin.compose(id, cores=1)
    first = await allocate(house.admin, anti_affinity="db", not_pod="gamma")  # db1 itself is one of the group
    assert first["pod"]["name"] == "alpha"
    second = await allocate(house.admin, anti_affinity="db")
    assert (second["pod"]["name"], second["dynamic"]) == ("beta", False)
    third = await allocate(house.admin, anti_affinity="db")
    assert (third["pod"]["name"], third["dynamic"]) == ("gamma", True)
    text = await refused(house.admin, anti_affinity="db")
    assert "anti_affinity fails on 3 hosts" in text
    answer = await house.admin.call("POST", f"vm-hosts/{ids[2]}/", op="compose", anti_affinity="db")
    assert (answer.status_code, third["hostname"] in answer.text) == (409, True)
    assert (await allocate(house.admin, anti_affinity="web"))["dynamic"] is False


async def test_a_host_is_closed_to_new_machines(house: Inn) -> None:
    """By allocate and by compose; what is there stays and is allocated as ever. Then it is opened again."""
    id = await house.add_host()
    await house.admin.compose(id, hostname="there")
    closed = await house.admin.put(f"vm-hosts/{id}/", schedulable="false", closed_reason="new disks on Monday")
    assert (closed["schedulable"], closed["closed_reason"]) == (False, "new disks on Monday")
    assert "changed the VM host: schedulable, closed_reason" in await audits(house.admin)
    assert (await allocate(house.admin))["hostname"] == "there"
    text = await refused(house.admin)
    assert "closed fails on 1 host" in text
    assert "alpha: it is closed to new machines: new disks on Monday" in text
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose")
    assert (answer.status_code, "closed to new machines: new disks on Monday" in answer.text) == (409, True)
    opened = await house.admin.put(f"vm-hosts/{id}/", schedulable="true")
    assert (opened["schedulable"], opened["closed_reason"]) == (True, "")
    assert (await allocate(house.admin))["dynamic"] is True
    refused_reason = await house.admin.call("PUT", f"vm-hosts/{id}/", closed_reason="why not")
    assert (refused_reason.status_code, list(refused_reason.json())) == (400, ["closed_reason"])


async def test_the_verdict_of_every_host_is_kept(house: Inn) -> None:
    for name in ("alpha", "beta", "gamma"):
        await house.add_host(name)
    hosts = {one["name"]: one["id"] for one in await house.admin.get("vm-hosts/")}
    await house.admin.put(f"vm-hosts/{hosts['alpha']}/", schedulable="false")
    other = await house.admin.compose(hosts["beta"], hostname="other", cores=8)
    await house.admin.post(f"machines/{other}/", op="lock")
    ann = house.client(username="ann")
    got = await allocate(ann, cpu_count=2)
    placement = await ann.get(f"/api/v1/machines/{got['system_id']}/placement")
    assert (placement["policy"], placement["host_id"]) == ("spread by headroom", hosts["gamma"])
    assert [(one["host"], one["fits"]) for one in placement["verdicts"]] == [
        ("gamma", True),
        ("beta", True),
        ("alpha", False),
    ]
    assert placement["verdicts"][0]["score"] == 0.875
    assert placement["verdicts"][2]["reasons"] == [
        {
            "constraint": "closed",
            "kind": "conflict",
            "text": "it is closed to new machines: no reason was given",
        }
    ]
    [only] = (await house.admin.get(f"/api/v1/machines/{other}/placement"))["verdicts"]
    assert (only["host"], only["fits"]) == ("beta", True)
    bob = house.client(username="bob")
    for path in (f"/api/v1/machines/{got['system_id']}/placement", "/api/v1/machines/nobody/placement"):
        assert (await bob.call("GET", path)).status_code == 404
