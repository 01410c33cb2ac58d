"""NICs: how they are asked for, where they hang, and how they are shown."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.facts import composed
from tests.api.wired import refusal, subnet_of, wired
from tests.kit.house import Inn


async def test_S09_nics_on_the_networks_that_were_asked_for(house: Inn) -> None:
    id = await wired(house)
    made = await composed(house, id, interfaces="eth0:subnet_cidr=10.0.0.0/24;lan:subnet_cidr=10.2.0.0/24;7:name=br1")
    first, second, third = made["interface_set"]
    assert [nic["name"] for nic in (first, second, third)] == ["eth0", "lan", "eth7"]
    assert [nic["attachment"]["type"] for nic in (first, second, third)] == ["network", "macvlan", "bridge"]
    assert first["links"][0]["subnet"]["cidr"] == "10.0.0.0/24"
    assert first["links"][0]["mode"] == "auto"
    assert "ip_address" not in first["links"][0]
    assert first["vlan"] == first["links"][0]["subnet"]["vlan"]
    assert first["vlan"]["dhcp_on"] is True
    assert second["vlan"]["fabric"] != first["vlan"]["fabric"]
    assert third["links"][0]["subnet"]["cidr"] == "10.1.0.0/24"
    assert made["boot_interface"] == first
    assert made["default_gateways"]["ipv4"] == {"gateway_ip": "10.0.0.1", "link_id": first["links"][0]["id"]}
    (there,) = house.see("alpha").instances.values()
    assert [(nic.device, nic.attach, nic.parent) for nic in there.interfaces] == [
        ("eth0", "network", "br0"),
        ("lan", "macvlan", "bond0"),
        ("eth7", "bridge", "br1"),
    ]


async def test_S10_addresses_are_held_before_the_vm_exists(house: Inn) -> None:
    id = await wired(house)
    made = await composed(house, id, interfaces="a:ip=10.0.0.5;b:ip=10.1.0.5,ip=2001:DB8:1::5")
    first, second = made["interface_set"]
    assert [
        (link["mode"], link["ip_address"], link["subnet"]["cidr"]) for link in first["links"] + second["links"]
    ] == [
        ("static", "10.0.0.5", "10.0.0.0/24"),
        ("static", "10.1.0.5", "10.1.0.0/24"),
        ("static", "2001:db8:1::5", "2001:db8:1::/64"),
    ]
    assert made["ip_addresses"] == ["10.0.0.5", "10.1.0.5", "2001:db8:1::5"]
    (there,) = house.see("alpha").instances.values()
    assert [nic.addresses for nic in there.interfaces] == [("10.0.0.5",), ()]  # where a DHCP of the host gives them
    for ip, words in (
        ("10.0.0.5", f"a: The address 10.0.0.5 is taken by a of machine {made['hostname']}"),
        ("10.0.0.1", "br0 of VM host alpha has it"),
    ):
        status, text = await refusal(house, id, interfaces=f"a:ip={ip}")
        assert (status, words in text) == (409, True), text
    status, text = await refusal(house, id, interfaces="a:ip=10.0.0.255")
    assert (status, "a: 10.0.0.255 stands for the whole subnet" in text) == (400, True), text
    assert len(house.see("alpha").instances) == 1
    await house.admin.delete(f"machines/{made['system_id']}/")
    await composed(house, id, interfaces="a:ip=10.0.0.5;b:ip=10.1.0.5")


async def test_two_at_once_for_one_address(house: Inn) -> None:
    id, other = await wired(house), await house.add_host("beta")
    asked = [
        house.admin.call("POST", f"vm-hosts/{each}/", op="compose", interfaces="a:ip=10.0.0.9")
        for each in (id, other) * 4
    ]
    codes = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert codes == [200] + [409] * 7


async def test_S12_unconfigured_is_linked_without_an_address(house: Inn) -> None:
    id = await wired(house)
    made = await composed(house, id, interfaces="a:name=br0,mode=unconfigured;b:ip=2001:db8:1::7,mode=unconfigured")
    assert [link["mode"] for nic in made["interface_set"] for link in nic["links"]] == ["link_up", "link_up"]
    assert "ip_address" not in made["interface_set"][0]["links"][0]
    assert made["interface_set"][1]["links"][0]["ip_address"] == "2001:db8:1::7"  # held for it


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("a:space=dmz", "a: space=dmz: there is no such space; known: undefined"),
        ("a:fabric=nowhere", "a: fabric=nowhere: there is no such fabric; known: fabric-1, fabric-2"),
        ("a:ip=192.0.2.1", "a: ip=192.0.2.1: no subnet that is known holds it"),
        ("a:colour=red", "a: unknown key 'colour'"),
    ],
)
async def test_what_is_not_known_is_refused_before_any_host(house: Inn, wanted: str, words: str) -> None:
    id = await wired(house)
    status, text = await refusal(house, id, interfaces=wanted)
    assert (status, words in text) == (400, True), text


async def test_what_a_host_lacks_is_named(house: Inn) -> None:
    await wired(house)
    id = await house.add_host("beta")
    status, text = await refusal(house, id, interfaces="a:subnet_cidr=10.1.0.0/24")
    assert status == 409
    assert "no interface with subnet_cidr=10.1.0.0/24 for a; it has br0 (10.0.0.0/24; untagged of fabric-1" in text
    status, text = await refusal(house, id, interfaces="a:name=br0;b:name=br0")
    assert (status, "b could only be on br0, where another NIC of the machine is" in text) == (409, True)


async def test_a_tagged_vlan_of_the_fabric(house: Inn) -> None:
    id = await wired(house)
    office = await subnet_of(house, "10.1.0.0/24")
    await house.admin.post(f"fabrics/{office['vlan']['fabric_id']}/vlans/", vid=5, name="guests")
    made = await composed(house, id, interfaces="a:fabric=2,vid=5")
    (nic,) = made["interface_set"]
    assert (nic["vlan"]["vid"], nic["attachment"]) == (
        5,
        {"type": "bridge", "host_interface": "br1", "mode": None, "vlan": 5},
    )
    (there,) = house.see("alpha").instances.values()
    assert [(one.parent, one.vlan) for one in there.interfaces] == [("br1", 5)]


async def test_juju_asks_by_numbers(house: Inn) -> None:
    id = await wired(house)
    space = await house.admin.post("spaces/", name="dmz")
    office = await subnet_of(house, "10.1.0.0/24")
    await house.admin.put(f"vlans/{office['vlan']['id']}/", space=space["id"])
    made = await composed(house, id, interfaces=f"0:space={space['id']};1:space=-1")
    assert [(nic["name"], nic["vlan"]["space"]) for nic in made["interface_set"]] == [
        ("eth0", "dmz"),
        ("eth1", "undefined"),
    ]


async def test_the_interfaces_of_a_host(house: Inn) -> None:
    id = await wired(house)
    host = await house.admin.get(f"vm-hosts/{id}/")
    machine = await house.admin.get(f"machines/{host['host']['system_id']}/")
    nics = {nic["name"]: nic for nic in machine["interface_set"]}
    assert {name: nic["type"] for name, nic in nics.items()} == {"br0": "bridge", "br1": "bridge", "bond0": "bond"}
    assert nics["br1"]["mac_address"] == "00:16:3e:00:00:01"
    assert [link["ip_address"] for link in nics["br1"]["links"]] == ["10.1.0.1", "2001:db8:1::1"]
    made = await composed(house, id, interfaces=f"a:id={nics['bond0']['id']}")
    assert made["interface_set"][0]["attachment"]["host_interface"] == "bond0"
