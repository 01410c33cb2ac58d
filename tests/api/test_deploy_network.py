"""The network that a deployed guest is told: what its machine's links say, no more and no less."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.wired import nic_of, subnet_of
from tests.kit.deployments import give_image, until_started, until_status
from tests.kit.house import Inn, inn


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    async with inn(tmp_path, host="0.0.0.0") as one:
        yield one


async def deployed(house: Inn, made: dict[str, Any]) -> dict[str, Any]:
    """Deploy it; the `ethernets` that its guest is told."""
    give_image(house)
    await house.admin.post(f"machines/{made['system_id']}/", op="deploy", distro_series="tiny")
    await until_started(house, made["system_id"])
    seed = house.see("alpha").seeds[f"default/{made['hostname']}"]
    return dict(json.loads(seed.network_config)["ethernets"])


async def test_dhcp_where_the_network_has_it_else_an_address_of_ours(house: Inn) -> None:
    made, _ = await nic_of(house, "a:name=br0;b:name=br1")
    before = {nic["name"]: nic["mac_address"] for nic in made["interface_set"]}
    await house.admin.put(f"subnets/{(await subnet_of(house, '10.1.0.0/24'))['id']}/", managed="true")
    assert made["ip_addresses"] == []
    told = await deployed(house, made)
    assert {name: one["match"]["macaddress"] for name, one in told.items()} == before
    assert (told["a"]["dhcp4"], "addresses" in told["a"]) == (True, False)
    machine = await house.admin.get(f"machines/{made['system_id']}/")
    links = [link for link in machine["interface_set"][1]["links"] if link.get("ip_address")]
    assert links
    given = {f"{link['ip_address']}/{link['subnet']['cidr'].partition('/')[2]}" for link in links}
    assert set(told["b"]["addresses"]) == given
    assert (told["b"]["dhcp4"], told["b"]["dhcp6"]) == (False, False)
    subnet = await subnet_of(house, links[0]["subnet"]["cidr"])
    taken = await house.admin.get(f"subnets/{subnet['id']}/", op="ip_addresses")
    assert links[0]["ip_address"] in [one["ip"] for one in taken]
    await house.admin.post(f"machines/{made['system_id']}/", op="release")
    await until_status(house, made["system_id"], "Ready")
    machine = await house.admin.get(f"machines/{made['system_id']}/")
    assert machine["ip_addresses"] == []
    taken = await house.admin.get(f"subnets/{subnet['id']}/", op="ip_addresses")
    assert links[0]["ip_address"] not in [one["ip"] for one in taken]


async def test_a_static_address_with_its_gateway_dns_and_routes_outlives_a_release(house: Inn) -> None:
    made, _ = await nic_of(house, "a:name=br1,ip=10.1.0.5;b:name=bond0,ip=10.2.0.5")
    first, second = await subnet_of(house, "10.1.0.0/24"), await subnet_of(house, "10.2.0.0/24")
    await house.admin.put(f"subnets/{first['id']}/", gateway_ip="10.1.0.254", dns_servers="10.1.0.2,10.1.0.3")
    await house.admin.put(f"subnets/{second['id']}/", gateway_ip="10.2.0.254")
    await house.admin.put(f"vlans/{second['vlan']['id']}/", mtu=9000)
    await house.admin.post("static-routes/", source=second["id"], destination=first["id"], gateway_ip="10.2.0.9")
    told = await deployed(house, made)
    assert told["a"]["addresses"] == ["10.1.0.5/24"]
    assert told["a"]["nameservers"] == {"addresses": ["10.1.0.2", "10.1.0.3"]}
    assert told["a"]["routes"] == [{"to": "0.0.0.0/0", "via": "10.1.0.254"}]
    assert told["b"]["mtu"] == 9000
    assert told["b"]["routes"] == [{"to": "10.1.0.0/24", "via": "10.2.0.9"}]
    await house.admin.post(f"machines/{made['system_id']}/", op="release")
    await until_status(house, made["system_id"], "Ready")
    machine = await house.admin.get(f"machines/{made['system_id']}/")
    assert machine["ip_addresses"] == ["10.1.0.5", "10.2.0.5"]


async def test_the_gateway_that_a_person_chose_is_the_default(house: Inn) -> None:
    made, last = await nic_of(house, "a:name=br1,ip=10.1.0.5;b:name=bond0,ip=10.2.0.5")
    for cidr, gateway in (("10.1.0.0/24", "10.1.0.254"), ("10.2.0.0/24", "10.2.0.254")):
        await house.admin.put(f"subnets/{(await subnet_of(house, cidr))['id']}/", gateway_ip=gateway)
    path = last.removeprefix("/MAAS/api/2.0/")
    await house.admin.post(path, op="set_default_gateway")
    told = await deployed(house, made)
    assert "routes" not in told["a"]
    assert told["b"]["routes"] == [{"to": "0.0.0.0/0", "via": "10.2.0.254"}]


async def test_a_nic_that_was_disconnected_comes_up_without_an_address(house: Inn) -> None:
    made, _ = await nic_of(house, "a:name=br0;b:name=br1,mode=unconfigured")
    told = await deployed(house, made)
    assert (told["b"]["dhcp4"], told["b"]["dhcp6"], told["b"]["optional"]) == (False, False, True)
    assert "addresses" not in told["b"]


async def test_no_address_is_left(house: Inn) -> None:
    """The deployment is refused in words, and nothing has changed."""
    made, _ = await nic_of(house, "a:name=bond0")
    give_image(house)
    subnet = await subnet_of(house, "10.2.0.0/24")
    await house.admin.put(f"subnets/{subnet['id']}/", managed="true")
    await house.admin.post("ipranges/", type="reserved", start_ip="10.2.0.1", end_ip="10.2.0.254", subnet=subnet["id"])
    answer = await house.admin.call("POST", f"machines/{made['system_id']}/", op="deploy", distro_series="tiny")
    assert (answer.status_code, "10.2.0.0/24 has no free address" in answer.text) == (409, True)
    assert (await house.admin.get(f"machines/{made['system_id']}/"))["status_name"] == "Ready"


async def test_where_others_manage_the_addresses_the_guest_asks_them(house: Inn) -> None:
    """A bridge of the host into a network of somebody else, whose DHCP we know nothing of."""
    made, _ = await nic_of(house, "a:name=br1")
    told = await deployed(house, made)
    assert (told["a"]["dhcp4"], "addresses" in told["a"]) == (True, False)


async def test_of_what_others_reserved_for_us_we_give(house: Inn) -> None:
    made, _ = await nic_of(house, "a:name=bond0")
    subnet = await subnet_of(house, "10.2.0.0/24")
    await house.admin.post("ipranges/", type="reserved", start_ip="10.2.0.40", end_ip="10.2.0.49", subnet=subnet["id"])
    told = await deployed(house, made)
    assert told["a"]["addresses"] == ["10.2.0.40/24"]
