"""Networks in the REST API: found on hosts, made and changed by people, told with the fields that clients insist on."""

from __future__ import annotations

import pytest

from innkeeper.model.host import HostInterface
from tests.api.facts import audits, composed, cursor, refusal
from tests.kit.house import Inn

API = "/MAAS/api/2.0"
SIMULATED = "10.0.0.0/24"  # what the bridge of a simulated host is on


async def test_what_a_host_is_on(house: Inn) -> None:
    await house.add_host()
    (fabric,) = await house.admin.get("fabrics/")
    (vlan,) = fabric["vlans"]
    assert vlan == {
        "id": vlan["id"],
        "vid": 0,
        "name": "untagged",
        "description": "",
        "fabric": fabric["name"],
        "fabric_id": fabric["id"],
        "mtu": 1500,
        "dhcp_on": True,
        "external_dhcp": None,
        "relay_vlan": None,
        "primary_rack": None,
        "secondary_rack": None,
        "space": "undefined",
        "resource_uri": f"{API}/vlans/{vlan['id']}/",
    }
    assert fabric == {
        "id": fabric["id"],
        "name": f"fabric-{fabric['id']}",
        "description": "",
        "class_type": None,
        "vlans": [vlan],
        "resource_uri": f"{API}/fabrics/{fabric['id']}/",
    }
    (subnet,) = await house.admin.get("subnets/")
    assert subnet == {
        "id": subnet["id"],
        "name": SIMULATED,
        "description": "",
        "cidr": SIMULATED,
        "vlan": vlan,
        "space": "undefined",
        "gateway_ip": "10.0.0.1",
        "dns_servers": ["10.0.0.1"],
        "managed": True,
        "allow_dns": True,
        "allow_proxy": True,
        "active_discovery": False,
        "rdns_mode": 2,
        "disabled_boot_architectures": [],
        "resource_uri": f"{API}/subnets/{subnet['id']}/",
    }
    pseudo = {
        "id": -1,
        "name": "undefined",
        "description": "",
        "vlans": [vlan],
        "subnets": [subnet],
        "resource_uri": f"{API}/spaces/undefined/",
    }
    assert await house.admin.get("spaces/") == [pseudo]
    for path in ("spaces/undefined/", "spaces/-1/"):
        assert await house.admin.get(path) == pseudo
    for one in (fabric, vlan, subnet):
        assert await house.admin.get(one["resource_uri"]) == one
    for path in (f"subnets/{SIMULATED}/", "subnets/10.0.0.0%2F24/", f"subnets/cidr:{SIMULATED}/"):
        assert await house.admin.get(path) == subnet
    name, where = fabric["name"], f"fabrics/{fabric['id']}/vlans/"
    assert await house.admin.get(where) == [vlan]
    for path in (f"{where}0/", f"{where}untagged/", f"fabrics/{name}/vlans/0/"):
        assert await house.admin.get(path) == vlan
    assert await house.admin.get(f"fabrics/{name}/") == fabric


async def test_two_hosts_on_one_network(house: Inn) -> None:
    for name in ("alpha", "beta"):
        await house.add_host(name)
    assert len(await house.admin.get("fabrics/")) == 1
    assert [one["cidr"] for one in await house.admin.get("subnets/")] == [SIMULATED]


async def test_a_space_from_the_cradle_to_the_grave(house: Inn) -> None:
    await house.add_host()
    start = await cursor(house.admin)
    made = await house.admin.post("spaces/", name="dmz", description="outside")
    vlan = (await house.admin.get("subnets/"))[0]["vlan"]
    await house.admin.put(vlan["resource_uri"], space="dmz")
    (space,) = await house.admin.get("spaces/")  # no VLAN is without one: no pseudo space
    assert (space["id"], space["name"], space["description"]) == (made["id"], "dmz", "outside")
    assert [one["space"] for one in (*space["vlans"], *space["subnets"])] == ["dmz", "dmz"]
    assert await refusal(house, "GET", "spaces/undefined/") == (404, "No Space matches the given query.")
    assert (await house.admin.put("spaces/dmz/", name="inner", description=""))["name"] == "inner"
    status, text = await refusal(house, "DELETE", f"spaces/{made['id']}/")
    assert (status, "in use by VLAN untagged" in text) == (409, True)
    for nothing in ("", "undefined", "-1"):
        await house.admin.put(vlan["resource_uri"], space=str(made["id"]))
        assert (await house.admin.put(vlan["resource_uri"], space=nothing))["space"] == "undefined"
    await house.admin.delete(f"spaces/{made['id']}/")
    assert [one["id"] for one in await house.admin.get("spaces/")] == [-1]
    told = await audits(house.admin, after=start)
    assert told[:3] == ["made the space dmz", f"changed the VLAN untagged (id {vlan['id']})", "changed the space dmz"]
    assert told[-1] == "deleted the space inner"


async def test_the_pseudo_space_stays_what_it_is(house: Inn) -> None:
    await house.add_host()
    for method in ("PUT", "DELETE"):
        for path in ("spaces/undefined/", "spaces/-1/"):
            status, text = await refusal(house, method, path)
            assert (status, "stays as it is" in text) == (409, True)
    assert (await refusal(house, "POST", "spaces/", name="undefined"))[0] == 409


async def test_a_fabric_and_its_vlans(house: Inn) -> None:
    fabric = await house.admin.post("fabrics/", name="floor", description="2nd", class_type="10g")
    assert (fabric["name"], fabric["description"], fabric["class_type"]) == ("floor", "2nd", "10g")
    assert [(one["vid"], one["name"]) for one in fabric["vlans"]] == [(0, "untagged")]
    unnamed = await house.admin.post("fabrics/")
    assert (unnamed["name"], unnamed["class_type"]) == (f"fabric-{unnamed['id']}", None)
    where = f"fabrics/{fabric['id']}/vlans/"
    # as Terraform does: the same again as an update, racks left out, zeroes not sent
    tagged = await house.admin.post(where, vid=5, dhcp_on="false", name="storage", mtu=9000)
    assert (tagged["vid"], tagged["name"], tagged["mtu"], tagged["dhcp_on"]) == (5, "storage", 9000, False)
    assert await house.admin.put(f"{where}5/", vid=5, dhcp_on="false", name="storage", mtu=9000) == tagged
    assert (await house.admin.post(where, vid=7))["name"] == "vlan-7"
    changed = await house.admin.put(f"{where}5/", _vid=6, dhcp_on="true", primary_rack="", relay_vlan="")
    assert changed == tagged | {"vid": 6, "dhcp_on": True}
    assert [one["vid"] for one in (await house.admin.get("fabrics/floor/"))["vlans"]] == [0, 6, 7]
    moved = await house.admin.put(f"vlans/{tagged['id']}/", fabric=unnamed["name"])
    assert (moved["fabric"], moved["fabric_id"]) == (unnamed["name"], unnamed["id"])
    await house.admin.delete(f"fabrics/{unnamed['id']}/vlans/6/")
    changed = await house.admin.put("fabrics/floor/", name="roof", class_type="")
    assert (changed["name"], changed["class_type"]) == ("roof", None)
    await house.admin.delete("fabrics/roof/")
    assert [one["id"] for one in await house.admin.get("fabrics/")] == [unnamed["id"]]


async def test_what_is_in_use_is_not_deleted(house: Inn) -> None:
    await house.add_host()
    (subnet,) = await house.admin.get("subnets/")
    vlan, fabric = subnet["vlan"], f"fabrics/{subnet['vlan']['fabric_id']}/"
    status, text = await refusal(house, "DELETE", fabric)
    assert (status, f"there is subnet {SIMULATED}, br0 of VM host alpha" in text) == (409, True)
    assert (await refusal(house, "DELETE", vlan["resource_uri"]))[0] == 409
    status, text = await refusal(house, "DELETE", subnet["resource_uri"])
    assert (status, "in use by br0 of VM host alpha" in text) == (409, True)
    tagged = await house.admin.post(f"{fabric}vlans/", vid=9)
    other = await house.admin.post("subnets/", cidr="10.9.0.0/24", vlan=tagged["id"])
    status, text = await refusal(house, "DELETE", f"{fabric}vlans/9/")
    assert (status, "there is subnet 10.9.0.0/24" in text) == (409, True)
    await house.admin.delete(other["resource_uri"])
    await house.admin.delete(f"{fabric}vlans/9/")


async def test_a_subnet_as_terraform_makes_it(house: Inn) -> None:
    fabric = await house.admin.post("fabrics/", name="floor")
    vlan = await house.admin.post(f"fabrics/{fabric['id']}/vlans/", vid=12)
    sent = {
        "cidr": "10.12.0.0/16",
        "name": "twelve",
        "fabric": fabric["id"],
        "vlan": vlan["id"],
        "vid": 12,
        "gateway_ip": "10.12.0.1",
        "dns_servers": ["9.9.9.9", "fd00::53"],
        "rdns_mode": 1,
        "allow_dns": "false",
        "allow_proxy": "false",
        "managed": "false",
        "active_discovery": "true",
    }
    made = await house.admin.post("subnets/", **sent)
    assert made["vlan"] == vlan
    told = ("cidr", "name", "gateway_ip", "dns_servers", "rdns_mode")
    assert {key: made[key] for key in told} == {key: sent[key] for key in told}
    flags = (made["allow_dns"], made["allow_proxy"], made["managed"], made["active_discovery"])
    assert flags == (False, False, False, True)
    assert await house.admin.put(made["resource_uri"], **sent) == made
    changed = await house.admin.put("subnets/twelve/", gateway_ip="", dns_servers="", description="x", managed=1)
    assert changed == made | {"gateway_ip": None, "dns_servers": [], "description": "x", "managed": True}
    moved = await house.admin.put(made["resource_uri"], fabric="floor", vid=0)
    assert (moved["vlan"]["vid"], moved["vlan"]["fabric"]) == (0, "floor")
    assert (await house.admin.put(made["resource_uri"], cidr="10.12.0.0/17"))["cidr"] == "10.12.0.0/17"
    await house.admin.delete(made["resource_uri"])
    assert await house.admin.get("subnets/") == []


async def test_a_subnet_that_says_nothing_of_its_vlan_is_on_the_first_fabrics(house: Inn) -> None:
    first = await house.admin.post("subnets/", cidr="10.1.0.0/24", dns_servers="9.9.9.9, 1.1.1.1")
    assert (first["name"], first["gateway_ip"], first["dns_servers"]) == ("10.1.0.0/24", None, ["9.9.9.9", "1.1.1.1"])
    second = await house.admin.post("subnets/", cidr="FD01:0::/64", gateway_ip="fe80::1")
    assert (second["cidr"], second["gateway_ip"], second["vlan"]) == ("fd01::/64", "fe80::1", first["vlan"])
    assert first["vlan"]["vid"] == 0


async def test_static_routes(house: Inn) -> None:
    one = await house.admin.post("subnets/", cidr="10.1.0.0/24", name="one")
    two = await house.admin.post("subnets/", cidr="10.2.0.0/24", name="two")
    route = await house.admin.post("static-routes/", source="10.1.0.0/24", destination=two["id"], gateway_ip="10.1.0.9")
    assert route == {
        "id": route["id"],
        "source": one,
        "destination": two,
        "gateway_ip": "10.1.0.9",
        "metric": 0,
        "resource_uri": f"{API}/static-routes/{route['id']}/",
    }
    assert await house.admin.get("static-routes/") == [await house.admin.get(route["resource_uri"])] == [route]
    again = await refusal(house, "POST", "static-routes/", source="one", destination="two", gateway_ip="10.1.0.9")
    assert again == (409, f"There is such a route already (id {route['id']}).")
    changed = await house.admin.put(route["resource_uri"], metric=5, gateway_ip="10.1.0.8")
    assert changed == route | {"metric": 5, "gateway_ip": "10.1.0.8"}
    status, told = await refusal(house, "PUT", route["resource_uri"], source="two")
    assert (status, list(told)) == (400, ["destination"])
    await house.admin.delete(route["resource_uri"])
    assert await house.admin.get("static-routes/") == []


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("fabrics/x/", "Fabric"),
        ("fabrics/99/vlans/0/", "Fabric"),
        ("vlans/99/", "VLAN"),
        ("vlans/x/", "VLAN"),
        ("spaces/99/", "Space"),
        ("subnets/99/", "Subnet"),
        ("subnets/x/", "Subnet"),
        ("subnets/10.9.0.0/24/", "Subnet"),
        ("static-routes/9/", "StaticRoute"),
        ("ipranges/9/", "IPRange"),
    ],
)
async def test_what_is_not_there(house: Inn, path: str, model: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await house.admin.call(method, path)
        assert (answer.status_code, answer.text) == (404, f"No {model} matches the given query.")
        assert answer.headers["content-type"].startswith("text/plain")


TRUNK = HostInterface(name="eth5", kind="physical", subnets=("10.5.0.0/24",), addresses=("10.5.0.1/24",))
TAGGED = HostInterface(name="eth5.7", kind="vlan", vlan_parent="eth5", vlan_id=7)


async def test_a_tag_on_the_wire_is_not_edited(house: Inn) -> None:
    """What a host tags with 7 stays vid 7, and is put on no other; so does what a NIC of a machine is tagged with."""
    house.change("alpha", lambda world: world.interfaces.extend((TRUNK, TAGGED)))
    id = await house.add_host()
    host = await house.admin.get(f"vm-hosts/{id}/")
    fabric = next(one for one in await house.admin.get("fabrics/") if len(one["vlans"]) == 2)
    where = f"fabrics/{fabric['id']}/vlans/"
    for path in (f"{where}7/", f"vlans/{fabric['vlans'][1]['id']}/"):
        status, text = await refusal(house, "PUT", path, vid=8)
        assert (status, "stays vid 7: that is the tag of eth5.7 of VM host alpha." in text) == (409, True), text
    assert (await house.admin.put(f"{where}7/", vid=7, name="storage"))["name"] == "storage"
    other = await house.admin.post(where, vid=8)
    path = f"nodes/{host['host']['system_id']}/interfaces/"
    tagged = next(one for one in await house.admin.get(path) if one["name"] == "eth5.7")
    status, text = await refusal(house, "PUT", tagged["resource_uri"], vlan=other["id"])
    assert (status, "eth5.7 tags its frames with 7: it is not on the VLAN vlan-8 (vid 8)." in text) == (409, True)
    made = await composed(house, id, hostname="web", interfaces="0:vid=8")
    assert made["interface_set"][0]["vlan"]["vid"] == 8
    status, text = await refusal(house, "PUT", f"{where}8/", vid=9)
    assert (status, "that is the tag of eth0 of machine web." in text) == (409, True), text
    await house.admin.delete(made["resource_uri"])
    assert (await house.admin.put(f"{where}8/", vid=9))["vid"] == 9
