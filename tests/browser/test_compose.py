"""The compose pages in a browser: the map of cores, rows, one host to the next; and all of it without JavaScript."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect

from innkeeper.hypervisors.simulated_world import World, world
from innkeeper.model.host import HugePages, NumaNode, Thread
from tests.browser.conftest import Open, hosts_of
from tests.kit.client import Client
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]
MIB = 2**20


def numa(state: World) -> None:
    state.numa_nodes = [
        NumaNode(
            id=node,
            threads=tuple(Thread(id=core) for core in range(first, first + 8)),
            memory=32 * 1024 * MIB,
            huge_pages=(HugePages(page_size=2 * MIB, total=4 * 1024 * MIB),),
        )
        for node, first in ((0, 0), (1, 8))
    ]


async def added(site: Server, name: str) -> int:
    """A simulated host with two NUMA nodes."""
    with world(hosts_of(site) / f"{name}.json") as state:
        numa(state)
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        fields = {"type": "simulated", "name": name, "power_address": name}
        return int((await Client(http, site.key()).post("vm-hosts/", **fields))["id"])


async def machine(site: Server, page: Page) -> dict[str, Any]:
    """The machine that a page shows."""
    await page.wait_for_url(lambda url: "/machines/" in url)
    system_id = page.url.split("/machines/")[1].split("/")[0].split("?")[0]
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        one: dict[str, Any] = await Client(http, site.key()).get(f"machines/{system_id}/")
        return one


async def test_cores_are_picked_on_the_map(site: Server, visit: Open) -> None:
    host = await added(site, "alpha")
    page: Page = await visit()
    await page.goto(f"/hosts/{host}/compose")
    for core in (0, 1, 2, 8):
        await page.locator(f'[data-core="{core}"]').click()
    await expect(page.locator("#pinned")).to_have_value("0-2,8")
    await expect(page.get_by_label("Pinned to cores of the host")).to_be_checked()
    await page.locator('[data-core="1"]').click()
    await expect(page.locator("#pinned")).to_have_value("0,2,8")
    await page.fill("#pinned", "4-6")
    await expect(page.locator('[data-core="5"]')).to_have_attribute("aria-pressed", "true")
    await expect(page.locator('[data-core="0"]')).to_have_attribute("aria-pressed", "false")
    await page.get_by_role("button", name="Review").last.click()
    await page.get_by_role("button", name="Compose").click()
    assert (await machine(site, page))["cpu_count"] == 3


async def test_more_than_is_free_is_said_at_once(site: Server, visit: Open) -> None:
    host = await added(site, "bravo")
    page: Page = await visit()
    await page.goto(f"/hosts/{host}/compose")
    await page.fill("#cores", "17")
    await expect(page.get_by_text("Only 16 cores are free.")).to_be_visible()
    await page.fill("#cores", "16")
    await expect(page.get_by_text("Only 16 cores are free.")).to_be_hidden()
    await page.fill("#memory", "9000")
    await page.get_by_text("Back it by huge pages", exact=True).click()
    await expect(page.get_by_text("Only 8192 MiB are free.")).to_be_visible()


async def test_enter_in_a_field_goes_to_the_review_and_back_keeps_all(site: Server, visit: Open) -> None:
    host = await added(site, "charlie")
    page: Page = await visit()
    await page.goto(f"/hosts/{host}/compose")
    await page.get_by_role("button", name="Add a disk").click()
    await expect(page.locator("#disk-2-size")).to_be_visible()
    await page.fill("#disk-2-size", "12")
    await page.fill("#hostname", "web1")
    await page.locator("#hostname").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Compose web1 on charlie")
    await page.reload()
    await expect(page.get_by_text("12 GB")).to_be_visible()
    await page.get_by_role("link", name="Change").click()
    await expect(page.locator("#disk-2-size")).to_have_value("12")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Compose web1 on charlie")


@pytest.mark.parametrize("scripts", [True, False])
async def test_from_the_form_to_the_machine(site: Server, visit: Open, scripts: bool) -> None:
    name = f"delta{scripts:d}"
    host = await added(site, name)
    page: Page = await visit(java_script_enabled=scripts)
    await page.goto("/compose")
    await page.select_option("#on", str(host))
    if not scripts:
        await page.get_by_role("button", name="Change").click()
    await page.wait_for_url(lambda url: f"/hosts/{host}/compose" in url)
    await page.get_by_role("button", name="Add an interface").click()
    await page.select_option("#nic-1-network", "subnet_cidr=10.0.0.0/24")
    await page.fill("#nic-1-ip", f"10.0.0.{20 + scripts}")
    await page.get_by_role("button", name="Add a disk").click()
    await page.fill("#disk-2-size", "5")
    await page.locator("#disk-2-boot").click()
    await page.get_by_text("Pinned to cores of the host", exact=True).click()
    await page.fill("#pinned", "3,1")
    await page.get_by_role("button", name="Review").last.click()
    await expect(page.get_by_text("pinned to 1, 3")).to_be_visible()
    await page.get_by_role("button", name="Compose").click()
    one = await machine(site, page)
    assert (one["cpu_count"], one["pod"]["name"]) == (2, name)
    assert [disk["size"] for disk in one["blockdevice_set"]] == [5 * 10**9, 8 * 10**9]
    assert one["interface_set"][0]["links"][0]["ip_address"] == f"10.0.0.{20 + scripts}"


async def test_nothing_is_wider_than_a_small_screen(site: Server, visit: Open) -> None:
    host = await added(site, "echo")
    page: Page = await visit(viewport={"width": 360, "height": 700})
    for path in (f"/hosts/{host}/compose?nic-1-name=eth0&disk-2-size=8", f"/hosts/{host}/compose/review", "/compose"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
