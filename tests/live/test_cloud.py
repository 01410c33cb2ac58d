"""A Debian cloud image deployed on a real LXD: the real cloud-init takes what we hand it, and its owner logs in by SSH.

One boot, shared by all its checks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from innkeeper.model.image import Kind
from innkeeper.store import images
from innkeeper.store.opening import open_store
from tests.kit.client import Client
from tests.kit.lab import Lab
from tests.kit.server import Server, running
from tests.kit.until import until
from tests.live.tagged import VID, switched, tagged

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
BOOT = 240.0  # seconds: 25 to 50 under emulation, more on a busy machine
SIX, GATEWAY = "fd42:99:1::/64", "fd42:99:1::1"  # a network of IPv6 in which nobody answers
DATA = """#cloud-config
write_files:
  - {path: /etc/ours, content: "written by the user's own data"}
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab's LXD with the cloud image, and a switch that knows VLANs."""
    one = Lab()
    one.clean()
    one.command("cloud", timeout=400)
    with switched(one):
        yield one


@pytest.fixture
async def admin(tmp_path: Path, lab: Lab) -> AsyncIterator[Client]:
    """The administrator of a server that guests reach, with the lab's host; nothing is left there."""
    server = Server(tmp_path, host="0.0.0.0")
    key = server.key()
    database, _, _ = open_store(server.settings)
    database.transact(
        images.add, name="custom/cloud", architecture="amd64/generic", kind=Kind.ALIAS, source="cloud", complete=True
    )
    database.close()
    with running(server):
        async with httpx2.AsyncClient(base_url=server.base, timeout=100, trust_env=False) as http:
            admin = Client(http, key)
            fields = {"type": "lxd", "name": "lab", "power_address": lab.address, "password": lab.token()}
            host = (await admin.post("vm-hosts/", **fields))["id"]
            yield admin
            await admin.delete(f"vm-hosts/{host}/", decompose="true")
    left = lab.leftovers()
    lab.clean()
    assert left == {}


class Ssh:
    """The system's ssh, with one key."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.file], check=True)
        self.public = self.file.with_suffix(".pub").read_text().strip()

    async def run(self, address: str, command: str) -> tuple[int, str]:
        """Exit code and output; 255 when there is no way in."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "ConnectTimeout=20")
        process = await asyncio.create_subprocess_exec(
            "ssh", "-F", "none", "-i", self.file, *(word for one in options for word in ("-o", one)),
            f"debian@{address}", command,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def good(self, address: str, command: str) -> str:
        """The output of a command that must succeed; the guest may only just have come up."""

        async def ask() -> str:
            code, out = await self.run(address, command)
            return "" if code else out or "\n"

        return await until(ask, within=60, what=f"ssh to {address}: {command}")

    async def each(self, address: str, *commands: str) -> list[str]:
        """The output of every command; all must succeed. In one login: each takes seconds under emulation."""
        told = await self.good(address, "set -e\n" + "\necho; echo ---\n".join(commands))
        return [one.strip() for one in told.split("---\n")]


async def subnets(admin: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """The IPv4 networks of the bridge with DHCP, and of the one without."""
    [host] = await admin.get("vm-hosts/")
    record = await admin.get(f"machines/{host['host']['system_id']}/")
    found = {
        nic["name"]: link["subnet"]
        for nic in record["interface_set"]
        for link in nic["links"]
        if "." in link["subnet"]["cidr"]
    }
    return found["lxdbr0"], found["br0"]


async def test_the_owner_logs_in_to_what_was_deployed(admin: Client, lab: Lab, tmp_path: Path) -> None:
    """Three NICs: addresses of DHCP, fixed ones of both kinds, and fixed ones of both kinds in a tagged VLAN."""
    (tmp_path / "other").mkdir()
    ssh, other = Ssh(tmp_path), Ssh(tmp_path / "other")
    await admin.post("account/prefs/sshkeys/", key=ssh.public)
    dynamic, bare = await subnets(admin)
    await admin.put(f"subnets/{bare['id']}/", dns_servers="192.0.2.53")
    six = await admin.post(
        "subnets/", cidr=SIX, vlan=bare["vlan"]["id"], gateway_ip=GATEWAY, dns_servers="2001:db8::53"
    )
    fixed = {str(ipaddress.ip_network(one["cidr"])[9]) for one in (bare, six)}
    [host] = await admin.get("vm-hosts/")
    lan = await tagged(admin, host["id"], lab)
    plain, tag = (",".join(f"ip={one}" for one in sorted(ips)) for ips in (fixed, lan.free))
    system_id = await admin.compose(
        host["id"],
        hostname="composed",
        memory=1024,
        storage="root:4",
        interfaces=f"eth0:name=lxdbr0;eth1:name=br0,{plain};eth2:vid={VID},{tag}",
    )
    await admin.put(f"machines/{system_id}/", hostname="cloudy")
    await admin.post(f"machines/{system_id}/", op="deploy", distro_series="cloud", user_data=DATA)

    async def deployed() -> dict[str, Any] | None:
        machine: dict[str, Any] = await admin.get(f"machines/{system_id}/")
        assert machine["status_name"] in ("Deploying", "Deployed"), machine["status_message"]
        return machine if machine["status_name"] == "Deployed" else None

    machine = await until(deployed, within=BOOT, what="it phones home")
    assert "phoned home" in " ".join(one["text"] for one in await admin.get("/api/v1/events", system_id=system_id))
    nics = {nic["name"]: nic for nic in machine["interface_set"]}
    [link] = [one for one in nics["eth0"]["links"] if "." in one.get("ip_address", "")]
    address = link["ip_address"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(dynamic["cidr"])
    assert {one["ip_address"] for one in nics["eth1"]["links"]} == fixed
    assert {one["ip_address"] for one in nics["eth2"]["links"]} == set(lan.free)
    assert (nics["eth2"]["vlan"]["id"], nics["eth2"]["vlan"]["vid"]) == (lan.vlan["id"], VID)

    # From inside, over SSH by the owner's key, and by no other.
    written, addresses, v4, v6, servers, disk, root = await ssh.each(
        address,
        "hostname; cat /etc/ours",
        "ip -j address",
        "ip -j -4 route",
        "ip -j -6 route",
        "resolvectl dns eth1",
        "lsblk -bdno SIZE /dev/sda",
        "findmnt -bno SIZE /",
    )
    assert written == "cloudy\nwritten by the user's own data"
    assert (await other.run(address, "true"))[0] == 255
    inside = {one["ifname"]: one for one in json.loads(addresses)}
    for name, nic in nics.items():
        assert inside[name]["address"] == nic["mac_address"]
        held = {one["local"]: one["prefixlen"] for one in inside[name]["addr_info"] if one["scope"] == "global"}
        shown = {one["ip_address"]: one["subnet"]["cidr"] for one in nic["links"] if one.get("ip_address")}
        assert shown.keys() <= held.keys()
        if name != "eth0":  # where a network gives them there may be more, and other prefixes
            assert {ip: int(cidr.partition("/")[2]) for ip, cidr in shown.items()} == held
    for version, told, of_eth1, of_eth2 in (("ipv4", v4, bare, lan.four), ("ipv6", v6, six, lan.six)):
        routes = json.loads(told)
        found = {(one["dst"], one["dev"]) for one in routes if "dev" in one}
        assert {(of_eth1["cidr"], "eth1"), (of_eth2["cidr"], "eth2")} <= found
        first = min((one for one in routes if one["dst"] == "default"), key=lambda one: int(one.get("metric", 0)))
        assert first.get("gateway") == machine["default_gateways"][version]["gateway_ip"]
    assert {"192.0.2.53", "2001:db8::53"} <= set(servers.split())
    for one in lan.free:
        assert await lan.answers(one) == nics["eth2"]["mac_address"]

    # The root disk is as large as it was asked for, and so is the file system on it.
    assert 0 <= int(disk) - 4 * 10**9 < 2**20  # LXD rounds it up
    assert int(root) > 3.6 * 10**9

    # Its console was open while it was deployed, and is let go.
    async def let_go() -> bool:
        return not (await admin.get(f"/api/v1/machines/{system_id}/console"))["open"]

    await until(let_go)
    assert "Cloud-init v." in (await admin.get(f"/api/v1/machines/{system_id}/console"))["text"]
