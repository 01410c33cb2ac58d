"""NICs on a real LXD: where they hang, which addresses its DHCP gives, what it tells of leases."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.image import Kind
from innkeeper.model.machine import InstanceSpec, InterfaceSpec
from innkeeper.model.readback import differences
from innkeeper.store import images
from innkeeper.store.opening import open_store
from tests.kit.client import Client
from tests.kit.lab import Lab
from tests.kit.server import Server, running
from tests.kit.until import until
from tests.live.tagged import SWITCH, VID, switched, tagged
from tests.live.test_deploy import REPORT, report

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]
SECOND = "lxdbr7"  # a network of these tests: it gives IPv6 addresses too
CONFIG = (
    "ipv4.address=10.177.7.1/24",
    "ipv4.nat=false",
    "ipv6.address=fd42:177:7::1/64",
    "ipv6.nat=false",
    "ipv6.dhcp.stateful=true",
    "raw.dnsmasq=dhcp-option=3",  # it brings no default route: the tiny guest takes every one that it is given
)


@pytest.fixture
def network() -> Iterator[Lab]:
    """The lab's LXD with a second network, on which a test leaves nothing."""
    lab = Lab()
    lab.clean()
    if any(one["name"] == SECOND for one in lab.query("/1.0/networks?recursion=1")):
        lab.lxc("network", "delete", SECOND)
    lab.lxc("network", "create", SECOND, *CONFIG)
    yield lab
    left = lab.leftovers()
    lab.clean()
    lab.lxc("network", "delete", SECOND)
    assert left == {}


@pytest.fixture
def switch(network: Lab) -> Iterator[None]:
    """The lab has a switch that knows VLANs: asked for before the host is added."""
    with switched(network):
        yield


@dataclass
class Site:
    """A server, its administrator, and the lab's host in it."""

    admin: Client
    host: int
    lab: Lab

    async def composed(self, **wishes: Any) -> dict[str, Any]:
        system_id = await self.admin.compose(self.host, memory=1024, storage="root:1", **wishes)
        return dict(await self.admin.get(f"machines/{system_id}/"))

    def devices(self, name: str) -> dict[str, dict[str, str]]:
        """The NICs of an instance as LXD has them."""
        there = self.lab.query(f"/1.0/instances/{name}")["devices"]
        return {name: device for name, device in there.items() if device["type"] == "nic"}


@pytest.fixture
async def site(tmp_path: Path, network: Lab) -> AsyncIterator[Site]:
    server = Server(tmp_path, host="0.0.0.0")
    key = server.key()
    database, _, _ = open_store(server.settings)
    image = {"name": "custom/tiny", "architecture": "amd64/generic", "kind": Kind.ALIAS, "source": "tiny"}
    database.transact(images.add, complete=True, **image)
    database.close()
    with running(server):
        async with httpx2.AsyncClient(base_url=server.base, timeout=100, trust_env=False) as http:
            admin = Client(http, key)
            added = await admin.post(
                "vm-hosts/", type="lxd", name="lab", power_address=network.address, password=network.token()
            )
            yield Site(admin=admin, host=int(added["id"]), lab=network)
            await admin.delete(f"vm-hosts/{added['id']}/", decompose="true")


async def test_nics_are_made_as_they_were_asked_for(site: Site) -> None:
    """Two networks of LXD's own, fixed addresses of both kinds, and a tagged VLAN on a bridge of the host's."""
    admin, lab = site.admin, site.lab
    first = str(lab.query("/1.0/networks/lxdbr0")["config"]["ipv4.address"]).rpartition(".")[0]
    record = (await admin.get(f"vm-hosts/{site.host}/"))["host"]["system_id"]
    (bridge,) = [nic for nic in await admin.get(f"nodes/{record}/interfaces/") if nic["name"] == "br0"]
    fabric = bridge["vlan"]["fabric_id"]
    await admin.post(f"fabrics/{fabric}/vlans/", vid=5)
    made = await site.composed(
        hostname="nics", interfaces=f"a:ip={first}.77;b:ip=10.177.7.77,ip=fd42:177:7::77;lan:fabric={fabric},vid=5"
    )
    nics = {nic["name"]: nic for nic in made["interface_set"]}
    shown = {name: [link.get("ip_address") for link in nic["links"]] for name, nic in nics.items()}
    assert shown == {"a": [f"{first}.77"], "b": ["10.177.7.77", "fd42:177:7::77"], "lan": [None]}
    assert (nics["lan"]["vlan"]["vid"], nics["lan"]["attachment"]["type"]) == (5, "bridge")
    devices = site.devices("nics")
    assert {name: device["hwaddr"] for name, device in devices.items()} == {
        name: nic["mac_address"] for name, nic in nics.items()
    }
    plain = {name: {key: value for key, value in device.items() if key != "hwaddr"} for name, device in devices.items()}
    assert plain == {
        "a": {"type": "nic", "network": "lxdbr0", "ipv4.address": f"{first}.77"},
        "b": {
            "type": "nic",
            "network": SECOND,
            "ipv4.address": "10.177.7.77",
            "ipv6.address": "fd42:177:7::77",
        },
        "lan": {"type": "nic", "name": "lan", "nictype": "bridged", "parent": "br0", "vlan": "5"},
    }
    taken = await admin.call("POST", f"vm-hosts/{site.host}/", op="compose", interfaces=f"a:ip={first}.77")
    assert (taken.status_code, "taken by a of machine nics" in taken.text) == (409, True), taken.text


async def test_what_is_linked_otherwise_is_told_to_the_host(site: Site) -> None:
    made = await site.composed(hostname="moved", interfaces="a:ip=10.177.7.78")
    (nic,) = made["interface_set"]
    subnet = nic["links"][0]["subnet"]["id"]
    await site.admin.post(nic["resource_uri"], op="disconnect")
    assert "ipv4.address" not in site.devices("moved")["a"]
    await site.admin.post(nic["resource_uri"], op="link_subnet", mode="STATIC", subnet=subnet, ip_address="10.177.7.79")
    assert site.devices("moved")["a"]["ipv4.address"] == "10.177.7.79"
    other = await site.composed(hostname="other", interfaces="a:ip=10.177.7.78")  # LXD would refuse one that is held
    assert other["ip_addresses"] == ["10.177.7.78"]


async def test_a_lease_becomes_the_address_of_a_link(site: Site) -> None:
    """Of a guest that somebody else made: the network gives it an address, and its record shows it."""
    site.lab.lxc(
        "launch", "tiny", "boots", "--vm", "-n", SECOND, "-c", "security.secureboot=false", "-c", "limits.memory=256MiB"
    )
    found: list[dict[str, Any]] = []

    async def learnt() -> bool:
        machines = await site.admin.get("machines/", hostname="boots")
        found[:] = [nic for one in machines for nic in one["interface_set"]]
        return bool(found and found[0]["links"])

    await until(learnt, within=90, what="its lease is shown")
    (nic,) = found
    assert nic["vlan"] is not None
    given = {lease["address"] for lease in site.lab.query(f"/1.0/networks/{SECOND}/leases")}
    assert {link["ip_address"] for link in nic["links"]} <= given
    assert nic["links"][0]["ip_address"].startswith("10.177.7.")
    assert nic["links"][0]["subnet"]["cidr"] == "10.177.7.0/24"
    assert all(link["learnt"] for link in nic["links"])
    site.lab.lxc("delete", "--force", "boots")


@pytest.mark.usefixtures("switch")
async def test_a_guest_has_the_nics_that_its_machine_shows(network: Lab, site: Site) -> None:
    """Seen from inside: MACs, the address of a lease and fixed ones, in a tagged VLAN too; shown as it is Deployed."""
    lan = await tagged(site.admin, site.host, network)
    four, six = lan.free
    made = await site.composed(
        hostname="three",
        interfaces=f"eth0:name=lxdbr0;eth1:name={SECOND},ip=10.177.7.80;eth2:vid={VID},ip={four},ip={six}",
    )
    machine = f"machines/{made['system_id']}/"
    await site.admin.post(
        machine, op="deploy", distro_series="tiny", user_data=base64.b64encode(REPORT.encode()).decode()
    )
    shown: dict[str, Any] = {}

    async def deployed() -> bool:
        shown.update(await site.admin.get(machine))
        return shown["status_name"] == "Deployed"

    await until(deployed, within=120, what="it is Deployed")
    first, second, third = shown["interface_set"]
    addresses = {
        nic["mac_address"]: {link["ip_address"] for link in nic["links"] if link.get("ip_address")}
        for nic in (first, second, third)
    }
    assert addresses[second["mac_address"]] == {"10.177.7.80"}
    (leased,) = (one for one in addresses[first["mac_address"]] if "." in one)
    told = await report(leased)
    inside = _addresses(told)
    assert inside.keys() == addresses.keys()
    made_itself = {one for one in inside[first["mac_address"]] if ":" in one}  # of the router's prefix: learnt later
    assert addresses[first["mac_address"]] | made_itself == inside.pop(first["mac_address"])
    assert all(addresses[mac] == there for mac, there in inside.items())
    gateway = shown["default_gateways"]["ipv4"]
    assert gateway["link_id"] == first["links"][0]["id"]
    assert f"default via {gateway['gateway_ip']} dev eth0" in told
    (subnet,) = (link["subnet"] for link in first["links"] if link.get("ip_address") == leased)
    servers = (await site.admin.get(f"subnets/{subnet['id']}/"))["dns_servers"]
    assert servers
    assert set(servers) <= set(re.findall(r"^nameserver (\S+)", told, re.MULTILINE))

    # In the VLAN it has the fixed addresses of both kinds, answers there, and knows nothing of the tag.
    assert addresses[third["mac_address"]] == {four, six}
    assert (third["vlan"]["id"], third["vlan"]["vid"]) == (lan.vlan["id"], VID)
    assert {link["subnet"]["id"] for link in third["links"]} == {lan.four["id"], lan.six["id"]}
    device = site.devices("three")["eth2"]
    assert (device["nictype"], device["parent"], device["vlan"]) == ("bridged", SWITCH, str(VID))
    for address in lan.free:
        assert await lan.answers(address) == third["mac_address"]
    assert re.search(rf"^{re.escape(lan.four['cidr'])} dev eth2 .*src {four}", told, re.MULTILINE)


def _addresses(told: str) -> dict[str, set[str]]:
    """MACs and global addresses of a guest's `ip addr`."""
    found: dict[str, set[str]] = {}
    for mac, address in re.findall(r"link/ether (\S+)|inet6? ([^\s/]+)/\d+ .*scope global", told):
        if mac:
            found[mac] = set()
        else:
            found[list(found)[-1]].add(address)
    return found


async def test_a_macvlan_with_a_tag_is_made_and_read_back(driver: Lxd, spec: InstanceSpec) -> None:
    """This kernel could not start it."""
    mac = spec.interfaces[0].mac
    wanted = replace(
        spec, interfaces=(InterfaceSpec(device="lan", attach="macvlan", parent="eth0", mac=mac, mode="bridge", vlan=5),)
    )
    await driver.create(wanted)
    try:
        made = await driver.instance(name=spec.name)
        assert made is not None
        assert differences(wanted, made) == []
        assert [(nic.attach, nic.parent, nic.vlan) for nic in made.interfaces] == [("macvlan", "eth0", 5)]
    finally:
        await driver.delete(name=spec.name, machine=dict(spec.tags)["machine"])
