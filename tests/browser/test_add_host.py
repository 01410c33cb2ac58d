"""Adding a VM host in a browser, from the empty list to the host: once with scripts, once without."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from innkeeper.hypervisors.simulated_world import world
from tests.browser.conftest import Open, hosts_of
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


def trusting(site: Server, name: str, value: bool) -> None:
    """Have a simulated host trust whoever comes, or nobody."""
    with world(hosts_of(site) / f"{name}.json") as state:
        state.trusting = value


async def until_trust(page: Page, name: str) -> None:
    """From the list to the step where the server has to trust us."""
    await page.goto("/hosts")
    await page.get_by_role("link", name="Add VM host").click()
    await page.get_by_label("Kind").select_option("simulated")
    await page.get_by_label("Address").fill(name)
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Next: credentials").click()
    await expect(page.get_by_label("Token", exact=True)).to_be_hidden()
    await page.get_by_text("By a trust token", exact=True).click()
    await expect(page.get_by_label("Token", exact=True)).to_be_visible()
    await page.get_by_text("By a certificate that is made here", exact=True).click()
    await page.get_by_role("button", name="Next: the server").click()
    await page.get_by_role("button", name="Yes, this is the server").click()
    await expect(page.get_by_role("status")).to_contain_text("Waiting until the server trusts")


async def to_the_end(page: Page, name: str) -> None:
    """From the project to the host."""
    await page.get_by_text("A new project", exact=True).click()
    await page.get_by_label("Its name").fill(name)
    await page.get_by_role("button", name="Next: review").click()
    await page.get_by_role("button", name="Add VM host").click()
    await page.wait_for_url("**/hosts/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def test_trust_is_found_while_the_page_is_open(site: Server, visit: Open) -> None:
    trusting(site, "alpha", False)
    page: Page = await visit(permissions=["clipboard-read", "clipboard-write"])
    await until_trust(page, "alpha")
    await page.evaluate("window.mark = 1")
    await page.get_by_role("button", name="Copy the command").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("lxc config trust add --name innkeeper - <<'EOF'\n-----BEGIN CERTIFICATE-----\n")
    assert copied.endswith("\n-----END CERTIFICATE-----\nEOF\n")
    assert await page.evaluate("window.mark") == 1
    trusting(site, "alpha", True)
    await page.wait_for_url("**/project")
    await to_the_end(page, "alpha")


async def test_without_scripts_it_works_too(site: Server, visit: Open) -> None:
    trusting(site, "bravo", False)
    page: Page = await visit(java_script_enabled=False)
    await until_trust(page, "bravo")
    trusting(site, "bravo", True)
    await page.wait_for_url("**/project")
    await to_the_end(page, "bravo")


async def test_no_step_scrolls_sideways_on_a_phone(site: Server, visit: Open) -> None:
    trusting(site, "charlie", False)
    page: Page = await visit(viewport={"width": 360, "height": 740})
    await until_trust(page, "charlie")
    at = page.url.removesuffix("/trust")
    for step in ("address", "credentials", "server", "trust"):
        await page.goto(f"{at}/{step}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, step
    await page.goto("/hosts")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
