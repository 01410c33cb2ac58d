"""The tiny guest deployed on a real LXD: it takes its address and its user data, phones home, and answers.

Released, nothing of it is left; and a server that is killed between two instances of a machine goes on.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import ipaddress
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
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

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB ann"
# What the guest tells of itself from inside, to whoever asks its port 80.
REPORT = """#!/bin/sh
mkdir /run/www
{ hostname; ip addr; ip route; cat /etc/resolv.conf; cat /seed/meta-data; } > /run/www/report
httpd -p 80 -h /run/www
"""
_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab's LXD, on which a test leaves nothing."""
    one = Lab()
    one.clean()
    yield one
    left = one.leftovers()
    one.clean()
    assert left == {}


@dataclass
class Site:
    """A server that guests reach, its administrator, and the lab's host in it."""

    server: Server
    admin: Client
    host: int
    lab: Lab

    async def until_status(self, system_id: str, wanted: str, *, within: float = 120.0) -> set[str]:
        """Wait until a machine is that; all that it was meanwhile."""
        seen: set[str] = set()

        async def holds() -> bool:
            with suppress(httpx2.TransportError):
                seen.add((await self.admin.get(f"machines/{system_id}/"))["status_name"])
            return wanted in seen

        await until(holds, within=within, what=f"{system_id} is {wanted}: {seen}")
        return seen

    async def deploy(self, system_id: str, **fields: Any) -> set[str]:
        made = await self.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", **fields)
        assert made["status_name"] == "Deploying"
        return await self.until_status(system_id, "Deployed")


@pytest.fixture
async def site(tmp_path: Path, lab: Lab) -> AsyncIterator[Site]:
    server = Server(tmp_path, host="0.0.0.0")
    key = server.key()
    database, _, _ = open_store(server.settings)
    database.transact(
        images.add, name="custom/tiny", architecture="amd64/generic", kind=Kind.ALIAS, source="tiny", complete=True
    )
    database.close()
    with running(server):
        limits = httpx2.Limits(max_keepalive_connections=0)
        async with httpx2.AsyncClient(base_url=server.base, timeout=100, trust_env=False, limits=limits) as http:
            admin = Client(http, key)
            added = await admin.post(
                "vm-hosts/", type="lxd", name="lab", power_address=lab.address, password=lab.token()
            )
            yield Site(server=server, admin=admin, host=int(added["id"]), lab=lab)
            await admin.delete(f"vm-hosts/{added['id']}/", decompose="true")


async def report(address: str) -> str:
    """What a guest tells of itself, asked over the network."""

    def ask() -> str:
        try:
            with _straight.open(f"http://{address}/report", timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    return await until(lambda: asyncio.to_thread(ask), within=30, what=f"{address} answers")


async def test_a_guest_takes_its_addresses_and_its_data_and_is_gone_when_it_is_released(site: Site) -> None:
    """Two NICs with fixed addresses, IPv4 and IPv6, the second one where no DHCP answers. What was set on the instance
    on its host is set on the one that takes its place, each time."""
    v4, v6, bare = await _networks(site)
    wanted = [_host_of(v4["cidr"], 77), _host_of(v6["cidr"], 77), _host_of(bare["cidr"], 5)]
    await site.admin.post("account/prefs/sshkeys/", key=KEY)
    await site.admin.put(f"subnets/{bare['id']}/", dns_servers="192.0.2.53")
    system_id = await site.admin.compose(
        site.host,
        hostname="guest",
        memory=1024,
        storage="root:1,data:0.1",
        interfaces=f"eth0:name=lxdbr0,ip={wanted[0]},ip={wanted[1]};eth1:name=br0,ip={wanted[2]}",
    )
    await site.admin.put(f"machines/{system_id}/", hostname="renamed")
    site.lab.lxc("config", "set", "guest", "user.note", "mine")
    site.lab.lxc("config", "device", "add", "guest", "etc", "disk", "source=/etc", "path=/mnt")
    site.lab.lxc("config", "device", "add", "guest", "key", "usb", "vendorid=1050")
    site.lab.lxc("config", "device", "set", "guest", "eth0", "security.mac_filtering", "false")
    before = await site.admin.get(f"machines/{system_id}/")
    data = base64.encodebytes(gzip.compress(REPORT.encode())).decode()
    seen = await site.deploy(system_id, user_data=data)
    assert seen == {"Deploying", "Deployed"}
    told = await report(wanted[0])
    machine = await site.admin.get(f"machines/{system_id}/")
    nics = machine["interface_set"]
    assert [nic["mac_address"] for nic in nics] == [nic["mac_address"] for nic in before["interface_set"]]
    links = [link for nic in nics for link in nic["links"]]
    assert sorted((link["mode"], link["ip_address"]) for link in links) == sorted(("static", one) for one in wanted)
    assert told.splitlines()[0] == "renamed"
    for link in links:
        family = "inet6" if ":" in link["ip_address"] else "inet"
        assert f"{family} {link['ip_address']}/{link['subnet']['cidr'].partition('/')[2]}" in told
    for nic in nics:
        assert re.search(rf"{nic['name']}: .*\n *link/ether {nic['mac_address']}", told)
    assert f"default via {v4['gateway_ip']} dev eth0" in told
    assert "nameserver 192.0.2.53" in told
    assert KEY in told
    there = site.lab.query("/1.0/instances/guest")
    assert there["config"]["cloud-init.user-data"] == REPORT
    _has_what_was_set(there)

    released = await site.admin.post(f"machines/{system_id}/", op="release")
    assert released["status_name"] == "Releasing"
    assert await site.until_status(system_id, "Ready") <= {"Releasing", "Ready"}
    empty = site.lab.query("/1.0/instances/guest")
    assert empty["status"] == "Stopped"
    _has_what_was_set(empty)
    assert not [name for name in empty["config"] if name.startswith("cloud-init") or "meta-data" in name]
    assert [empty["devices"][nic["name"]]["hwaddr"] for nic in nics] == [nic["mac_address"] for nic in nics]
    assert empty["devices"]["disk1"]["source"] == f"innkeeper-{system_id}-disk1"
    assert "volatile.base_image" not in empty["config"]

    await site.deploy(system_id, user_data=REPORT + "echo second >> /run/www/report\n")
    assert (await report(wanted[0])).splitlines()[-1] == "second"


def _has_what_was_set(instance: dict[str, Any]) -> None:
    assert instance["config"]["user.note"] == "mine"
    assert instance["devices"]["etc"] == {"type": "disk", "source": "/etc", "path": "/mnt"}
    assert instance["devices"]["key"] == {"type": "usb", "vendorid": "1050"}
    assert instance["devices"]["eth0"]["security.mac_filtering"] == "false"


async def _networks(site: Site) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The subnets of the lab's managed network, IPv4 and IPv6, and the one of its plain bridge."""
    found = await site.admin.get("subnets/")
    v4 = next(one for one in found if one["cidr"].startswith("10.118."))
    v6 = next(one for one in found if ":" in one["cidr"] and one["vlan"]["id"] == v4["vlan"]["id"])
    return v4, v6, next(one for one in found if one["cidr"].endswith("/28"))


def _host_of(cidr: str, number: int) -> str:
    return str(ipaddress.ip_network(cidr)[number])


async def test_a_server_killed_between_two_instances_goes_on(site: Site) -> None:
    """Once while it deploys, once while it releases; the host has one instance of the machine in the end."""
    system_id = await site.admin.compose(site.host, hostname="guest", memory=1024, storage="root:1")
    await site.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", user_data=REPORT)
    await _kill_at(site, system_id, "create the instance from the image")
    assert "Missing" not in await site.until_status(system_id, "Deployed")
    (nic,) = (await site.admin.get(f"machines/{system_id}/"))["interface_set"]
    learnt = next(link["ip_address"] for link in nic["links"] if "." in link.get("ip_address", ""))
    assert f"inet {learnt}/24" in await report(learnt)  # of DHCP: it was learnt from the guest's call
    await site.admin.post(f"machines/{system_id}/", op="release")
    await _kill_at(site, system_id, "remove the instance")
    assert "Missing" not in await site.until_status(system_id, "Ready")
    (instance,) = site.lab.query("/1.0/instances?recursion=1")
    assert (instance["name"], instance["status"]) == ("guest", "Stopped")


async def _kill_at(site: Site, system_id: str, step: str) -> None:
    """SIGKILL the server while it is at that step, and start it again."""

    async def there() -> bool:
        found = await site.admin.get("/api/v1/operations", system_id=system_id, limit=1)
        return bool(found[0]["step"] == step)

    await until(there, what=step)
    site.server.kill()
    await asyncio.to_thread(site.server.start)
