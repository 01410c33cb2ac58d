"""The settings of a VM host in a browser: a slider and its box say the same, and what they would do shows meanwhile."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.kit.client import Client
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


async def stocked(site: Server, name: str) -> int:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        client = Client(http, site.key())
        made = await client.post("vm-hosts/", type="simulated", name=name, power_address=name)
        for number in range(3):
            await client.compose(int(made["id"]), hostname=f"{name}-{number}", cores=4)
        return int(made["id"])


async def test_sliding_shows_what_it_would_do_before_it_is_saved(site: Server, visit: Open) -> None:
    host = await stocked(site, "alpha")
    page = await visit()
    await page.goto(f"/hosts/{host}/settings")
    limit = page.locator('#overcommit-preview [data-change="cores"] [data-row="limit"] [data-when="then"]')
    await expect(limit).to_have_text("16")
    box, slider = page.locator("#cpu_over_commit_ratio"), page.locator("#cpu_over_commit_ratio-slider")
    await slider.focus()
    for _ in range(5):
        await page.keyboard.press("ArrowRight")
    await expect(box).to_have_value("1.5")
    await expect(limit).to_have_text("24")
    await box.fill("0.5")
    await expect(slider).to_have_value("0.5")
    await expect(limit).to_have_text("8")
    over = page.locator('#overcommit-preview [data-change="cores"] li')
    await expect(over).to_have_count(1)
    await expect(over).to_contain_text("alpha-2")
    await box.fill("99")
    await expect(page.locator("#overcommit-preview")).to_contain_text("too large")
    await box.fill("2")
    await expect(limit).to_have_text("32")
    await page.locator("#overcommit").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The settings were saved.")).to_be_visible()
    await expect(page.locator("#cpu_over_commit_ratio")).to_have_value("2")


async def test_without_javascript_a_page_shows_it(site: Server, visit: Open) -> None:
    host = await stocked(site, "bravo")
    page = await visit(java_script_enabled=False)
    await page.goto(f"/hosts/{host}/settings")
    await expect(page.locator("#cpu_over_commit_ratio-slider")).to_be_hidden()
    await page.locator("#cpu_over_commit_ratio").fill("0.5")
    await page.locator("#overcommit").get_by_role("button", name="Preview").click()
    await expect(page.locator('[data-change="cores"] [data-row="limit"] [data-when="then"]')).to_have_text("8")
    await expect(page.locator('[data-change="cores"] li')).to_contain_text("bravo-2")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The settings were saved.")).to_be_visible()
    await expect(page.locator("#cpu_over_commit_ratio")).to_have_value("0.5")
