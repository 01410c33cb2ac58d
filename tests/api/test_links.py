"""NICs that are there: named, tagged, linked to subnets and taken off them."""

from __future__ import annotations

import json
from typing import Any

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import HostInterface
from innkeeper.model.lifecycle import Status
from innkeeper.model.seed import network_config
from innkeeper.store import machines, seeds
from innkeeper.store.database import Write
from tests.api.facts import audits, composed, cursor, events, give
from tests.api.wired import nic_of, refusal, subnet_of, wired
from tests.kit.house import Inn


async def test_list_and_read(house: Inn) -> None:
    made, path = await nic_of(house)
    assert await house.admin.get(f"nodes/{made['system_id']}/interfaces/") == made["interface_set"]
    assert await house.admin.get(path) == made["interface_set"][-1]
    gone = await house.admin.call("GET", f"nodes/{made['system_id']}/interfaces/9999/")
    assert (gone.status_code, gone.text) == (404, "No Interface matches the given query.")


async def test_terraform_disconnects_and_links(house: Inn) -> None:
    """What maas_instance does with its network_interfaces."""
    made, path = await nic_of(house)
    office = await subnet_of(house, "10.1.0.0/24")
    start = await cursor(house.admin)
    bare = await house.admin.post(path, op="disconnect")
    assert (bare["links"], bare["vlan"]) == ([], made["interface_set"][-1]["vlan"])
    linked = await house.admin.post(path, op="link_subnet", mode="STATIC", subnet=office["id"], ip_address="10.1.0.77")
    (link,) = linked["links"]
    assert (link["mode"], link["ip_address"], link["subnet"]["id"]) == ("static", "10.1.0.77", office["id"])
    assert await audits(house.admin, after=start) == [
        f"disconnected b of {made['hostname']}",
        f"linked b of {made['hostname']} to 10.1.0.0/24 (static, 10.1.0.77)",
    ]
    other, path = await nic_of(house)
    answer = await house.admin.call(
        "POST", path, op="link_subnet", mode="static", subnet=office["id"], ip_address="10.1.0.77"
    )
    assert (answer.status_code, f"taken by b of machine {made['hostname']}" in answer.text) == (409, True), answer.text
    first = other["interface_set"][0]["resource_uri"]
    again = await house.admin.post(first, op="link_subnet", mode="STATIC", subnet="10.0.0.0/24")
    assert [(each["mode"], each.get("ip_address")) for each in again["links"]] == [
        ("auto", None),
        ("static", "10.0.0.2"),
    ]


async def test_the_host_is_told_which_addresses_its_dhcp_gives(house: Inn) -> None:
    made, path = await nic_of(house, "a:ip=10.0.0.5")
    (link,) = made["interface_set"][0]["links"]

    def told() -> list[tuple[str, ...]]:
        (there,) = house.see("alpha").instances.values()
        return [nic.addresses for nic in there.interfaces]

    assert told() == [("10.0.0.5",)]
    await house.admin.post(path, op="unlink_subnet", id=link["id"])
    assert told() == [()]
    home = await subnet_of(house, "10.0.0.0/24")
    await house.admin.post(path, op="link_subnet", mode="STATIC", subnet=home["id"], ip_address="10.0.0.6")
    assert told() == [("10.0.0.6",)]
    await composed(house, home and made["pod"]["id"], interfaces="a:ip=10.0.0.5")


async def test_an_address_that_the_hosts_dhcp_would_give_to_others(house: Inn) -> None:
    """LXD keeps one address of a version for a NIC of its own network; a bridge that gives none takes several."""
    made, last = await nic_of(house, "a:ip=10.0.0.5;b:ip=10.1.0.5,ip=10.1.0.6")
    path = made["interface_set"][0]["resource_uri"]
    for more in ({"ip_address": "10.0.0.6"}, {}):
        answer = await house.admin.call("POST", path, op="link_subnet", mode="STATIC", subnet="10.0.0.0/24", **more)
        assert (answer.status_code, "the DHCP of br0 keeps one IPv4 address" in answer.text) == (400, True), answer.text
    assert (await house.admin.get(path))["links"] == made["interface_set"][0]["links"]
    moved = {"mode": "STATIC", "subnet": "10.0.0.0/24", "ip_address": "10.0.0.6", "force": "true"}
    assert [each["ip_address"] for each in (await house.admin.post(path, op="link_subnet", **moved))["links"]] == [
        "10.0.0.6"
    ]
    await house.admin.post(last, op="link_subnet", mode="STATIC", subnet="10.1.0.0/24", ip_address="10.1.0.7")
    status, text = await refusal(house, made["pod"]["id"], interfaces="a:ip=10.0.0.8,ip=10.0.0.9")
    assert (status, "the DHCP of br0 keeps one address" in text) == (409, True), text


async def test_links_that_cannot_be(house: Inn) -> None:
    made, path = await nic_of(house)
    home, office = await subnet_of(house, "10.0.0.0/24"), await subnet_of(house, "10.1.0.0/24")
    for sent, field, words in (
        ({"mode": "STATIC"}, "subnet", "needs a subnet"),
        ({"mode": "AUTO", "subnet": home["id"]}, "subnet", "10.0.0.0/24 is not on b's VLAN"),
        ({"mode": "AUTO", "subnet": office["id"]}, "mode", "has that link already"),
        ({"mode": "DHCP", "subnet": office["id"], "ip_address": "10.1.0.5"}, "ip_address", "takes no address"),
        ({"mode": "STATIC", "subnet": office["id"], "ip_address": "10.2.0.5"}, "ip_address", "is not in 10.1.0.0/24"),
        ({"mode": "STATIC", "subnet": office["id"], "ip_address": "10.1.0.255"}, "ip_address", "stands for the whole"),
        ({"mode": "STATIC", "subnet": office["id"], "ip_address": "x"}, "ip_address", "is not an address"),
        ({"mode": "LINK_UP"}, "mode", "has links already"),
        ({"mode": "SOMEHOW"}, "mode", "is not one of"),
        ({"mode": "STATIC", "subnet": 999}, "subnet", "there is no subnet"),
        ({"mode": "STATIC", "subnet": office["id"], "default_gateway": "true"}, "default_gateway", "no gateway"),
    ):
        answer = await house.admin.call("POST", path, op="link_subnet", **sent)
        assert answer.status_code == 400, answer.text
        assert words in str(answer.json()[field]), answer.text
    assert await house.admin.get(path) == made["interface_set"][-1]
    lease = await house.admin.call("POST", path, op="link_subnet", mode="DHCP", subnet=office["id"])
    assert (lease.status_code, "b has a link auto to the same subnet" in lease.text) == (400, True), lease.text
    dhcp = await house.admin.post(path, op="link_subnet", mode="DHCP", subnet=office["id"], force="true")
    assert [link["mode"] for link in dhcp["links"]] == ["dhcp"]
    lease = await house.admin.call("POST", path, op="link_subnet", mode="AUTO", subnet=office["id"])
    assert (lease.status_code, "b has a link dhcp to the same subnet" in lease.text) == (400, True), lease.text
    up = await house.admin.post(path, op="link_subnet", mode="LINK_UP", force="true")
    assert [link["mode"] for link in up["links"]] == ["link_up"]
    auto = await house.admin.post(path, op="link_subnet", mode="AUTO", subnet=office["id"])
    assert [link["mode"] for link in auto["links"]] == ["auto"]
    answer = await house.admin.call("POST", path, op="unlink_subnet", id=up["links"][0]["id"])
    assert (answer.status_code, "it has" in answer.text) == (400, True)


async def test_the_default_gateway(house: Inn) -> None:
    made, path = await nic_of(house)
    office = await subnet_of(house, "10.1.0.0/24")
    first = made["interface_set"][0]
    answer = await house.admin.call("POST", path, op="set_default_gateway")
    assert (answer.status_code, "no link to a subnet with a gateway" in answer.text) == (400, True)
    await house.admin.put(f"subnets/{office['id']}/", gateway_ip="10.1.0.254")
    machine = f"machines/{made['system_id']}/"
    assert (await house.admin.get(machine))["default_gateways"]["ipv4"]["gateway_ip"] == "10.0.0.1"
    nic = await house.admin.post(path, op="set_default_gateway")
    assert (await house.admin.get(machine))["default_gateways"]["ipv4"] == {
        "gateway_ip": "10.1.0.254",
        "link_id": nic["links"][0]["id"],
    }
    await house.admin.post(first["resource_uri"], op="set_default_gateway", link_id=first["links"][0]["id"])
    assert (await house.admin.get(machine))["default_gateways"]["ipv4"]["gateway_ip"] == "10.0.0.1"


async def test_names_tags_and_what_is_refused(house: Inn) -> None:
    made, path = await nic_of(house)
    nic = await house.admin.put(path, name="lan", tags="fast,new")
    assert (nic["name"], nic["tags"]) == ("lan", ["fast", "new"])
    assert (await house.admin.post(path, op="add_tag", tag="old"))["tags"] == ["fast", "new", "old"]
    assert (await house.admin.post(path, op="remove_tag", tag="new"))["tags"] == ["fast", "old"]
    for op in ("add_tag", "remove_tag"):
        answer = await house.admin.call("POST", path, op=op, tag="a,b")
        assert (answer.status_code, answer.json()) == (400, {"tag": ["a tag is not empty and holds no comma"]})
    same = {"name": "lan", "vlan": nic["vlan"]["id"], "mac_address": nic["mac_address"].upper(), "tags": "fast,old"}
    start = await cursor(house.admin)
    assert (await house.admin.put(path, **same))["tags"] == ["fast", "old"]
    assert await audits(house.admin, after=start) == []
    other = made["interface_set"][0]["vlan"]["id"]
    for sent, field, words in (
        ({"name": "a"}, "name", "has a NIC 'a' already"),
        ({"name": "root"}, "name", "what a disk is named"),
        ({"name": "much-too-long-for-linux"}, "name", "1 to 15 letters"),
        ({"vlan": other}, "vlan", "hangs on br1 of its VM host"),
        ({"vlan": 999}, "vlan", "there is no VLAN"),
        ({"mac_address": "02:00:00:00:00:01"}, "mac_address", "stays what it was"),
        ({"mtu": 9000}, "mtu", "the MTU is the VLAN's"),
    ):
        answer = await house.admin.call("PUT", path, **sent)
        assert (answer.status_code, words in str(answer.json()[field])) == (400, True), answer.text
    for method, where, op in (
        ("POST", f"nodes/{made['system_id']}/interfaces/", "create_bond"),
        ("POST", f"nodes/{made['system_id']}/interfaces/", "create_physical"),
        ("DELETE", path, None),
    ):
        sent = {"op": op, "mac_address": "02:00:00:00:00:01"} if op else {}
        answer = await house.admin.call(method, where, **sent)
        assert answer.status_code in (400, 403, 409), answer.text
        assert "machine" in answer.text or "guest" in answer.text


async def test_a_deployed_machine_keeps_its_network(house: Inn) -> None:
    made, path = await nic_of(house)

    def deployed(write: Write) -> None:
        machines.update(write, made["system_id"], status=int(Status.DEPLOYED))

    house.house.services.database.transact(deployed)
    for op, sent in (("disconnect", {}), ("link_subnet", {"mode": "LINK_UP", "force": "true"})):
        answer = await house.admin.call("POST", path, op=op, **sent)
        assert (answer.status_code, "would not reach its guest" in answer.text) == (409, True), answer.text
    assert (await house.admin.post(path, op="add_tag", tag="kept"))["tags"] == ["kept"]


async def test_an_administrator_says_where_a_hosts_interface_is(house: Inn) -> None:
    lonely = HostInterface(name="eno9", kind="physical")
    house.change("alpha", lambda world: world.interfaces.append(lonely))
    id = await wired(house, "beta")
    await house.admin.delete(f"vm-hosts/{id}/")
    id = await house.add_host("alpha")
    host = (await house.admin.get(f"vm-hosts/{id}/"))["host"]["system_id"]
    nics = {nic["name"]: nic for nic in await house.admin.get(f"nodes/{host}/interfaces/")}
    assert (nics["eno9"]["vlan"], nics["eno9"]["type"]) == (None, "physical")
    fabric = await house.admin.post("fabrics/", name="lab")
    (vlan,) = fabric["vlans"]
    path = nics["eno9"]["resource_uri"]
    placed = await house.admin.put(path, vlan=vlan["id"], tags="lab")
    assert (placed["vlan"]["id"], placed["tags"]) == (vlan["id"], ["lab"])
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    assert await house.admin.get(path) == placed
    made = await composed(house, id, interfaces="a:fabric=lab;b:tag=lab")
    assert [nic["attachment"]["host_interface"] for nic in made["interface_set"]] == ["eno9", "eno9"]
    other = await house.admin.post("fabrics/", name="other")
    (elsewhere,) = other["vlans"]
    await house.admin.put(path, vlan=elsewhere["id"])  # what hangs on it is there too
    moved = await house.admin.get(f"machines/{made['system_id']}/")
    assert {nic["vlan"]["id"] for nic in moved["interface_set"]} == {elsewhere["id"]}
    await house.admin.post("subnets/", cidr="10.7.0.0/24", vlan=elsewhere["id"])
    await house.admin.post(
        moved["interface_set"][0]["resource_uri"], op="link_subnet", mode="AUTO", subnet="10.7.0.0/24"
    )
    answer = await house.admin.call("PUT", path, vlan=vlan["id"])
    words = f"eno9 cannot move: on it there is a of machine {made['hostname']} (10.7.0.0/24)"
    assert (answer.status_code, words in answer.text) == (409, True), answer.text
    for nic in made["interface_set"]:  # no subnet is known there: whoever is there may give addresses
        assert [set(link) | {link["mode"]} for link in nic["links"]] == [{"id", "mode", "learnt", "dhcp"}]
    answer = await house.admin.call("PUT", nics["br0"]["resource_uri"], vlan=vlan["id"])
    assert (answer.status_code, "it is where their subnet is" in answer.text) == (409, True)
    answer = await house.admin.call("POST", path, op="disconnect")
    assert (answer.status_code, "stands for a VM host" in answer.text) == (409, True)


async def test_juju_links_a_container(house: Inn) -> None:
    made, _ = await nic_of(house)
    home = await subnet_of(house, "10.0.0.0/24")
    device = await house.admin.post(
        "devices/", hostname="lxc1", mac_addresses="02:00:00:00:00:0a", parent=made["system_id"]
    )
    (nic,) = device["interface_set"]
    placed = await house.admin.put(nic["resource_uri"], name="eth0", vlan=home["vlan"]["id"])
    assert placed["vlan"]["id"] == home["vlan"]["id"]
    linked = await house.admin.post(
        nic["resource_uri"],
        op="link_subnet",
        mode="STATIC",
        subnet=home["id"],
        ip_address="10.0.0.50",
        default_gateway="true",
    )
    assert linked["links"][0]["ip_address"] == "10.0.0.50"
    more = await house.admin.post(
        f"nodes/{device['system_id']}/interfaces/", op="create_physical", mac_address="02:00:00:00:00:0b", name="eth1"
    )
    assert (more["name"], more["mac_address"]) == ("eth1", "02:00:00:00:00:0b")
    await house.admin.post(nic["resource_uri"], op="unlink_subnet", id=linked["links"][0]["id"])
    await house.admin.delete(more["resource_uri"])
    assert [nic["name"] for nic in (await house.admin.get(device["resource_uri"]))["interface_set"]] == ["eth0"]


async def test_others_machines_are_not_there(house: Inn) -> None:
    made, path = await nic_of(house)
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, made["system_id"], ann)
    assert (await ann.call("POST", path, op="add_tag", tag="mine")).status_code == 200
    assert (await bob.call("GET", path)).status_code == 404
    assert (await bob.call("POST", path, op="add_tag", tag="mine")).status_code == 404


async def test_what_a_guest_is_told_of_its_network(house: Inn) -> None:
    """One default gateway, the one that the machine shows; a NIC that was disconnected has no address."""
    made, path = await nic_of(house, "a:name=br0;b:ip=10.1.0.5,ip=2001:db8:1::5")
    office = await subnet_of(house, "10.1.0.0/24")
    await house.admin.put(f"subnets/{office['id']}/", gateway_ip="10.1.0.254")
    database = house.house.services.database

    def told() -> dict[str, Any]:
        nics = database.ask(lambda sql: seeds.nics(sql, machines.find(sql, made["system_id"])))
        found: dict[str, Any] = json.loads(network_config(nics))["ethernets"]
        return found

    first, second = told().values()
    assert (first["dhcp4"], "dhcp4-overrides" in first) == (True, False)
    assert (second["dhcp4"], second["addresses"]) == (False, ["10.1.0.5/24", "2001:db8:1::5/64"])
    assert "routes" not in second
    await house.admin.post(path, op="set_default_gateway")
    first, second = told().values()
    assert first["dhcp4-overrides"] == {"route-metric": 2000}
    assert second["routes"] == [{"to": "0.0.0.0/0", "via": "10.1.0.254"}]
    await house.admin.post(path, op="disconnect")
    first, second = told().values()
    assert "dhcp4-overrides" not in first
    assert (second["dhcp4"], second["dhcp6"], "addresses" in second) == (False, False, False)


async def test_what_the_host_refuses_is_said(house: Inn) -> None:
    made, path = await nic_of(house, "a:ip=10.0.0.5")
    start = await cursor(house.admin)
    house.change("alpha", lambda world: world.faults.extend([Fault(call="readdress", kind="refuse")] * 2))
    gone = await house.admin.post(path, op="disconnect")
    assert gone["links"] == []
    text = f"the host was not told the addresses of {made['hostname']}: a fault on demand"
    assert text in [one["text"] for one in await events(house.admin, after=start)]
    (there,) = house.see("alpha").instances.values()
    assert there.interfaces[0].addresses == ("10.0.0.5",)
