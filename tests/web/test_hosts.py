"""The list of VM hosts as a page: narrowed down and sorted by its address, the figures those of the API."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from innkeeper.hypervisors.lxd import certificates
from innkeeper.store import hosts
from innkeeper.store.database import Write
from innkeeper.store.tables import host, storage_pool
from innkeeper.web import formats
from tests.kit.house import Inn
from tests.web.visitor import Visitor


def shown(page: str) -> list[int]:
    """The ids of the hosts on a page, in its order."""
    return [int(one) for one in re.findall(r'<tr id="host-(\d+)"', page)]


async def test_an_empty_list_teaches_the_next_step(admin: Visitor, house: Inn) -> None:
    page = await admin.look("/hosts")
    assert "There is no VM host yet" in page
    assert page.count('href="/hosts/add"') == 1
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        page = await ann.look("/hosts")
        assert 'href="/hosts/add"' not in page
        assert "An administrator can add one" in page


async def test_what_is_shown_is_what_the_api_says(admin: Visitor, house: Inn) -> None:
    ends_soon = certificates.make(name="old", now=datetime.now(UTC) - timedelta(days=3650 - 20))
    id = await house.add_host(certificate=ends_soon.certificate, key=ends_soon.key, cpu_over_commit_ratio="2.5")
    await house.admin.compose(id, cores=3, memory=5000)
    one = await house.admin.get(f"vm-hosts/{id}/")
    page = await admin.look("/hosts")
    row = re.sub(r"<[^>]+>", "", page.split(f'id="host-{id}"')[1].split("</tr>")[0])
    cores, memory = one["limits"]["cores"], one["limits"]["memory"]
    assert f"{cores['claimed']} claimed, {cores['free']} free" in row
    assert f"of {cores['limit']} = {cores['physical']} × 2.5" in row
    assert f"{formats.mib(memory['claimed'])} claimed, {formats.mib(memory['free'])} free" in row
    assert f"certificate {one['certificate_days_left']} days left" in row
    assert f"read {formats.ago(time.time())}" in row
    assert one["version"] in row
    assert '<span class="one-line state state-warn">' in page
    assert '<td class="names"><span class="long">default</span>' in page  # broken where it is too long for its column
    await house.admin.post("machines/", op="allocate")
    assert '<td class="number">1</td>' in await admin.look("/hosts")
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        assert '<td class="number">0</td>' in await ann.look("/hosts"), "those that the linked lists show"


async def test_it_is_narrowed_down_by_its_address(admin: Visitor, house: Inn) -> None:
    await house.admin.post("zones/", name="north")
    await house.admin.post("resourcepools/", name="lab")
    a = await house.add_host("alpha", zone="north", tags="ssd")
    b = await house.add_host("bravo", pool="lab", tags="ssd,gpu")
    house.change("charlie", lambda world: setattr(world, "trusting", False))
    c = await house.add_host("charlie")
    for query, wanted in (
        ("", [a, b, c]),
        ("?zone=north", [a]),
        ("?pool=lab", [b]),
        ("?tag=ssd", [a, b]),
        ("?tag=ssd&zone=north", [a]),
        ("?state=ready", [a, b]),
        ("?state=waiting+for+trust", [c]),
        ("?q=KVM+char", [c]),
        ("?sort=-name", [c, b, a]),
        ("?zone=nowhere", []),
    ):
        page = await admin.look(f"/hosts{query}")
        assert shown(page) == wanted, query
    assert "No VM host is like that." in page
    assert "Show all 3" in page
    assert f'href="/hosts/{c}/trust"' in await admin.look("/hosts")


@pytest.fixture
async def many(house: Inn) -> int:
    """200 hosts."""
    first = await house.add_host("h000")

    def copy(write: Write) -> None:
        own = {"id", "system_id", "created", "updated", "state_since"}
        row = dict(write.sql.execute(sa.select(host).where(host.c.id == first)).one()._mapping)
        pool = dict(write.sql.execute(sa.select(storage_pool)).one()._mapping)
        for number in range(1, 200):
            kept = {name: value for name, value in row.items() if name not in own}
            fresh = kept | {"name": f"h{number:03}", "fingerprint": f"{number:064}", "state": "removing"}
            id = hosts.insert(write, **fresh)
            write.sql.execute(sa.insert(storage_pool).values(**(pool | {"host_id": id})))

    house.house.services.database.transact(copy)
    return 200


async def test_200_hosts_come_page_by_page_and_quickly(admin: Visitor, many: int) -> None:
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        page = await admin.look("/hosts")
        taken.append(time.perf_counter() - begin)
    assert len(shown(page)) == 50
    assert f"1–50 of {many} VM hosts" in page
    assert sorted(taken)[2] < 0.4, taken
    assert len(shown(await admin.look("/hosts?size=200"))) == 200
    last = await admin.look("/hosts?size=25&page=8")
    assert len(shown(last)) == 25
    assert "Next" not in last
    assert "size=25&amp;page=7" in last
