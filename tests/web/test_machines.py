"""The list of machines: what its address asks for is what it shows, and it is told as the API tells it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from innkeeper.api.auth import Actor
from innkeeper.web import machines as page
from innkeeper.web.machine_filters import Chosen
from tests.kit.house import Inn
from tests.web.visitor import Visitor


def names(text: str) -> list[str]:
    """The names of the machines that a page lists, in its order."""
    return re.findall(r'<td><a href="/machines/[a-z0-9]{6}">([^<]+)</a>', text)


async def composed(house: Inn, host: int, name: str, **fields: Any) -> dict[str, Any]:
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname=name, **fields)
    one: dict[str, Any] = await house.admin.get(f"machines/{made['system_id']}/")
    return one


@pytest.fixture
async def fleet(house: Inn) -> dict[str, dict[str, Any]]:
    """Two hosts, three machines: web-1 and web-2 on alpha (pool web), db-1 on bravo (zone north, tag db, on)."""
    await house.admin.post("zones/", name="north")
    await house.admin.post("resourcepools/", name="web")
    alpha, bravo = await house.add_host("alpha"), await house.add_host("bravo")
    made = {
        "web-1": await composed(house, alpha, "web-1", cores=1, memory=2048),
        "web-2": await composed(house, alpha, "web-2", cores=3, memory=1024),
        "db-1": await composed(house, bravo, "db-1", cores=2, memory=4096, storage="root:16"),
    }
    for name in ("web-1", "web-2"):
        await house.admin.put(f"machines/{made[name]['system_id']}/", pool="web")
    db = made["db-1"]["system_id"]
    await house.admin.put(f"machines/{db}/", zone="north")
    await house.admin.post("tags/", name="db")
    await house.admin.post("tags/db/", op="update_nodes", add=db)
    await house.admin.post(f"machines/{db}/", op="power_on")
    return made


async def test_there_is_none_yet(admin: Visitor, house: Inn) -> None:
    text = await admin.look("/machines")
    assert "There is no machine yet" in text
    assert "Add a VM host first" in text
    await house.add_host()
    assert 'href="/compose"' in await admin.look("/machines")


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["db-1", "web-1", "web-2"]),
        ("host=alpha", ["web-1", "web-2"]),
        ("host=alpha&host=bravo", ["db-1", "web-1", "web-2"]),
        ("pool=web", ["web-1", "web-2"]),
        ("zone=north", ["db-1"]),
        ("tag=db", ["db-1"]),
        ("tag=DB", []),
        ("power=on", ["db-1"]),
        ("power=on&pool=web", []),
        ("status=Ready", ["db-1", "web-1", "web-2"]),
        ("status=ready&status=Deployed", ["db-1", "web-1", "web-2"]),
        ("status=Deployed", []),
        ("status=nonsense", []),
        ("owner=(nobody)", ["db-1", "web-1", "web-2"]),
        ("owner=admin", []),
        ("host=elsewhere", []),
        ("q=web", ["web-1", "web-2"]),
        ("q=WEB+2", ["web-2"]),
        ("q=north", ["db-1"]),
        ("q=ready+alpha", ["web-1", "web-2"]),
        ("q=%25", []),
        ("sort=-name", ["web-2", "web-1", "db-1"]),
        ("sort=cores", ["web-1", "db-1", "web-2"]),
        ("sort=-memory", ["db-1", "web-1", "web-2"]),
        ("sort=-storage", ["db-1", "web-1", "web-2"]),
        ("sort=host", ["web-1", "web-2", "db-1"]),
        ("sort=nonsense", ["db-1", "web-1", "web-2"]),
        ("group=host", ["web-1", "web-2", "db-1"]),
        ("group=host&sort=-name", ["web-2", "web-1", "db-1"]),
        ("page=99", ["db-1", "web-1", "web-2"]),
    ],
)
async def test_the_address_says_which(admin: Visitor, query: str, found: list[str]) -> None:
    text = await admin.look(f"/machines?{query}")
    assert names(text) == found
    if not found:
        assert "No machine matches" in text


async def test_a_piece_of_an_address_or_a_mac_is_found(
    admin: Visitor, house: Inn, fleet: dict[str, dict[str, Any]]
) -> None:
    mac = fleet["web-2"]["interface_set"][0]["mac_address"]
    assert names(await admin.look(f"/machines?q={mac[9:]}")) == ["web-2"]


@pytest.mark.usefixtures("fleet")
async def test_chips_take_one_filter_away_and_keep_the_others(admin: Visitor) -> None:
    text = await admin.look("/machines?q=web&host=alpha&host=bravo&group=host&sort=-cores&page=3")
    chips = re.findall(r'class="p-chip" href="([^"]+)"', text)
    kept = [parse_qs(urlsplit(chip.replace("&amp;", "&")).query) for chip in chips]
    both, rest = ["alpha", "bravo"], {"group": ["host"], "sort": ["-cores"]}
    assert kept == [
        {"host": both, **rest},
        {"q": ["web"], "host": ["bravo"], **rest},
        {"q": ["web"], "host": ["alpha"], **rest},
    ]


async def test_what_was_not_filled_in_is_not_in_the_address(admin: Visitor, house: Inn) -> None:
    answer = await admin.http.get("/machines?q=&host=&status=Ready&group=&power=")
    assert str(answer.url).endswith("/machines?status=Ready")


@pytest.mark.usefixtures("fleet")
async def test_groups_have_names_links_and_counts(admin: Visitor) -> None:
    text = await admin.look("/machines?group=host&q=1")
    assert re.findall(r'scope="rowgroup"><a href="(/hosts/\d+)">(\w+)</a>', text) == [
        ("/hosts/1", "alpha"),
        ("/hosts/2", "bravo"),
    ]
    assert "/machines?q=1&amp;host=alpha" in text
    for group, title in (("status", "Ready"), ("pool", "web"), ("owner", "Owned by nobody")):
        assert f'scope="rowgroup">{title}' in await admin.look(f"/machines?group={group}")


async def test_a_row_says_what_the_api_says(admin: Visitor, house: Inn, fleet: dict[str, dict[str, Any]]) -> None:
    one = await house.admin.get(f"machines/{fleet['db-1']['system_id']}/")
    text = await admin.look("/machines?q=db-1")
    row = text[text.index(f'id="machine-{one["system_id"]}"') :].split("</tr>")[0]
    said = [
        one["hostname"],
        one["power_state"],
        one["status_name"],
        one["pod"]["name"],
        f"Any {one['cpu_count']}",
        f"{one['memory'] // 1024} GiB",
        one["pool"]["name"],
        one["zone"]["name"],
        *one["tag_names"],
    ]
    at = 0
    for word in said:
        assert word in row[at:], word
        at = row.index(word, at)
    assert "16 GB" in row


@pytest.mark.usefixtures("fleet")
async def test_people_who_knew_maas_find_vm_hosts(admin: Visitor) -> None:
    for word in ("KVM", "pods"):
        text = await admin.look(f"/machines?q={word}")
        assert f"Looking for “{word}”?" in text
        assert '<a href="/hosts">VM hosts</a>' in text
    assert "Looking for" not in await admin.look("/machines?q=web")


async def test_a_user_sees_their_own_and_what_nobody_has(house: Inn, fleet: dict[str, dict[str, Any]]) -> None:
    ann = house.client(username="ann")
    await house.admin.post("machines/", op="allocate", name="web-1")
    await ann.post("machines/", op="allocate", name="web-2")
    async with Visitor(house) as one:
        await one.sign_in("ann")
        text = await one.look("/machines")
        assert names(text) == ["db-1", "web-2"]
        assert "2 machines" in text
        assert '<option value="tag">' not in text
        assert '<option value="release">' in text
        assert '<option value="delete">' not in text, "others composed them"
        assert names(await one.look("/machines?owner=admin")) == []


async def test_nobody_is_offered_what_they_may_not(house: Inn, fleet: dict[str, dict[str, Any]]) -> None:
    house.client(username="ann")
    for name in fleet:
        await house.admin.post("machines/", op="allocate", name=name)
    free = await composed(house, 1, "free-1")
    async with Visitor(house) as one:
        await one.sign_in("ann")
        text = await one.look("/machines")
        assert re.findall(r'<option value="([a-z-]+)">', text[text.index('id="action"') :]) == ["deploy"]
    await house.admin.post(f"machines/{free['system_id']}/", op="lock")
    async with Visitor(house) as one:
        await one.sign_in("ann")
        assert 'id="action"' not in await one.look("/machines")


@pytest.mark.usefixtures("fleet")
async def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(house: Inn) -> None:
    who = Actor(user_id=1, username="admin", is_admin=True)
    costs: dict[str, list[int]] = {"": [], "host": []}
    with house.house.services.database.read() as sql:
        sql.execute(sa.select(1))  # a transaction begins with its first statement
        counted: list[str] = []
        sa.event.listen(sql, "after_cursor_execute", lambda *told: counted.append(told[2]))
        for words in ("db", "web", "1"):
            for group in ("", "host"):
                counted.clear()
                page._read(sql, Chosen(q=words, group=group), who)
                costs[group].append(len(counted))
    for found in costs.values():
        assert len(set(found)) == 1, costs
        assert found[0] < 25


@pytest.mark.usefixtures("fleet")
async def test_pages_are_turned(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", 2)
    text = await admin.look("/machines?page=2")
    assert names(text) == ["web-2"]
    assert "3–3 of 3 machines" in text
    assert 'href="/machines?page=1"' in text
    assert "All 3" in text
