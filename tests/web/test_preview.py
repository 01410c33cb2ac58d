"""What other ratios would do: before they are saved the same figures as the API's afterwards, and who would be over."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.kit.house import Inn
from tests.web.visitor import Visitor

GB = 10**9
PARTS = ("limit", "claimed", "others", "free", "over")
_SECTION = re.compile(r'<section class="change"[^>]*data-change="([^"]*)">(.*?)</section>', re.DOTALL)
_ROW = re.compile(r'<tr data-row="(\w+)">.*?data-when="now"><data value="(\d+)".*?data-when="then"><data value="(\d+)"')
_MACHINE = re.compile(r'<li data-machine="(\w+)"><a href="/machines/(\w+)">([^<]*)<')


def changes(page: str) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    """Resource → its figures now, and after saving."""
    found = {}
    for name, text in _SECTION.findall(page):
        rows = _ROW.findall(text)
        assert [row[0] for row in rows] == list(PARTS)
        found[html.unescape(name)] = ({row[0]: int(row[1]) for row in rows}, {row[0]: int(row[2]) for row in rows})
    return found


def over(page: str, name: str) -> list[str]:
    """The names of the machines that would be over."""
    text = next(text for which, text in _SECTION.findall(page) if which == name)
    found = _MACHINE.findall(text)
    assert all(one == two for one, two, _ in found)
    return [hostname for *_, hostname in found]


async def figures(house: Inn, id: int) -> dict[str, dict[str, int]]:
    """The API's figures of cores and memory."""
    limits = (await house.admin.get(f"vm-hosts/{id}/"))["limits"]
    return {name: {part: int(limits[name][part]) for part in PARTS} for name in ("cores", "memory")}


def path(id: int, **fields: Any) -> str:
    return f"/hosts/{id}/settings/preview?{urlencode(fields)}"


async def stocked(house: Inn) -> int:
    house.change("alpha", lambda world: world.pools.update({"default": 100 * GB, "slow": 100 * GB}))
    id = await house.add_host()
    for name in ("one", "two", "three"):
        await house.admin.compose(id, hostname=name, cores=4, memory=8192, storage="20")
    return id


@pytest.mark.parametrize("ratios", [(1.4, 2.0), (0.5, 0.25), (0.0, 10.0), (1.0, 1.0)])
async def test_it_says_what_the_api_says_after_saving(admin: Visitor, house: Inn, ratios: tuple[float, float]) -> None:
    id = await stocked(house)
    sent = {"cpu_over_commit_ratio": str(ratios[0]), "memory_over_commit_ratio": str(ratios[1])}
    before = await figures(house, id)
    page = await admin.look(path(id, **sent))
    assert (await house.admin.get(f"vm-hosts/{id}/"))["cpu_over_commit_ratio"] == 1.0  # nothing was saved
    found = changes(page)
    assert set(found) == {"cores", "memory"}
    assert {name: one[0] for name, one in found.items()} == {name: before[name] for name in found}
    await admin.send(f"/hosts/{id}/settings/overcommit", **sent)
    after = await figures(house, id)
    assert {name: one[1] for name, one in found.items()} == {name: after[name] for name in found}


async def test_it_names_who_would_be_over_the_newest_first(admin: Visitor, house: Inn) -> None:
    id = await stocked(house)
    page = await admin.look(path(id, cpu_over_commit_ratio="0.5", memory_over_commit_ratio="0.25"))
    assert over(page, "cores") == ["three"]  # 8 of 12
    assert changes(page)["cores"][1]["over"] == 4
    assert over(page, "memory") == ["three"]  # 16 of 24 GiB
    page = await admin.look(path(id, cpu_over_commit_ratio="0", memory_over_commit_ratio="1"))
    assert over(page, "cores") == ["three", "two", "one"]
    assert over(page, "memory") == []


async def test_storage_pools(admin: Visitor, house: Inn) -> None:
    id = await stocked(house)
    fields = {"ratio.default": "0.5", "ratio.slow": "3"}
    page = await admin.look(path(id, **fields))
    found = changes(page)
    assert set(found) == {"default", "slow"}
    assert over(page, "default") == ["three"]  # 40 of 60 GB
    assert found["slow"][1]["limit"] == 300 * GB
    saved = await admin.send(f"/hosts/{id}/settings/pools", **fields)
    now = changes(saved.text)
    assert {name: now[name][0] for name in found} == {name: one[1] for name, one in found.items()}
    for one in (await house.admin.get(f"vm-hosts/{id}/"))["storage_pools"]:
        said = found[one["name"]][1]
        assert (said["free"], said["claimed"] + said["others"]) == (one["available"], one["used"])


async def test_the_page_saves_what_it_showed(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    page = await admin.look(path(id, cpu_over_commit_ratio="2.5", memory_over_commit_ratio="1"))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    target = re.search(r'<form class="form" method="post" action="([^"]*)"', page)
    assert target
    await admin.send(target[1], **{name: hidden[name] for name in hidden if name.endswith("_ratio")})
    assert (await house.admin.get(f"vm-hosts/{id}/"))["cpu_over_commit_ratio"] == 2.5


async def test_what_is_wrong_is_said(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    for fields in (
        {"cpu_over_commit_ratio": "11", "memory_over_commit_ratio": "1"},
        {"cpu_over_commit_ratio": "", "memory_over_commit_ratio": "1"},
        {"cpu_over_commit_ratio": "much", "memory_over_commit_ratio": "1"},
        {"ratio.default": "11"},
    ):
        page = await admin.look(path(id, **fields), status=400)
        assert 'id="trouble"' in page
        assert changes(page) == {}
        part = await admin.look(path(id, **fields, part="1"))  # what is fetched while one types is no failure
        assert "state-bad" in part


async def test_a_part_is_only_that(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    sent = {"cpu_over_commit_ratio": "2", "memory_over_commit_ratio": "1"}
    part = await admin.look(path(id, **sent, part="1"))
    assert "<html" not in part
    assert changes(part) == changes(await admin.look(path(id, **sent)))


async def test_a_host_that_was_not_read_yet(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await house.add_host()
    assert "There is nothing to count yet" in await admin.look(path(id, cpu_over_commit_ratio="2"))
