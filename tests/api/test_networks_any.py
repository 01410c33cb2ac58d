"""Whatever is sent to the networks' calls, in whatever order: an answer, never a failure of ours, and what stands in
the lists afterwards hangs together."""

from __future__ import annotations

import ipaddress
import random
from pathlib import Path
from typing import Any

import pytest

from innkeeper.api.maas import domains, fabrics, ip_addresses, ip_ranges, spaces, static_routes, subnets, vlans
from innkeeper.api.maas.routes import Route
from tests.kit.house import Inn, inn

NOUNS = (domains, fabrics, ip_addresses, ip_ranges, spaces, static_routes, subnets, vlans)
ROUTES: list[Route] = [route for noun in NOUNS for route in noun.ROUTES]
IDS = [
    "1",
    "2",
    "3",
    "0",
    "-1",
    "999",
    "9" * 18,
    "x",
    "fabric-1",
    "name:floor",
    "undefined",
    "10.1.0.0/24",
    "fd00::/64",
]
IPS = [
    "10.1.0.1",
    "10.1.0.5",
    "10.1.0.200",
    "10.1.0.255",
    "10.0.0.7",
    "fd00::5",
    "FD00::00ff",
    "10.1.0",
    "::ffff:1.2.3.4",
]
TEXTS = ["", "floor", "a b", "é", "x" * 300, "lab.example", "true", "0", "reserved", "dynamic"]
VALUES: dict[str, list[str]] = {
    "cidr": [
        "10.1.0.0/24",
        "10.2.0.0/16",
        "10.1.0.0/25",
        "fd00::/64",
        "::/0",
        "0.0.0.0/0",
        "10.1.0.1/24",
        "10.3.0.0/32",
    ],
    "vid": ["0", "5", "4094", "4095", "-1", "five"],
    "_vid": ["6"],
    "type": ["reserved", "dynamic", "other"],
    "mac": ["02:00:00:00:00:01", "02-00"],
    **dict.fromkeys(("start_ip", "end_ip", "ip", "ip_address", "gateway_ip"), IPS),
    **dict.fromkeys(("vlan", "fabric", "fabric_id", "subnet", "source", "destination", "space"), IDS),
    "dns_servers": ["", "9.9.9.9", "9.9.9.9,fd00::1 1.1.1.1", "web"],
}
ANY = ["0", "1", "true", "false", "-5", "1" * 25, "maybe", *TEXTS]


def fields(route: Route, chance: random.Random) -> dict[str, str]:
    sent = {}
    for param in route.params:
        if param.required or chance.random() < 0.4:
            known = VALUES.get(param.name, TEXTS if param.kind == "text" else ANY)
            sent[param.name] = chance.choice(known if chance.random() < 0.9 else ANY)
    return sent


@pytest.mark.parametrize("seed", range(2))
async def test_any_call_in_any_order(tmp_path: Path, database_url: str, seed: int) -> None:
    async with inn(tmp_path, database_url) as house:
        await house.add_host()
        await call_anything(house, random.Random(seed))
        await hangs_together(house)


async def call_anything(house: Inn, chance: random.Random) -> None:
    statuses: dict[int, int] = {}
    for _ in range(350):
        route = chance.choice([one for one in ROUTES if one.method != "DELETE" or chance.random() < 0.3])
        names = {"id": IDS, "fabric_id": IDS, "vid": VALUES["vid"]}
        path = route.template.format(**{name: chance.choice(names[name]) for name in route.names})
        sent = fields(route, chance)
        answer = await house.admin.call(route.method, path, op=route.op, **sent)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in (200, 204, 400, 404, 409), (route.method, path, sent, answer.text)
        assert answer.status_code < 300 or answer.content, "a refusal says why"
    assert statuses[200] > 60, statuses


async def hangs_together(house: Inn) -> None:
    """Everything is in something that is there, and no address is outside of its subnet or twice."""
    there = {noun: await house.admin.get(f"{noun}/") for noun in ("fabrics", "spaces", "subnets", "static-routes")}
    inside = {vlan["id"]: vlan for fabric in there["fabrics"] for vlan in fabric["vlans"]}
    grouped = [vlan for space in there["spaces"] for vlan in space["vlans"]]
    assert sorted(vlan["id"] for vlan in grouped) == sorted(inside)
    assert all(inside[vlan["id"]] == vlan for vlan in grouped)
    for fabric in there["fabrics"]:
        assert [vlan["vid"] for vlan in fabric["vlans"]].count(0) == 1
    by_id: dict[int, Any] = {one["id"]: one for one in there["subnets"]}
    assert len({one["cidr"] for one in there["subnets"]}) == len(by_id)
    assert all(inside[one["vlan"]["id"]] == one["vlan"] for one in there["subnets"])
    for route in there["static-routes"]:
        assert by_id[route["source"]["id"]] == route["source"]
        assert by_id[route["destination"]["id"]] == route["destination"]
    taken = await house.admin.get("ipaddresses/", all="true")
    assert len({one["ip"] for one in taken}) == len(taken)
    for one in taken:
        assert ipaddress.ip_address(one["ip"]) in ipaddress.ip_network(by_id[one["subnet"]["id"]]["cidr"])
    for one in await house.admin.get("ipranges/"):
        network = ipaddress.ip_network(by_id[one["subnet"]["id"]]["cidr"])
        first, last = (ipaddress.ip_address(one[end]) for end in ("start_ip", "end_ip"))
        assert first in network
        assert last in network
        assert int(first) <= int(last)
    assert [one["is_default"] for one in await house.admin.get("domains/")].count(True) == 1
