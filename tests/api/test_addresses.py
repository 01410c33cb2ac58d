"""Addresses in the REST API: reserved by users, set apart in ranges, and who has which."""

from __future__ import annotations

import time
from typing import Any

import pytest

from innkeeper.model.network import LinkMode
from innkeeper.store import addresses, interfaces, links
from innkeeper.store.database import Write
from tests.api.facts import audits, composed, cursor, give
from tests.kit.house import Inn

API = "/MAAS/api/2.0"


async def subnet(house: Inn, cidr: str = "10.1.0.0/24", **more: Any) -> dict[str, Any]:
    return dict(await house.admin.post("subnets/", cidr=cidr, **more))


async def refusal(client: Any, method: str, path: str, **fields: Any) -> tuple[int, Any]:
    answer = await client.call(method, path, **fields)
    assert not answer.is_success, answer.text
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json() if is_json else answer.text


async def test_reserve_and_release(house: Inn) -> None:
    one = await subnet(house, gateway_ip="10.1.0.1")
    ann, start = house.client(username="ann"), await cursor(house.admin)
    made = await ann.post("ipaddresses/", op="reserve", subnet="10.1.0.0/24", hostname="web", mac="02-00-00-00-00-0A")
    assert made == {
        "alloc_type": 4,
        "alloc_type_name": "User reserved",
        "ip": "10.1.0.2",
        "created": made["created"],
        "subnet": one,
        "interface_set": [],
        "owner": await ann.get("users/", op="whoami"),
        "hostname": "web",
        "mac_address": "02:00:00:00:00:0a",
        "resource_uri": f"{API}/ipaddresses/",
    }
    assert (await ann.post("ipaddresses/", op="reserve", ip_address="10.1.0.9"))["ip"] == "10.1.0.9"
    assert (await ann.post("ipaddresses/", op="reserve", subnet=one["id"]))["ip"] == "10.1.0.3"
    assert [found["ip"] for found in await ann.get("ipaddresses/")] == ["10.1.0.2", "10.1.0.9", "10.1.0.3"]
    assert [found["ip"] for found in await ann.get("ipaddresses/", ip="10.1.0.9")] == ["10.1.0.9"]
    status, text = await refusal(house.admin, "POST", "ipaddresses/", op="reserve", ip="10.1.0.2")
    assert (status, text) == (409, "The address 10.1.0.2 is taken by ann, who reserved it for web.")
    answer = await ann.call("POST", "ipaddresses/", op="release", ip="10.1.0.2")
    assert (answer.status_code, answer.content) == (204, b"")
    assert [found["ip"] for found in await ann.get("ipaddresses/")] == ["10.1.0.9", "10.1.0.3"]
    status, text = await refusal(ann, "POST", "ipaddresses/", op="release", ip="10.1.0.2")
    assert (status, text) == (404, "No StaticIPAddress matches the given query. 10.1.0.2 is not taken.")
    assert await audits(house.admin, after=start) == [
        "reserved the address 10.1.0.2 of 10.1.0.0/24",
        "reserved the address 10.1.0.9 of 10.1.0.0/24",
        "reserved the address 10.1.0.3 of 10.1.0.0/24",
        "released the address 10.1.0.2, which ann had reserved",
    ]


async def test_whose_address_it_is(house: Inn) -> None:
    await subnet(house)
    ann, bob = house.client(username="ann"), house.client(username="bob")
    await ann.post("ipaddresses/", op="reserve", ip="10.1.0.5")
    assert await bob.get("ipaddresses/") == []
    for fields in ({"all": "true"}, {"owner": "ann"}):
        assert (await refusal(bob, "GET", "ipaddresses/", **fields))[0] == 403
        assert [one["ip"] for one in await house.admin.get("ipaddresses/", **fields)] == ["10.1.0.5"]
    assert (await refusal(bob, "POST", "ipaddresses/", op="release", ip="10.1.0.5"))[0] == 403
    status, told = await refusal(house.admin, "GET", "ipaddresses/", owner="nobody")
    assert (status, list(told)) == (400, ["owner"])
    await house.admin.call("POST", "ipaddresses/", op="release", ip="10.1.0.5", force="true")
    assert await ann.get("ipaddresses/") == []


async def test_version_six(house: Inn) -> None:
    one = await subnet(house, "fd00::/48", gateway_ip="fd00::1")
    assert (await house.admin.post("ipaddresses/", op="reserve", subnet="fd00::/48"))["ip"] == "fd00::2"
    assert (await house.admin.post("ipaddresses/", op="reserve", ip="FD00:0::000A"))["ip"] == "fd00::a"
    told = await house.admin.get(one["resource_uri"], op="statistics")
    assert told["total_addresses"] == 2**80 - 1  # more than 64 bits count
    assert (told["num_unavailable"], told["ip_version"], told["usage_string"]) == (3, 6, "0%")
    assert (told["first_address"], told["largest_available"]) == ("fd00::1", 2**80 - 11)


@pytest.mark.parametrize(
    ("op", "fields", "field"),
    [
        ("reserve", {}, "subnet"),
        ("reserve", {"subnet": "nowhere"}, "subnet"),
        ("reserve", {"ip": "web"}, "ip"),
        ("reserve", {"ip": "192.168.0.1"}, "ip"),
        ("reserve", {"ip": "10.1.0.255"}, "ip"),
        ("reserve", {"subnet": "10.1.0.0/24", "ip": "10.2.0.5"}, "ip"),
        ("reserve", {"subnet": "10.1.0.0/24", "hostname": "a b"}, "hostname"),
        ("reserve", {"subnet": "10.1.0.0/24", "mac": "02:00"}, "mac"),
        ("reserve", {"subnet": "10.1.0.0/24", "domain": "maas"}, "domain"),
        ("reserve", {"subnet": "10.1.0.0/24", "colour": "red"}, "colour"),
        ("release", {}, "ip"),
        ("release", {"ip": "10.1.0.9", "discovered": "true"}, "discovered"),
    ],
)
async def test_refused_by_name(house: Inn, op: str, fields: dict[str, str], field: str) -> None:
    await subnet(house)
    status, told = await refusal(house.admin, "POST", "ipaddresses/", op=op, **fields)
    assert (status, list(told)) == (400, [field])
    assert await house.admin.get("ipaddresses/", all="true") == []


async def test_ranges(house: Inn) -> None:
    one = await subnet(house)
    sent = {"type": "dynamic", "subnet": one["id"], "start_ip": "10.1.0.100", "end_ip": "10.1.0.199"}
    made = await house.admin.post("ipranges/", **sent, comment="DHCP")
    assert made == {
        "id": made["id"],
        "type": "dynamic",
        "start_ip": "10.1.0.100",
        "end_ip": "10.1.0.199",
        "comment": "DHCP",
        "user": await house.admin.get("users/", op="whoami"),
        "subnet": one,
        "resource_uri": f"{API}/ipranges/{made['id']}/",
    }
    assert await house.admin.get("ipranges/") == [await house.admin.get(made["resource_uri"])] == [made]
    # as Terraform does: everything again
    assert await house.admin.put(made["resource_uri"], **sent) == made
    changed = await house.admin.put(made["resource_uri"], end_ip="10.1.0.150", comment="", type="reserved")
    assert (changed["end_ip"], changed["comment"], changed["type"]) == ("10.1.0.150", "", "reserved")
    by_address = await house.admin.post("ipranges/", type="reserved", start_ip="10.1.0.2", end_ip="10.1.0.3")
    assert by_address["subnet"]["id"] == one["id"]
    assert (await house.admin.post("ipaddresses/", op="reserve", subnet=one["id"]))["ip"] == "10.1.0.1"
    assert (await house.admin.post("ipaddresses/", op="reserve", subnet=one["id"]))["ip"] == "10.1.0.4"
    for each in (made, by_address):
        await house.admin.delete(each["resource_uri"])
    assert await house.admin.get("ipranges/") == []


async def test_ranges_of_users(house: Inn) -> None:
    await subnet(house)
    ann, bob = house.client(username="ann"), house.client(username="bob")
    reserved = {"type": "reserved", "start_ip": "10.1.0.5", "end_ip": "10.1.0.9"}
    made = await ann.post("ipranges/", **reserved)
    assert made["user"]["username"] == "ann"
    assert (await refusal(ann, "POST", "ipranges/", **(reserved | {"type": "dynamic"})))[0] == 403
    assert (await refusal(ann, "PUT", made["resource_uri"], type="dynamic"))[0] == 403
    for method in ("PUT", "DELETE"):
        assert (await refusal(bob, method, made["resource_uri"]))[0] == 403
    assert (await ann.put(made["resource_uri"], comment="mine"))["comment"] == "mine"
    await ann.delete(made["resource_uri"])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "spare"}, "type"),
        ({"start_ip": ""}, "start_ip"),
        ({"start_ip": "10.1.0.x"}, "start_ip"),
        ({"start_ip": "10.2.0.1"}, "start_ip"),
        ({"end_ip": "10.2.0.1"}, "end_ip"),
        ({"end_ip": "10.1.0.1"}, "end_ip"),
        ({"end_ip": "fd00::1"}, "end_ip"),
        ({"subnet": "99"}, "subnet"),
    ],
)
async def test_ranges_refused_by_name(house: Inn, fields: dict[str, str], field: str) -> None:
    await subnet(house)
    sent = {"type": "reserved", "start_ip": "10.1.0.5", "end_ip": "10.1.0.9"} | fields
    status, told = await refusal(house.admin, "POST", "ipranges/", **sent)
    assert (status, list(told)) == (400, [field])
    assert await house.admin.get("ipranges/") == []


def hold(house: Inn, system_id: str, ip: str, subnet_id: int, *, learnt: bool = False) -> None:
    """Give a machine's first NIC an address: taken, or only seen."""

    def change(write: Write) -> None:
        nic = interfaces.of(write.sql, [system_id])[system_id][0].id
        mode = LinkMode.DHCP if learnt else LinkMode.STATIC
        id = links.insert(write, interface_id=nic, mode=mode, subnet_id=subnet_id, ip=ip, learnt=learnt)
        if not learnt:
            addresses.take(write, ip=ip, subnet_id=subnet_id, link_id=id)

    house.house.services.database.transact(change)


async def test_who_has_which_address(house: Inn) -> None:
    host = await house.add_host()
    machine = await composed(house, host, hostname="web")
    (one,) = await house.admin.get("subnets/")
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, machine["system_id"], ann)
    hold(house, machine["system_id"], "10.0.0.7", one["id"])
    mac = machine["interface_set"][0]["mac_address"]
    house.change("alpha", lambda world: world.leases.append(("br0", mac, "10.0.0.8")))  # the watcher may look any time
    hold(house, machine["system_id"], "10.0.0.8", one["id"], learnt=True)
    await bob.post("ipaddresses/", op="reserve", ip="10.0.0.9")
    where = one["resource_uri"]
    summary = {
        "system_id": machine["system_id"],
        "node_type": 0,
        "hostname": "web",
        "fqdn": "web.maas",
        "is_container": False,
        "via": machine["interface_set"][0]["name"],
    }
    told = {
        each["ip"]: each for each in await house.admin.get(where, op="ip_addresses", with_username=1, with_summary=1)
    }
    assert list(told) == ["10.0.0.1", "10.0.0.7", "10.0.0.8", "10.0.0.9"]
    assert (told["10.0.0.1"]["alloc_type"], told["10.0.0.1"]["node_summary"]["via"]) == (1, "br0")
    created = told["10.0.0.7"]["created"]
    time.strptime(created, "%a, %d %b. %Y %H:%M:%S")
    taken = {"ip": "10.0.0.7", "alloc_type": 1, "created": created, "updated": created}
    assert told["10.0.0.7"] == taken | {"node_summary": summary}
    assert told["10.0.0.8"] == {
        "ip": "10.0.0.8",
        "alloc_type": 5,
        "created": "",
        "updated": "",
        "node_summary": summary,
    }
    assert (told["10.0.0.9"]["alloc_type"], told["10.0.0.9"]["user"]) == (4, "bob")
    seen = {each["ip"]: each for each in await bob.get(where, op="ip_addresses")}
    assert "node_summary" not in seen["10.0.0.7"]  # ann's machine is nobody else's affair
    assert seen["10.0.0.9"]["user"] == "bob"
    assert "node_summary" in {each["ip"]: each for each in await ann.get(where, op="ip_addresses")}["10.0.0.7"]
    bare = await house.admin.get(where, op="ip_addresses", with_username=0, with_summary=0)
    assert all(set(each) == {"ip", "alloc_type", "created", "updated"} for each in bare)
    for ip, holder in (("10.0.0.7", "taken by eth0 of machine web"), ("10.0.0.8", "eth0 of machine web uses it")):
        status, text = await refusal(ann, "POST", "ipaddresses/", op="reserve", ip=ip)
        assert (status, holder in text) == (409, True)
    status, text = await refusal(house.admin, "POST", "ipaddresses/", op="release", ip="10.0.0.7")
    assert (status, text.startswith("The address 10.0.0.7 is of eth0 of machine web.")) == (409, True)
    everything = await house.admin.get("ipaddresses/", all=1)
    assert {each["ip"]: (each["alloc_type"], each["owner"]["username"]) for each in everything} == {
        "10.0.0.7": (1, "ann"),
        "10.0.0.9": (4, "bob"),
    }
    await house.admin.delete(machine["resource_uri"])
    assert [each["ip"] for each in await house.admin.get("ipaddresses/", all=1)] == ["10.0.0.9"]


async def test_how_full_a_subnet_is(house: Inn) -> None:
    one = await subnet(house, "10.1.0.0/28", gateway_ip="10.1.0.1", dns_servers="10.1.0.1,9.9.9.9")
    await house.admin.post("ipranges/", type="reserved", start_ip="10.1.0.4", end_ip="10.1.0.5")
    await house.admin.post("ipaddresses/", op="reserve", ip="10.1.0.5")
    where = one["resource_uri"]
    assert await house.admin.get(where, op="reserved_ip_ranges") == [
        {"start": "10.1.0.1", "end": "10.1.0.1", "num_addresses": 1, "purpose": ["dns-server", "gateway-ip"]},
        {"start": "10.1.0.4", "end": "10.1.0.4", "num_addresses": 1, "purpose": ["reserved"]},
        {"start": "10.1.0.5", "end": "10.1.0.5", "num_addresses": 1, "purpose": ["assigned-ip", "reserved"]},
    ]
    free = [
        {"start": "10.1.0.2", "end": "10.1.0.3", "num_addresses": 2},
        {"start": "10.1.0.6", "end": "10.1.0.14", "num_addresses": 9},
    ]
    assert await house.admin.get(where, op="unreserved_ip_ranges") == free
    told = await house.admin.get(where, op="statistics")
    assert told == {
        "num_available": 11,
        "largest_available": 9,
        "num_unavailable": 3,
        "total_addresses": 14,
        "usage": pytest.approx(3 / 14),
        "usage_string": "21%",
        "available_string": "79%",
        "first_address": "10.1.0.1",
        "last_address": "10.1.0.14",
        "ip_version": 4,
    }
    more = await house.admin.get(where, op="statistics", include_ranges=1, include_suggestions=1)
    assert more["suggested_gateway"] is None
    assert more["suggested_dynamic_range"] == free[1]
    assert [each["purpose"] for each in more["ranges"]].count(["unused"]) == 2
    await house.admin.put(where, gateway_ip="")
    more = await house.admin.get(where, op="statistics", include_suggestions=1)
    assert more["suggested_gateway"] == "10.1.0.2"
