"""Machines of a large site: the whole list goes out in pieces and is what a short one is; pages go on."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.api.maas.lookups import FEW
from innkeeper.model.machine import Machine
from innkeeper.model.network import LinkMode
from innkeeper.store import machine_stream, machines
from innkeeper.store.database import Write
from innkeeper.store.machines import Filter
from innkeeper.store.network_tables import link
from innkeeper.store.tables import interface, machine
from tests.api.test_lists import fill
from tests.kit.house import Inn, inn

FILTERS = [
    Filter(),
    Filter(hostnames=("vm-n3", "vm-n5")),
    Filter(host_ids=(2,)),
    Filter(tags=("odd",)),
    Filter(not_tags=("odd",)),
    Filter(seen_by=1),
    Filter(after=3, limit=2),
    Filter(nothing=True),
]


def furnish(write: Write, many: int) -> None:
    """Hosts with machines, every second of them tagged and every third NIC linked."""
    for number in range(many):
        fill(write, number)
    write.sql.execute(sa.update(machine).where(machine.c.id % 2 == 1).values(tags_json='["odd"]'))
    for id in write.sql.scalars(sa.select(interface.c.id).where(interface.c.id % 3 == 0)).all():
        for mode in (LinkMode.LINK_UP, LinkMode.DHCP):
            row: dict[str, Any] = {"interface_id": id, "mode": mode, "ip": "", "learnt": False, "gateway": False}
            write.sql.execute(sa.insert(link).values(**row))


@pytest.mark.parametrize("which", FILTERS, ids=str)
async def test_a_stream_is_the_list(tmp_path: Path, which: Filter) -> None:
    async with inn(tmp_path) as house:
        database = house.house.services.database
        database.transact(furnish, 7)
        listed = database.ask(machines.listing, which)
        assert database.ask(lambda sql: list(machine_stream.stream(sql, which))) == listed
        assert bool(listed) == (not which.nothing)
        for one in listed:
            assert vars(one).keys() == {each.name for each in fields(Machine)}


def crowd(write: Write, many: int) -> None:
    """Many machines like the first one, without disks and NICs."""
    (pattern,) = write.sql.execute(sa.select(machine).limit(1)).mappings()
    rows = [dict(pattern) | {"id": n, "system_id": f"c{n}", "hostname": f"c{n}"} for n in range(1000, 1000 + many)]
    write.sql.execute(sa.insert(machine), rows)


async def test_a_long_list_goes_out_in_pieces_and_is_whole(tmp_path: Path) -> None:
    async with inn(tmp_path) as house:
        database = house.house.services.database
        database.transact(furnish, 3)
        small = await house.admin.get("machines/")
        database.transact(crowd, FEW)
        whole = await house.admin.call("GET", "machines/")
        assert whole.headers["content-type"] == "application/json; charset=utf-8"
        assert int(whole.headers["content-length"]) == len(whole.content)
        assert [one["system_id"] for one in whole.json()] == [*(one["system_id"] for one in small)] + [
            f"c{number}" for number in range(1000, 1000 + FEW)
        ]
        assert whole.json()[: len(small)] == small
        head = await house.admin.call("HEAD", "machines/")
        assert (head.status_code, head.content, head.headers["content-length"]) == (
            200,
            b"",
            whole.headers["content-length"],
        )


async def test_pages_follow_one_another(house: Inn) -> None:
    house.house.services.database.transact(furnish, 5)
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        body = await house.admin.get("/api/v1/machines", after=after, limit=2)
        assert len(body["machines"]) <= 2
        seen += [one["system_id"] for one in body["machines"]]
        after = body["next"]
    listed = await house.admin.get("machines/")
    assert seen == [one["system_id"] for one in listed]
    (first, *_) = (await house.admin.get("/api/v1/machines", limit=1))["machines"]
    assert first == listed[0]
    of_host = await house.admin.get("/api/v1/machines", host_id=listed[1]["pod"]["id"])
    assert [one["system_id"] for one in of_host["machines"]] == [listed[1]["system_id"]]
    bad = await house.admin.call("GET", "/api/v1/machines", limit=0)
    assert bad.status_code in (400, 422)


async def test_others_machines_are_on_nobodys_page(house: Inn) -> None:
    house.house.services.database.transact(furnish, 2)  # they belong to the first user
    other = house.client(username="other")
    assert (await other.get("/api/v1/machines")) == {"machines": [], "next": None}
