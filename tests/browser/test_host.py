"""A VM host's pages in a browser: live, readable on a phone, and all of it without JavaScript."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import Page, expect

from innkeeper.hypervisors.simulated_world import World, world
from innkeeper.model.capacity import MIB
from innkeeper.model.host import HugePages, NumaNode, Thread
from tests.browser.conftest import Open, hosts_of
from tests.kit.client import Client
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]
GIB = 1024 * MIB
TABS = ("", "/resources", "/resources?numa=1", "/storage", "/storage/default", "/networks", "/events")


def two_nodes(state: World) -> None:
    def node(id: int, first: int) -> NumaNode:
        threads = tuple(Thread(id=first + at, core=first + at) for at in range(12))
        pages = (HugePages(page_size=2 * MIB, total=4 * GIB),)
        return NumaNode(id=id, threads=threads, memory=32 * GIB, huge_pages=pages)

    state.numa_nodes, state.cores, state.memory = [node(0, 0), node(1, 12)], 24, 64 * GIB


async def call(site: Server, method: str, path: str, **fields: object) -> dict[str, object]:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        client = Client(http, site.key())
        return dict(await getattr(client, method)(path, **fields))


async def added(site: Server, name: str) -> int:
    with world(hosts_of(site) / f"{name}.json") as state:
        two_nodes(state)
    made = await call(site, "post", "vm-hosts/", type="simulated", name=name, power_address=name)
    return int(str(made["id"]))


async def test_what_happens_shows_at_once_and_what_is_open_stays_open(site: Server, visit: Open) -> None:
    host = await added(site, "alpha")
    page: Page = await visit()
    await page.goto(f"/hosts/{host}/resources?numa=1")
    await page.evaluate("window.mark = 1")  # it is gone after a reload
    node = page.locator('[data-node="0"]')
    await node.locator("summary").first.click()
    await expect(node.locator('[data-figure="cores"] .is-claimed')).to_contain_text("0")
    await call(site, "post", f"vm-hosts/{host}/", op="compose", hostname="web1", pinned_cores=[0, 1, 2])
    await expect(node.locator('[data-figure="cores"] .is-claimed')).to_contain_text("3")
    await expect(node.locator("details").first).to_have_attribute("open", "")
    await expect(page.get_by_role("region", name="Who holds which core")).to_contain_text("web1")
    await page.goto(f"/hosts/{host}")
    await call(site, "post", f"vm-hosts/{host}/", op="compose", hostname="web2")
    await expect(page.get_by_role("region", name="VMs on alpha")).to_contain_text("web2")
    await page.goto(f"/hosts/{host}/storage/default")
    volumes = page.get_by_role("region", name="Volumes of default")
    await expect(volumes).to_contain_text("web2")
    await call(site, "post", f"vm-hosts/{host}/", op="compose", hostname="data1", storage="root:8,data:5")
    await expect(volumes.get_by_role("row").filter(has_text="data1")).to_have_count(2)
    await expect(volumes).not_to_contain_text("orphan")


async def test_nothing_is_cut_off_on_a_phone(site: Server, visit: Open) -> None:
    host = await added(site, "bravo")
    await call(site, "post", f"vm-hosts/{host}/", op="compose", hostname="web3", pinned_cores=[0, 1, 2, 13])
    page: Page = await visit(viewport={"width": 360, "height": 740})
    for path in (*TABS, "/close", "/delete"):
        await page.goto(f"/hosts/{host}{path}")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, (path, wide)


async def test_all_of_it_without_javascript(site: Server, visit: Open) -> None:
    host = await added(site, "charlie")
    page: Page = await visit(java_script_enabled=False)
    await page.goto(f"/hosts/{host}")
    await page.get_by_role("link", name="Resources").click()
    await page.get_by_role("link", name="By NUMA node").click()
    await expect(page.get_by_role("heading", name="NUMA node 1").first).to_be_visible()
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_role("status").first).to_contain_text("The host is read anew.")
    assert page.url.endswith("?numa=1")
    await page.get_by_role("link", name="Close to new machines").click()
    await page.get_by_label("Why").fill("a new fan")
    await page.get_by_role("button", name="Close to new machines").click()
    await expect(page.locator("#page")).to_contain_text("a new fan")
    await page.get_by_role("button", name="Open to new machines").click()
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Remove charlie").click()
    await expect(page.get_by_role("status").first).to_contain_text("The VM host charlie was removed.")
