"""The list of machines in a browser: filters by choosing, ticks that outlive what happens, a bulk action to its end."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect

from innkeeper.hypervisors.simulated_world import world
from innkeeper.model.machine import PowerState
from tests.api.facts import vm
from tests.browser.conftest import Open, hosts_of
from tests.kit.client import Client
from tests.kit.server import Server
from tests.kit.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


async def called(site: Server, method: str, path: str, **fields: object) -> dict[str, Any]:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        client = Client(http, site.key())
        made: dict[str, Any] = await (client.post if method == "POST" else client.get)(path, **fields)
        return made


async def fleet(site: Server, name: str, count: int) -> list[str]:
    """Machines NAME-1 … on a host of that name, by their system_ids."""
    host = (await called(site, "POST", "vm-hosts/", type="simulated", name=name, power_address=name))["id"]
    made = []
    for number in range(1, count + 1):
        one = await called(site, "POST", f"vm-hosts/{host}/", op="compose", hostname=f"{name}-{number}")
        made.append(one["system_id"])
    return made


async def test_a_filter_is_set_by_choosing_and_taken_away_by_its_chip(site: Server, visit: Open) -> None:
    await fleet(site, "alpha", 2)
    page: Page = await visit()
    await page.goto("/machines")
    await page.locator("summary").click()
    await page.select_option("#filter-power", "on")
    await page.wait_for_url("**/machines?power=on")
    await expect(page.get_by_text("No machine matches")).to_be_visible()
    await page.get_by_role("link", name="take this filter away").click()
    await page.wait_for_url("**/machines")
    await page.goto("/machines?group=host")
    await expect(page.locator("tr.group").first).to_contain_text("alpha")
    await page.go_back()
    await expect(page.locator("tr.group")).to_have_count(0)


async def test_ticks_stay_when_something_happens(site: Server, visit: Open) -> None:
    ids = await fleet(site, "bravo", 2)
    page: Page = await visit()
    await page.goto("/machines?q=bravo-")
    box = page.locator(f'input[value="{ids[0]}"]')
    await page.locator(
        f"#machine-{ids[0]} .pick"
    ).click()  # where a person clicks: the box itself is drawn by its label
    await expect(page.locator("[data-ticked]")).to_have_text("1 ticked")
    head = page.locator("[data-all]")
    assert await head.evaluate("head => head.indeterminate")
    await called(site, "POST", f"machines/{ids[1]}/", op="power_on")
    await expect(page.locator(f"#machine-{ids[1]}")).to_contain_text("on")
    await expect(box).to_be_checked()
    await expect(page.locator("[data-ticked]")).to_have_text("1 ticked")


async def test_what_others_do_on_a_host_shows_within_a_second(site: Server, visit: Open) -> None:
    (id,) = await fleet(site, "golf", 1)
    host = (await called(site, "GET", f"machines/{id}/"))["pod"]["id"]
    page: Page = await visit()
    await page.goto("/machines?host=golf&q=theirs")
    await page.evaluate("window.mark = 1")  # it is gone after a reload
    await expect(page.get_by_text("No machine matches")).to_be_visible()

    async def hears() -> bool:
        return bool((await called(site, "GET", f"vm-hosts/{host}/"))["live_events"])

    await until(hears)
    with world(hosts_of(site) / "golf.json") as state:
        state.instances["default/theirs"] = vm("theirs")
        state.tell("instance-created", "default", "theirs")
    row = page.locator("tbody tr", has=page.get_by_role("link", name="theirs"))
    await expect(row).to_contain_text("Deployed")
    await expect(row).to_contain_text("locked")  # nothing is done with what was not made here
    with world(hosts_of(site) / "golf.json") as state:
        state.instances["default/theirs"] = vm("theirs", power=PowerState.OFF)
        state.tell("instance-stopped", "default", "theirs")
    await expect(row.locator(".state").first).to_have_text("off")
    assert await page.evaluate("window.mark") == 1


async def test_many_are_powered_on_and_each_result_shows_as_it_comes(site: Server, visit: Open) -> None:
    ids = await fleet(site, "charlie", 3)
    page: Page = await visit()
    await page.goto("/machines?q=charlie-")
    await page.locator(".pick", has=page.locator("[data-all]")).click()
    await expect(page.locator("[data-ticked]")).to_have_text("3 ticked")
    await page.select_option("#action", "power-on")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="It can be done with 3 machines")).to_be_visible()
    await expect(page.locator("[data-all]")).to_be_checked()
    await page.get_by_role("button", name="Power on").click()
    await page.wait_for_url("**/machines/bulk/*")
    for id in ids:
        await expect(page.locator(f"#result-{id}")).to_contain_text("done")
    await page.reload()
    await expect(page.locator("ul.tally")).to_have_text("3 done")


async def test_all_of_it_works_without_javascript(site: Server, visit: Open) -> None:
    ids = await fleet(site, "delta", 2)
    page: Page = await visit(java_script_enabled=False)
    await page.goto("/machines")
    await page.fill("#q", "delta-")
    await page.get_by_role("button", name="Search").click()
    for id in ids:
        await page.locator(f"#machine-{id} .pick").click()
    await page.select_option("#action", "delete")
    await page.get_by_role("button", name="Continue").click()
    await page.fill("#typed", "2")
    await page.get_by_role("button", name="Delete").click()
    for id in ids:
        for _ in range(50):
            if "done" in await page.locator(f"#result-{id}").inner_text():
                break
            await page.reload()
        await expect(page.locator(f"#result-{id}")).to_contain_text("gone")


async def test_nothing_goes_sideways_on_a_telephone(site: Server, visit: Open) -> None:
    ids = await fleet(site, "echo", 2)
    page: Page = await visit(viewport={"width": 360, "height": 740})
    picked = "&".join(f"machine={id}" for id in ids)
    for path in ("/machines", "/machines?host=echo&group=status", f"/machines/bulk?action=deploy&{picked}"):
        await page.goto(path)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
