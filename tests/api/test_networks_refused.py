"""Networks in the REST API: what is refused, by name, and what is in use and stays what it is."""

from __future__ import annotations

import pytest

from tests.api.facts import refusal
from tests.api.test_networks import SIMULATED
from tests.kit.house import Inn

REFUSED = [
    ("fabrics/", {"name": "a/b"}, "name"),
    ("fabrics/", {"name": "fabric-99"}, "name"),
    ("fabrics/", {"colour": "red"}, "colour"),
    ("spaces/", {"name": "x" * 300}, "name"),
    ("fabrics/floor/vlans/", {}, "vid"),
    ("fabrics/floor/vlans/", {"vid": "4095"}, "vid"),
    ("fabrics/floor/vlans/", {"vid": "5", "mtu": "60"}, "mtu"),
    ("fabrics/floor/vlans/", {"vid": "5", "space": "nowhere"}, "space"),
    ("fabrics/floor/vlans/", {"vid": "5", "primary_rack": "abc"}, "primary_rack"),
    ("fabrics/floor/vlans/", {"vid": "5", "relay_vlan": "1"}, "relay_vlan"),
    ("subnets/", {}, "cidr"),
    ("subnets/", {"cidr": "10.0.0.0"}, "cidr"),
    ("subnets/", {"cidr": "10.0.0.1/24"}, "cidr"),
    ("subnets/", {"cidr": "web/24"}, "cidr"),
    ("subnets/", {"cidr": "fe80::%eth0/64"}, "cidr"),
    ("subnets/", {"cidr": "10.0.0.0/24", "gateway_ip": "10.1.0.1"}, "gateway_ip"),
    ("subnets/", {"cidr": "10.0.0.0/24", "dns_servers": "9.9.9.9,web"}, "dns_servers"),
    ("subnets/", {"cidr": "10.0.0.0/24", "vlan": "999"}, "vlan"),
    ("subnets/", {"cidr": "10.0.0.0/24", "fabric": "roof"}, "fabric"),
    ("subnets/", {"cidr": "10.0.0.0/24", "fabric": "floor", "vid": "9"}, "vid"),
    ("subnets/", {"cidr": "10.0.0.0/24", "rdns_mode": "3"}, "rdns_mode"),
    ("subnets/", {"cidr": "10.0.0.0/24", "disabled_boot_architectures": "pxe"}, "disabled_boot_architectures"),
    ("static-routes/", {"source": "a", "destination": "10.2.0.0/24", "gateway_ip": "10.1.0.1"}, "source"),
    ("static-routes/", {"source": "one", "destination": "one", "gateway_ip": "10.1.0.1"}, "destination"),
    ("static-routes/", {"source": "one", "destination": "six", "gateway_ip": "10.1.0.1"}, "destination"),
    ("static-routes/", {"source": "one", "destination": "two", "gateway_ip": "10.2.0.1"}, "gateway_ip"),
    ("static-routes/", {"source": "one", "destination": "two"}, "gateway_ip"),
]


@pytest.mark.parametrize(("noun", "fields", "field"), REFUSED)
async def test_refused_by_name(house: Inn, noun: str, fields: dict[str, str], field: str) -> None:
    await house.admin.post("fabrics/", name="floor")
    for name, cidr in (("one", "10.1.0.0/24"), ("two", "10.2.0.0/24"), ("six", "fd00::/64")):
        await house.admin.post("subnets/", cidr=cidr, name=name)
    before = await house.admin.get(noun)
    status, told = await refusal(house, "POST", noun, **fields)
    assert (status, list(told)) == (400, [field])
    assert await house.admin.get(noun) == before


async def test_the_same_twice(house: Inn) -> None:
    await house.admin.post("fabrics/", name="floor")
    await house.admin.post("spaces/", name="dmz")
    await house.admin.post("subnets/", cidr="10.1.0.0/24")
    for noun, fields, text in (
        ("fabrics/", {"name": "floor"}, "There is a fabric 'floor' already."),
        ("spaces/", {"name": "dmz"}, "There is a space 'dmz' already."),
        ("subnets/", {"cidr": "10.1.0.0/24"}, "There is a subnet 10.1.0.0/24 already: 10.1.0.0/24 (id 1)."),
        ("fabrics/floor/vlans/", {"vid": 0}, "There is a VLAN with vid 0 in that fabric already: untagged (id 1)."),
    ):
        assert await refusal(house, "POST", noun, **fields) == (409, text)


async def test_the_untagged_vlan_is_its_fabrics(house: Inn) -> None:
    fabric = await house.admin.post("fabrics/")
    path = fabric["vlans"][0]["resource_uri"]
    assert (await refusal(house, "DELETE", path))[0] == 409
    assert (await refusal(house, "PUT", path, vid=4))[0] == 409
    assert (await house.admin.put(path, vid=0, name="plain"))["name"] == "plain"


async def test_a_subnet_with_taken_addresses_keeps_them(house: Inn) -> None:
    made = await house.admin.post("subnets/", cidr="10.1.0.0/24", gateway_ip="10.1.0.1")
    await house.admin.post("ipaddresses/", op="reserve", ip="10.1.0.200")
    status, text = await refusal(house, "PUT", made["resource_uri"], cidr="10.1.0.0/25")
    assert (status, "10.1.0.200 is not in it" in text) == (409, True)
    status, told = await refusal(house, "PUT", made["resource_uri"], cidr="10.1.0.128/25")
    assert (status, list(told)) == (400, ["gateway_ip"])
    status, text = await refusal(house, "DELETE", made["resource_uri"])
    assert (status, "the reserved address 10.1.0.200" in text) == (409, True)
    await house.admin.call("POST", "ipaddresses/", op="release", ip="10.1.0.200")
    held = await house.admin.post("ipranges/", type="reserved", start_ip="10.1.0.100", end_ip="10.1.0.200")
    status, text = await refusal(house, "PUT", made["resource_uri"], cidr="10.1.0.0/25")
    assert (status, "the range to 10.1.0.200 is not in it" in text) == (409, True)
    await house.admin.delete(held["resource_uri"])
    other = await house.admin.post("subnets/", cidr="10.2.0.0/24")
    route = {"source": made["id"], "destination": other["id"], "gateway_ip": "10.1.0.200"}
    held = await house.admin.post("static-routes/", **route)
    status, text = await refusal(house, "PUT", made["resource_uri"], cidr="10.1.0.0/25")
    assert (status, "the static route by 10.1.0.200 is not in it" in text) == (409, True)
    status, text = await refusal(house, "PUT", other["resource_uri"], cidr="fd00::/64")
    assert (status, "the family of a static route to it is not in it" in text) == (409, True)
    await house.admin.delete(held["resource_uri"])
    assert (await house.admin.put(made["resource_uri"], cidr="10.1.0.0/25"))["cidr"] == "10.1.0.0/25"


async def test_a_subnet_that_a_host_is_on_stays_what_it_is(house: Inn) -> None:
    await house.add_host()
    status, text = await refusal(house, "PUT", f"subnets/{SIMULATED}/", cidr="10.0.0.0/25")
    assert (status, "br0 of VM host alpha is on it as it is" in text) == (409, True)
