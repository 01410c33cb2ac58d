"""What terraform-provider-maas says, 2.4 and later, and insists on: states on the way, an empty second plan."""

from __future__ import annotations

from typing import Any

from tests.clients.contracts import terraform
from tests.clients.contracts.shape import Texts, expect, expect_all, must
from tests.clients.stage import SERIES, Stage
from tests.clients.talk import Go, talking, until

COMPOSING, DEPLOYING, RELEASING = {"Commissioning", "Testing"}, {"Deploying"}, {"Releasing"}


async def vm_host(stage: Stage, on: Go, **more: str) -> dict[str, Any]:
    """maas_vm_host: create, then everything again as a change, then read; what was written reads back as it was."""
    plan = {
        **stage.host,
        "zone": "default",
        "pool": "default",
        "tags": "terraform,lab",
        "cpu_over_commit_ratio": "2.500000",
        "memory_over_commit_ratio": "1.000000",
        "default_macvlan_mode": "bridge",
        **more,
    }
    made = expect(await on.post("pods/", **plan), terraform.vm_host)
    path = f"pods/{made['id']}/"
    again = {name: value for name, value in plan.items() if name not in ("type", "password", "certificate", "key")}
    expect(await on.put(path, **again), terraform.vm_host)
    read = expect(await on.get(path), terraform.vm_host)
    assert (read["zone"]["name"], read["pool"]["name"]) == ("default", "default")
    assert (read["tags"], read["cpu_over_commit_ratio"], read["memory_over_commit_ratio"]) == (
        ["terraform", "lab"],
        2.5,
        1.0,
    )
    assert (read["default_macvlan_mode"], read["name"]) == ("bridge", stage.host["name"])
    expect({"all": await on.get(path, "parameters")}, {"all": must(Texts)})
    assert expect_all(await on.get("pods/"), terraform.vm_host)
    return read


async def lookups(stage: Stage, on: Go) -> None:
    """The data sources, and what other resources read back after they were made."""
    for noun in ("zones/", "resourcepools/"):
        assert "default" in {one["name"] for one in expect_all(await on.get(noun), terraform.named)}
    assert "maas" in {one["name"] for one in expect_all(await on.get("domains/"), terraform.domain)}
    [subnet] = [one for one in expect_all(await on.get("subnets/"), terraform.subnet) if one["cidr"] == stage.cidr]
    assert subnet["vlan"]["fabric_id"] in {one["id"] for one in expect_all(await on.get("fabrics/"), terraform.fabric)}
    made = expect(
        await on.post("users/", username="tf", email="tf@example.com", password="secret", is_superuser="false"),
        terraform.user,
    )
    assert expect(await on.get("users/tf/"), terraform.user) == made
    assert (made["email"], made["is_superuser"]) == ("tf@example.com", False)
    assert made in expect_all(await on.get("users/"), terraform.user)
    await on.delete("users/tf/")
    pool = expect(await on.post("resourcepools/", name="tf", description="by terraform"), terraform.named)
    assert expect(await on.get(f"resourcepool/{pool['id']}/"), terraform.named) == pool
    await on.delete(f"resourcepool/{pool['id']}/")


async def vm_host_of_a_machine(stage: Stage, on: Go, system_id: str) -> None:
    """maas_vm_host with `machine`: a machine is made a VM host by its deployment. Here it is told what to do instead,
    and the machine is what it was."""
    assert system_id in [one["system_id"] for one in expect_all(await on.get("machines/"), terraform.machine)]
    expect(await on.post("machines/", "allocate", system_id=system_id), terraform.machine)
    settings = [await on.get("maas/", "get_config", name=name) for name in ("default_osystem", "default_distro_series")]
    assert [type(one) for one in settings] == [str, str]
    path = f"machines/{system_id}/"
    for how in ("register_vmhost", "install_kvm"):
        refused = await on.tell("POST", path, "deploy", distro_series=f"custom/{SERIES}", **{how: "true"})
        assert (refused.status, list(refused.json)) == (400, [how])
        assert "VM hosts are added by POST vm-hosts/" in refused.json[how][0]
        assert (await on.get(path))["status_name"] == "Allocated"
    assert await on.post("machines/", "release", machines=[system_id]) == [system_id]

    async def poll() -> Any:
        return expect(await on.get(path), terraform.machine)

    await until(poll, "Ready", seen=RELEASING)


async def machine(stage: Stage, on: Go, host: dict[str, Any], hostname: str) -> dict[str, Any]:
    """maas_vm_host_machine: composed, only commissioning until it is ready, then named and placed."""
    made = await on.post(
        f"pods/{host['id']}/",
        "compose",
        hostname=f"{hostname}-0",
        cores=1,
        memory=1024,
        storage=f"disk0:1({stage.pool}),disk1:1({stage.pool})",
        interfaces=f"eth0:subnet_cidr={stage.cidr}",
    )
    path = f"machines/{made['system_id']}/"

    async def poll() -> Any:
        return expect(await on.get(path), terraform.machine)

    await until(poll, "Ready", seen=COMPOSING)
    changed = expect(
        await on.put(path, hostname=hostname, domain="maas", zone="default", pool="default"), terraform.machine
    )
    read = expect(await on.get(path), terraform.machine)
    assert read == changed
    assert (read["hostname"], read["memory"], read["cpu_count"]) == (hostname, 1024, 1)
    assert [one["storage_pool"] for one in read["blockdevice_set"]] == [stage.pool, stage.pool]
    assert [one["name"] for one in read["interface_set"]] == ["eth0"]
    assert read["interface_set"][0]["links"][0]["subnet"]["cidr"] == stage.cidr
    assert expect(await on.get(path), terraform.machine) == read  # the second plan is empty
    return read


async def tag(on: Go, system_id: str) -> None:
    """maas_tag: made, put on machines, read through them."""
    made = expect(await on.post("tags/", name="tf", comment="by terraform"), terraform.tag)
    expect(await on.put("tags/tf/", name="tf", comment="by terraform"), terraform.tag)
    assert await on.post("tags/tf/", "update_nodes", add=[system_id]) == {"added": 1, "removed": 0}
    assert [one["system_id"] for one in await on.get("tags/tf/", "machines")] == [system_id]
    assert expect(await on.get("tags/tf/"), terraform.tag) == made
    assert await on.post("tags/tf/", "update_nodes", remove=[system_id]) == {"added": 0, "removed": 1}
    await on.delete("tags/tf/")


async def instance(stage: Stage, on: Go, system_id: str) -> dict[str, Any]:
    """maas_instance: allocated, its NIC linked, deployed; released again by the destroy."""
    expect(await on.post("machines/", "allocate", system_id=system_id), terraform.machine)
    nics = expect_all(await on.get(f"nodes/{system_id}/interfaces/"), terraform.interface)
    subnet = next(one for one in expect_all(await on.get("subnets/"), terraform.subnet) if one["cidr"] == stage.cidr)
    nic = f"nodes/{system_id}/interfaces/{nics[0]['id']}/"
    expect(await on.post(nic, "disconnect"), terraform.interface)
    linked = await on.post(nic, "link_subnet", mode="AUTO", subnet=subnet["id"], force="true")
    assert [one["subnet"]["cidr"] for one in expect(linked, terraform.interface)["links"]] == [stage.cidr]
    path = f"machines/{system_id}/"
    deploying = await on.post(
        path, "deploy", distro_series=SERIES, user_data="", enable_hw_sync="false", ephemeral_deploy="false"
    )
    assert expect(deploying, terraform.machine)["status_name"] == "Deploying"

    async def poll() -> Any:
        return expect(await on.get(path), terraform.machine)

    deployed: dict[str, Any] = await until(poll, "Deployed", seen=DEPLOYING)
    assert await on.post("machines/", "release", machines=[system_id]) == [system_id]
    await until(poll, "Ready", seen=RELEASING)
    return deployed


async def destroy(on: Go, host: dict[str, Any], system_id: str) -> None:
    """In reverse: the machine, the host; the host's own record must be gone with it, and say so in these words."""
    await on.delete(f"machines/{system_id}/")
    expect(await on.get(f"pods/{host['id']}/"), terraform.vm_host)
    await on.delete(f"pods/{host['id']}/")
    for path in (f"machines/{host['host']['system_id']}/", f"machines/{system_id}/", f"pods/{host['id']}/"):
        answer = await on.ask("GET", path)
        assert answer.line == "HTTP/1.1 404 Not Found"
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def two_four(stage: Stage) -> dict[str, Any]:
    """Provider 2.4: a host, a machine, a tag, an instance; and all of it destroyed."""
    async with talking(stage.server, Go) as on:
        host = await vm_host(stage, on)
        await lookups(stage, on)
        one = await machine(stage, on, host, "tf1")
        await tag(on, one["system_id"])
        deployed = await instance(stage, on, one["system_id"])
        await destroy(on, host, one["system_id"])
    return deployed


async def later(stage: Stage, **trust: str) -> dict[str, Any]:
    """Provider 2.5 and later: a host with a project and a way to be trusted; settings through the provider too."""
    async with talking(stage.server, Go) as on:
        host = await vm_host(stage, on, project="terraform", **trust)
        assert (await on.get(f"pods/{host['id']}/", "parameters"))["project"] == "terraform"
        assert (await on.tell("POST", "maas/", "set_config", name="default_distro_series", value=SERIES)).status == 200
        assert await on.get("maas/", "get_config", name="default_distro_series") == SERIES
        refused = await on.tell("POST", "maas/", "set_config", name="upstream_dns", value="192.0.2.1")
        assert (refused.status, "subnets" in refused.json["name"][0]) == (400, True)
        one = await machine(stage, on, host, "tf2")
        await vm_host_of_a_machine(stage, on, one["system_id"])
        await destroy(on, host, one["system_id"])
    return one
