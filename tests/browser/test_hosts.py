"""The list of VM hosts in a browser: what happens on a host shows at once, and a cut loses nothing."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open
from tests.kit.client import Client
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


async def composed(site: Server, host: int) -> None:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        await Client(http, site.key()).post(f"vm-hosts/{host}/", op="compose", cores=2)


async def added(site: Server, name: str) -> int:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        fields = {"type": "simulated", "name": name, "power_address": name}
        return int((await Client(http, site.key()).post("vm-hosts/", **fields))["id"])


async def test_what_happens_shows_without_a_reload(site: Server, visit: Open) -> None:
    host = await added(site, "alpha")
    page: Page = await visit()
    await page.evaluate("window.mark = 1")  # it is gone after a reload
    await expect(page.locator(f"#host-{host}")).to_contain_text("0 claimed")
    await composed(site, host)
    await expect(page.locator(f"#host-{host}")).to_contain_text("2 claimed")
    assert await page.evaluate("window.mark") == 1


async def test_what_happens_while_it_is_cut_shows_afterwards(site: Server, visit: Open) -> None:
    host = await added(site, "bravo")
    page: Page = await visit()
    await page.context.set_offline(True)
    await composed(site, host)
    await page.context.set_offline(False)
    await expect(page.locator(f"#host-{host}")).to_contain_text("2 claimed")
