"""What the collection maas.maas says, module by module, and what it reads of the answers."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.contracts import ansible
from tests.clients.contracts.shape import expect, expect_all
from tests.clients.stage import SERIES, Stage
from tests.clients.talk import Python, talking, until

BUSY = {"Commissioning", "Allocated", "Deploying", "Releasing"}


async def vm_host(stage: Stage, on: Python) -> dict[str, Any]:
    """state: present. A list first; then made, then what a create does not take as a change."""
    assert stage.host["name"] not in [one["name"] for one in expect_all(await on.get("vm-hosts/"), ansible.vm_host)]
    made = await on.post("vm-hosts/", **stage.host, tags="ansible,lab", zone="default", pool="default")
    path = f"vm-hosts/{made['id']}/"
    await on.put(path, cpu_over_commit_ratio=2, memory_over_commit_ratio=1.5, default_macvlan_mode="bridge")
    read = expect(await on.get(path), ansible.vm_host)
    assert (read["cpu_over_commit_ratio"], read["memory_over_commit_ratio"]) == (2.0, 1.5)
    # The second run: it is in the list as it should be, nothing is sent.
    assert [one for one in await on.get("vm-hosts/") if one["name"] == stage.host["name"]] == [read]
    return read


async def vm_host_machine(stage: Stage, on: Python, host: dict[str, Any], hostname: str) -> dict[str, Any]:
    """Names become ids first; the same label twice is two disks."""
    assert all(
        one["hostname"] != hostname for one in expect_all(await on.get("machines/"), ansible.machine) if one["pod"]
    )
    ids = {
        field: next(one["id"] for one in expect_all(await on.get(noun), ansible.named) if one["name"] == name)
        for field, noun, name in (
            ("zone", "zones/", "default"),
            ("pool", "resourcepools/", "default"),
            ("domain", "domains/", "maas"),
        )
    }
    subnet = next(one for one in await on.get("subnets/") if one["cidr"] == stage.cidr)
    vlan = subnet["vlan"]
    wanted = f"my_first:subnet_cidr={stage.cidr},fabric={vlan['fabric']},vlan={vlan['vid']}"
    made = await on.post(
        f"vm-hosts/{host['id']}/",
        "compose",
        cores=1,
        memory=1024,
        hostname=hostname,
        storage="my_disk:1,my_disk:1",
        interfaces=wanted,
        **ids,
    )
    path = f"machines/{made['system_id']}/"

    async def poll() -> Any:
        return expect(await on.get(path), ansible.machine)

    read: dict[str, Any] = await until(poll, "Ready", seen=BUSY)
    nic = read["interface_set"][0]
    assert (nic["name"], nic["links"][0]["subnet"]["cidr"], read["memory"]) == ("my_first", stage.cidr, 1024)
    assert [round(one["size"] / 1e9) for one in read["blockdevice_set"]] == [1, 1]
    assert read["pod"]["name"] == host["name"]
    return read


async def instance(stage: Stage, on: Python, machine: dict[str, Any]) -> dict[str, Any]:
    """Deployed by its name straight from Ready; ready again by a release that sends an empty multipart."""
    path = f"machines/{machine['system_id']}/"

    async def poll() -> Any:
        return expect(await on.get(path), ansible.machine)

    refused = await on.tell("POST", path, "deploy", install_kvm=True)
    assert (refused.status, "vm-hosts" in refused.json["install_kvm"][0]) == (400, True)
    assert (await poll())["status_name"] == "Ready"
    expect(await on.post(path, "deploy", distro_series=SERIES, user_data="#cloud-config\n{}\n"), ansible.machine)
    deployed: dict[str, Any] = await until(poll, "Deployed", seen=BUSY)
    expect(await on.post(path, "release"), ansible.machine)
    await until(poll, "Ready", seen=BUSY)
    expect(await on.post(path, "commission"), ansible.machine)
    await until(poll, "Ready", seen=BUSY)
    return deployed


async def allocated(stage: Stage, on: Python) -> None:
    """Without a name: whichever fits, made if none does; ready for that one means that it is gone."""
    one = await on.post(
        "machines/", "allocate", cpu_count=1, mem=1024, zone="default", pool="default", pod=stage.host["name"]
    )
    path = f"machines/{one['system_id']}/"

    async def poll() -> Any:
        answer = await on.ask("GET", path)
        if answer.status == 404:
            return {"status_name": "gone"}
        return expect(on.good(answer), ansible.machine)

    await until(poll, "Allocated", seen=BUSY)
    await on.post(path, "deploy", distro_series=SERIES)
    await until(poll, "Deployed", seen=BUSY)
    await on.post(path, "release")
    await until(poll, "gone", seen=BUSY)


async def absent(on: Python, path: str) -> None:
    """A 404 is no JSON: that is how it tells that something is not there."""
    await on.delete(path)
    answer = await on.ask("GET", path)
    assert answer.status == 404
    try:
        json.loads(answer.body)
    except ValueError:
        return
    raise AssertionError(answer.body)


async def playbook(stage: Stage) -> dict[str, Any]:
    """All modules, then everything absent."""
    async with talking(stage.server, Python) as on:
        host = await vm_host(stage, on)
        one = await vm_host_machine(stage, on, host, "ansible1")
        deployed = await instance(stage, on, one)
        await absent(on, f"machines/{one['system_id']}/")
        await allocated(stage, on)
        await absent(on, f"vm-hosts/{host['id']}/")
    return deployed
