"""Every figure of the demo fleet: what its pages show, whole and by NUMA node, is what the API says, digit by digit."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from innkeeper.demo_fleet import SHAPES, fill, prepare
from innkeeper.settings import Settings
from tests.kit.house import Inn, inn
from tests.web.figures import NAMES, PARTS, added, figures_on, of_api, text_of
from tests.web.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTS = [shape.name for shape in SHAPES]
_DATA = re.compile(r'<data value="(\d+)">([^<]*)</data>')


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The demo fleet, and the administrator who looks at it. `hosts`: as the API has them, by name."""

    house: Inn
    admin: Visitor
    hosts: dict[str, dict[str, Any]]

    async def told(self, name: str, what: str) -> Any:
        """What the native API says of a host."""
        return await self.house.admin.get(f"/api/v1/vm-hosts/{self.hosts[name]['id']}/{what}")

    async def look(self, name: str, path: str) -> str:
        """A page of a host."""
        return await self.admin.look(f"/hosts/{self.hosts[name]['id']}{path}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    directory = tmp_path_factory.mktemp("fleet")
    prepare(Settings(data=directory))
    (directory / "fleet").rename(directory / "hosts")
    async with inn(directory) as house, Visitor(house) as admin:
        for name in HOSTS:
            house.change(name, lambda world: setattr(world, "create_seconds", 0.0))
        await fill(house.app)
        # Two machines that the fleet has not: over two nodes, and in huge pages.
        ids = {one["name"]: one["id"] for one in await house.admin.get("vm-hosts/")}
        await house.admin.compose(ids["cedar"], hostname="wide", pinned_cores=[6, 7, 8, 9, 20], memory=5001)
        await house.admin.compose(ids["ginkgo"], hostname="paged", pinned_cores=[31], hugepages_backed=True)
        await admin.sign_in("admin")
        yield Fleet(house=house, admin=admin, hosts={one["name"]: one for one in await house.admin.get("vm-hosts/")})


@pytest.mark.parametrize("name", HOSTS)
async def test_the_whole_host(fleet: Fleet, name: str) -> None:
    told, pools = await fleet.told(name, "figures"), await fleet.told(name, "storage-pools")
    page = await fleet.look(name, "/resources")
    shown = figures_on(page)
    expected = {("", one): of_api(told[one]) for one in NAMES[:2] if told[one]}
    if any(node["huge_pages"] for node in (await fleet.told(name, "inventory"))["numa_nodes"]):
        expected["", "huge_pages"] = of_api(told["huge_pages"])
    assert {key: one for key, one in shown.items() if key[1] in NAMES} == expected
    for kind, pieces in (
        ("storage", [one["figure"] for one in pools if one["figure"]]),
        ("functions", [one["figure"] for one in told["virtual_functions"]]),
    ):
        assert (("", kind) in shown) == bool(pieces)
        if pieces:
            seen = shown["", kind]
            assert {part: seen[part] for part in ("claimed", "others", "limit")} == added(pieces)
            assert seen["free"] - seen["over"] == seen["limit"] - seen["claimed"] - seen["others"]
    for kind, piece in re.findall(r'data-figure="(\w+)">(.*?)</dl>', page, re.DOTALL):
        for value, text in _DATA.findall(piece):
            assert text == text_of(int(value), kind)


@pytest.mark.parametrize("name", HOSTS)
async def test_by_numa_node(fleet: Fleet, name: str) -> None:
    told = await fleet.told(name, "figures")
    page = await fleet.look(name, "/resources?numa=1")
    shown = figures_on(page)
    nodes = [str(one["id"]) for one in told["numa_nodes"]]
    assert list(dict.fromkeys(key[0] for key in shown if key[0])) == nodes
    for node in told["numa_nodes"]:
        for kind in NAMES:
            if (str(node["id"]), kind) in shown:
                assert shown[str(node["id"]), kind] == of_api(node[kind]), (node["id"], kind)
            else:
                assert kind == "huge_pages"
                assert node[kind]["limit"] == 0
    for kind in NAMES if nodes else ():
        for part in PARTS:
            assert sum(int(node[kind][part]) for node in told["numa_nodes"]) == told[kind][part], (kind, part)
    sums = {
        row: [int(one.replace(",", "")) for one in re.findall(r"[\d,]+(?=<)", cells.split("</th>")[1])]
        for row, cells in re.findall(r'<tr[^>]* data-sum="(\w+)">(.*?)</tr>', page, re.DOTALL)
    }
    if nodes:
        assert list(sums) == [*nodes, "whole"]
        # Where something is over, that is told in place of what is free.
        assert [sum(column) for column in zip(*(sums[node] for node in nodes), strict=True)] == sums["whole"]
        kinds = [kind for kind in NAMES if ("0", kind) in shown]
        for kind, three in zip(kinds, (sums["whole"][at : at + 3] for at in range(0, 9, 3)), strict=False):
            one = told[kind]
            assert three == [one["claimed"], one["others"], one["over"] or one["free"]], kind
    ports = {port["name"]: port["figure"] for port in told["virtual_functions"]}
    rows = re.findall(r'data-port="(\w+)">(.*?)</tr>', page, re.DOTALL)
    assert {port: [int(one) for one in re.findall(r">(\d+)<", cells)] for port, cells in rows} == {
        port: [one["claimed"], one["others"], one["free"]] for port, one in ports.items()
    }


@pytest.mark.parametrize("name", HOSTS)
async def test_the_core_map(fleet: Fleet, name: str) -> None:
    told, inventory = await fleet.told(name, "figures"), await fleet.told(name, "inventory")
    page = await fleet.look(name, "/resources")
    threads = [thread for node in inventory["numa_nodes"] for thread in node["threads"]]
    drawn = re.findall(r"<title>Core (\d+): (\w+)", page)
    assert [int(id) for id, _ in drawn] == [one["id"] for one in threads]
    used = [use for _, use in drawn]
    assert used.count("offline") <= sum(1 for one in threads if not one["online"])
    assert used.count("pinned") <= sum(one["pinned"] for one in told["numa_nodes"])
    if told["cores"] and not told["cores"]["over"] and told["cores"]["ratio"] == 1:
        assert used.count("free") == told["cores"]["free"]
        assert used.count("pinned") + used.count("shared") == told["cores"]["claimed"] + told["cores"]["others"]
    holders = page.partition("Who holds which core")[2]
    for machine in await fleet.house.admin.get("machines/", pod=name):
        for core in machine.get("pinned_cores") or ():
            assert f"<title>Core {core}: pinned by" in page
            assert f'href="/machines/{machine["system_id"]}">{machine["hostname"]}<' in holders


@pytest.mark.parametrize("name", HOSTS)
async def test_its_storage_pools(fleet: Fleet, name: str) -> None:
    pools = await fleet.told(name, "storage-pools")
    shown = figures_on(await fleet.look(name, "/storage"))
    assert shown == {(one["name"], "storage"): of_api(one["figure"]) for one in pools if one["figure"]}
    for one in pools:
        page = await fleet.look(name, f"/storage/{one['name']}")
        assert figures_on(page) == {key: figure for key, figure in shown.items() if key[0] == one["name"]}


async def test_the_list_of_hosts(fleet: Fleet) -> None:
    page = await fleet.admin.look("/hosts")
    assert len(re.findall(r'<tr id="host-', page)) == len(HOSTS)
    for name, one in fleet.hosts.items():
        row = page.split(f'<tr id="host-{one["id"]}"')[1].split("</tr>")[0]
        words = re.sub(r"<[^>]+>", "", row)
        assert one["state"] in words
        assert one["version"] in words
        if one["state"] != "waiting for trust":  # there the way to it stands in its place
            assert one["state_reason"] in html.unescape(words)
        assert f"{one['certificate_days_left']} days left" in words
        kinds = [kind for kind in ("cores", "memory") if one["limits"][kind]]
        assert kinds or "not known yet" in words
        for kind in kinds:
            figure = one["limits"][kind]
            others = f"{text_of(figure['others'], kind)} other use, " if figure["others"] else ""
            free = f"{text_of(figure['free'], kind)} free"
            assert f"{text_of(figure['claimed'], kind)} claimed, {others}{free}" in words, name
            assert f"of {text_of(figure['limit'], kind)}" in words
            if figure["over"]:
                assert f"over by {text_of(figure['over'], kind)}" in words
