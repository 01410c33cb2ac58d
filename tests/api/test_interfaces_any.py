"""Whatever is sent to the calls of NICs, in whatever order: an answer, never a failure of ours, and every address that
a link holds is taken, once."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.store.network_tables import address, link
from tests.api.wired import nic_of, wired
from tests.kit.house import Inn

ROUNDS = 250
VALUES: dict[str, list[str]] = {
    "mode": ["AUTO", "auto", "DHCP", "STATIC", "LINK_UP", "somehow", ""],
    "subnet": ["1", "2", "3", "4", "99", "10.0.0.0/24", "10.1.0.0/24", "2001:db8:1::/64", "", "x", "name:", "-1"],
    "ip_address": ["10.0.0.5", "10.1.0.5", "2001:db8:1::5", "10.0.0.1", "10.1.0.0", "fe80::1%e", "x", "", "10.0.0.256"],
    "force": ["true", "false", "", "x"],
    "default_gateway": ["true", "false", ""],
    "id": ["1", "2", "5", "9", "x", ""],
    "link_id": ["1", "2", "5", "x", ""],
    "name": ["eth0", "eth1", "root", "disk1", "x" * 16, "", "a b", "é", "lan"],
    "vlan": ["1", "2", "3", "99", "", "x", "id:1"],
    "mac_address": ["02:00:00:00:00:01", "02-00-00-00-00-02", "x", "", "00:16:3e:00:00:01"],
    "tags": ["a", "a,b", "", ",", "x" * 300],
    "tag": ["a", "", "é", "x" * 101],
}
CALLS: list[tuple[str, str | None, tuple[str, ...]]] = [
    ("GET", None, ()),
    ("PUT", None, ("name", "vlan", "mac_address", "tags")),
    *[("POST", "link_subnet", ("mode", "subnet", "ip_address", "force", "default_gateway"))] * 3,
    ("POST", "unlink_subnet", ("id",)),
    ("POST", "disconnect", ()),
    ("POST", "set_default_gateway", ("link_id",)),
    ("POST", "add_tag", ("tag",)),
    ("POST", "remove_tag", ("tag",)),
    ("POST", "create_physical", ("mac_address", "name", "vlan", "tags")),
    ("DELETE", None, ()),
]


@pytest.mark.parametrize("seed", [1, 2])
async def test_nics_bear_whatever_is_sent(house: Inn, seed: int) -> None:
    chance = random.Random(seed)
    host = await wired(house)
    made, _ = await nic_of(house, "a:name=br0;b:name=br1;c:name=bond0")
    device = await house.admin.post("devices/", hostname="lxc", mac_addresses="02:00:00:00:00:0a")
    record = (await house.admin.get(f"vm-hosts/{host}/"))["host"]
    nodes = [made["system_id"], made["system_id"], device["system_id"], device["system_id"], record["system_id"]]
    seen: set[int] = set()
    for _ in range(ROUNDS):
        many = f"nodes/{chance.choice(nodes)}/interfaces/"
        nics = await house.admin.get(many)
        method, op, names = chance.choice(CALLS)
        fields: dict[str, Any] = {name: chance.choice(VALUES[name]) for name in names if chance.random() < 0.8}
        path = many
        if op != "create_physical":
            if not nics:
                continue
            nic = chance.choice(nics)
            path = nic["resource_uri"]
            if "id" in fields and nic["links"] and chance.random() < 0.6:
                fields["id"] = chance.choice(nic["links"])["id"]
        answer = await house.admin.call(method, path, **({"op": op} if op else {}), **fields)
        assert answer.status_code < 500, (method, op, fields, answer.text)
        seen.add(answer.status_code)
        held, taken = house.house.services.database.ask(_addresses)
        assert held == taken, (method, op, fields)
    assert {200, 400, 409} <= seen


def _addresses(sql: sa.Connection) -> tuple[list[str], list[str]]:
    """What links hold, and what is taken."""
    held = sql.scalars(sa.select(link.c.ip).where(link.c.ip != "", ~link.c.learnt))
    return sorted(held), sorted(sql.scalars(sa.select(address.c.ip)))
