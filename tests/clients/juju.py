"""What Juju says to MAAS, in its order, and what it needs to hear: 3.x has allocate compose, 2026 composes itself."""

from __future__ import annotations

import asyncio
import base64
import gzip
import uuid
from ipaddress import ip_network
from typing import Any

from tests.clients.contracts import juju
from tests.clients.contracts.shape import expect, expect_all
from tests.clients.stage import SERIES, Stage
from tests.clients.talk import Go, talking, until

# About as long as Juju's: cloud-config with the agent's configuration in it, gzip and base64 on the way.
CLOUD_CONFIG = "#cloud-config\n" + "".join(f"# {uuid.uuid5(uuid.NAMESPACE_DNS, str(n))}\n" for n in range(700))
USER_DATA = base64.b64encode(gzip.compress(CLOUD_CONFIG.encode())).decode()
DEPLOYING = {"Deploying"}


async def handshake(stage: Stage, on: Go) -> None:
    """add-cloud's ping without a key, then with one; what kinds of machines there could be."""
    anonymous = await on._on.send("GET", "version/", authorization="")
    expect(anonymous.json, juju.version)
    expect(await on.get("version/"), juju.version)
    assert (await on.get("users/", "whoami"))["username"] == "admin"
    resources = expect_all(await on.get("boot-resources/"), juju.boot_resource)
    assert "amd64" in {one["architecture"].split("/")[0] for one in resources}


async def lookups(stage: Stage, on: Go) -> dict[str, int]:
    """Zones, pools, spaces, fabrics, domains and routes; the ids of the spaces by name."""
    assert "default" in {one["name"] for one in expect_all(await on.get("zones/"), juju.zone)}
    assert "default" in {one["name"] for one in expect_all(await on.get("resourcepools/"), juju.pool)}
    spaces = expect_all(await on.get("spaces/"), juju.space)
    assert "undefined" in {one["name"] for one in spaces}  # else Juju takes its subnets' space for unknown
    assert "maas" in {one["name"] for one in expect_all(await on.get("domains/"), juju.domain)}
    [subnet] = [one for one in await on.get("subnets/") if one["cidr"] == stage.cidr]
    fabrics = {one["name"]: one for one in expect_all(await on.get("fabrics/"), juju.fabric)}
    assert subnet["vlan"]["id"] in {one["id"] for one in fabrics[subnet["vlan"]["fabric"]]["vlans"]}
    await routes(stage, on)
    return {one["name"]: one["id"] for one in spaces}


async def routes(stage: Stage, on: Go) -> None:
    """The static routes, of which an administrator has made one."""
    beyond = expect(await on.post("subnets/", cidr="198.51.100.0/24"), juju.subnet)
    gateway = str(ip_network(stage.cidr)[-2])
    made = await on.post("static-routes/", source=stage.cidr, destination=beyond["id"], gateway_ip=gateway, metric=7)
    found = expect_all(await on.get("static-routes/"), juju.static_route)
    [one] = [one for one in found if one["id"] == expect(made, juju.static_route)["id"]]
    assert (one["source"]["cidr"], one["destination"], one["gateway_ip"], one["metric"]) == (
        stage.cidr, beyond, gateway, 7,
    )  # fmt: skip
    await on.delete(one["resource_uri"])
    await on.delete(beyond["resource_uri"])


async def state_file(on: Go, model: str) -> None:
    """Where 3.x remembers its controller."""
    name = f"{model}-provider-state"
    assert (await on.ask("GET", f"files/{name}/")).line == "HTTP/1.1 404 Not Found"
    assert (await on.upload("files/", name, b"state: [x]\n")).status == 201
    [one] = expect_all(await on.get("files/", prefix=model), juju.file)
    assert (await on.ask("GET", "files/", "get", filename=name)).body == b"state: [x]\n"
    whole = expect(await on.get(one["resource_uri"]), juju.file)
    assert base64.b64decode(whole["content"]) == b"state: [x]\n"
    await on.delete(one["resource_uri"])


async def deploy(on: Go, system_id: str, model: str, **data: str) -> dict[str, Any]:
    """A machine that is allocated becomes one that runs; Juju polls its list."""
    path = f"machines/{system_id}/"
    started = expect(await on.post(path, "deploy", distro_series=SERIES, user_data=USER_DATA), juju.machine)
    assert started["status_name"] == "Deploying"
    expect(await on.post(path, "set_owner_data", **data), juju.machine)

    async def poll() -> Any:
        [one] = expect_all(await on.get("machines/", agent_name=model, id=[system_id]), juju.machine)
        return one

    machine: dict[str, Any] = await until(poll, "Deployed", seen=DEPLOYING)
    return machine


async def container(on: Go, machine: dict[str, Any], subnet: dict[str, Any]) -> None:
    """A container in a machine: a device with an address of its own, and a second NIC."""
    mac = "52:54:00:" + ":".join(uuid.uuid4().hex[n : n + 2] for n in (0, 2, 4))
    assert await on.get("devices/", hostname="juju-box", mac_address=mac) == []
    device = expect(
        await on.post(
            "devices/", hostname=f"juju-{mac[-5:].replace(':', '-')}", mac_addresses=mac, parent=machine["system_id"]
        ),
        juju.device,
    )
    [nic] = device["interface_set"]
    vlan = subnet["vlan"]["id"]
    expect(await on.put(nic["resource_uri"], name="eth0", vlan=vlan), juju.interface)
    linked = expect(
        await on.post(nic["resource_uri"], "link_subnet", mode="STATIC", subnet=subnet["id"]), juju.interface
    )
    [link] = [one for one in linked["links"] if one.get("ip_address")]
    second = expect(
        await on.post(
            f"nodes/{device['system_id']}/interfaces/",
            "create_physical",
            name="eth1",
            mac_address=f"{mac[:-2]}ff",
            vlan=vlan,
        ),
        juju.interface,
    )
    assert second["name"] == "eth1"
    [shown] = expect_all(await on.get("devices/", mac_address=mac), juju.device)
    assert link["ip_address"] in shown["ip_addresses"]
    expect(await on.post(nic["resource_uri"], "unlink_subnet", id=link["id"]), juju.interface)
    await on.delete(device["resource_uri"])


async def three(stage: Stage) -> dict[str, Any]:
    """Juju 3.x: bootstrap, a container, destroy. The machine is made by allocate and goes when it is released."""
    model = str(uuid.uuid4())
    async with talking(stage.server, Go) as on:
        host = await on.post("pods/", **stage.host)  # an administrator did that before
        await handshake(stage, on)
        spaces = await lookups(stage, on)
        await state_file(on, model)
        wanted = {
            "arch": "amd64",
            "cpu_count": 1,
            "mem": 1024,
            "storage": "root:0,0:2",
            "interfaces": f"0:space={spaces['undefined']}",
            "agent_name": model,
        }
        other = await on.post("spaces/", name=f"other-{model[:4]}")
        wanted["not_subnets"] = [f"space:{other['id']}"]
        none = await on.tell("POST", "machines/", "allocate", zone="default", **wanted | {"cpu_count": 200})
        assert (none.status, none.headers["content-type"]) == (409, "text/plain; charset=utf-8"), none.body
        assert "retry-after" not in none.headers  # else Juju waits for it instead of asking in its next zone
        rehearsed = await on.post("machines/", "allocate", dry_run="true", **wanted)
        assert await on.get("machines/", id=[rehearsed["system_id"]]) == []
        machine = expect(await on.post("machines/", "allocate", zone="default", **wanted), juju.allocated)
        assert (machine["status_name"], machine["cpu_count"], machine["memory"]) == ("Allocated", 1, 1024)
        parts = machine["constraints_by_type"]
        assert parts["interfaces"] == {"0": [machine["interface_set"][0]["id"]]}
        assert parts["storage"]["0"] == [machine["blockdevice_set"][1]["id"]]
        assert machine["blockdevice_set"][1]["id_path"].startswith("/dev/disk/by-id/")
        data = {"juju-controller-uuid": model, "juju-is-controller": "true"}
        deployed = await deploy(on, machine["system_id"], model, **data)
        assert deployed["distro_series"] == SERIES
        # Juju looks among all machines for those of its controller.
        everything = expect_all(await on.get("machines/"), juju.machine)
        mine = [one for one in everything if one["owner_data"].get("juju-controller-uuid") == model]
        assert [one["system_id"] for one in mine] == [machine["system_id"]]
        subnet = next(one for one in await on.get("subnets/") if one["cidr"] == stage.cidr)
        await container(on, deployed, expect(subnet, juju.subnet))
        unknown = await on.tell("POST", "machines/", "release", machines=[machine["system_id"], "nobody"])
        assert (unknown.status, unknown.body) == (400, b"Unknown machine(s): nobody.")
        released = await on.post("machines/", "release", machines=[machine["system_id"]], comment="Released by Juju")
        assert released == [machine["system_id"]]
        await gone(on, machine["system_id"])
        await on.delete(f"pods/{host['id']}/")
        await on.delete(other["resource_uri"])
    return deployed


async def gone(on: Go, system_id: str) -> None:
    """Wait until a machine that was made for its user is there no more."""
    async with asyncio.timeout(60):
        while await on.get("machines/", id=[system_id]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def composing(stage: Stage) -> dict[str, Any]:
    """Juju 2026: it composes on a host that it chooses, marks the machine while it commissions, and deletes it."""
    model = str(uuid.uuid4())
    async with talking(stage.server, Go) as on, talking(stage.server, Go) as other:
        await on.post("vm-hosts/", **stage.host)
        hosts = expect_all(await on.get("vm-hosts/"), juju.vm_host)
        assert hosts == await on.get("pods/")  # where it looks when there are no vm-hosts
        host = next(one for one in hosts if one["name"] == stage.host["name"])
        compose = f"{host['resource_uri']}"
        fields = {
            "hostname": f"juju-{model[:6]}",
            "cores": 1,
            "memory": 1024,
            "storage": "root:1",
            "zone": host["zone"]["id"],
            "pool": host["pool"]["name"],
        }
        full = await on.tell("POST", compose, "compose", **fields | {"cores": 200})
        assert (full.status, full.headers["content-type"]) == (409, "text/plain; charset=utf-8")  # to the next host
        async with asyncio.TaskGroup() as both:
            asked = both.create_task(on.post(compose, "compose", **fields))
            marked = both.create_task(_mark(other, fields["hostname"]))
        system_id = asked.result()["system_id"]
        assert marked.result() == system_id

        async def poll() -> Any:
            [one] = expect_all(await on.get("machines/", id=[system_id]), juju.machine)
            return one

        ready = await until(poll, "Ready", seen={"Commissioning"})
        assert ready["owner_data"] == {"juju-composed": "true"}
        expect(await on.post("machines/", "allocate", system_id=system_id, agent_name=model), juju.allocated)
        deployed = await deploy(on, system_id, model, **{"juju-model": model})
        assert deployed["owner_data"] == {"juju-composed": "true", "juju-model": model}
        await on.delete(f"machines/{system_id}/")
        late = await on.tell("POST", "machines/", "release", machines=[system_id])
        assert (late.status, late.body.decode()) == (400, f"Unknown machine(s): {system_id}.")
        await on.delete(host["resource_uri"])
    return deployed


async def _mark(on: Go, hostname: str) -> str:
    """As soon as the machine is there, while it commissions. Its id."""
    async with asyncio.timeout(60):
        while not (found := await on.get("machines/", hostname=hostname)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    one = expect(found[0], juju.machine)
    assert one["status_name"] == "Commissioning"
    marked = await on.post(f"machines/{one['system_id']}/", "set_owner_data", **{"juju-composed": "true"})
    assert marked["owner_data"] == {"juju-composed": "true"}
    return str(one["system_id"])
