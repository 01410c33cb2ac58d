"""A machine in a browser: what happens to it shows at once, and its console is typed into."""

from __future__ import annotations

import asyncio
import re

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.browser.conftest import Open, hosts_of
from tests.kit.client import Client
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


class By:
    """What somebody else does meanwhile, by the API."""

    def __init__(self, site: Server) -> None:
        self.site = site

    async def post(self, path: str, **fields: object) -> dict[str, object]:
        async with httpx2.AsyncClient(base_url=self.site.base, timeout=30, trust_env=False) as http:
            made: dict[str, object] = await Client(http, self.site.key()).post(path, **fields)
            return made

    async def machine(self, host: str, name: str) -> str:
        """A machine on a host of its own; its system_id."""
        made = await self.post("vm-hosts/", type="simulated", name=host, power_address=host)
        return str((await self.post(f"vm-hosts/{made['id']}/", op="compose", hostname=name))["system_id"])


async def test_what_happens_shows_without_a_reload(site: Server, visit: Open) -> None:
    by = By(site)
    id = await by.machine("alpha", "web")
    page: Page = await visit()
    await page.goto(f"/machines/{id}")
    await page.evaluate("window.mark = 1")  # it is gone after a reload
    await expect(page.locator("#power")).to_have_text("power off")
    await by.post(f"machines/{id}/", op="power_on")
    await expect(page.locator("#power")).to_have_text("power on")
    await expect(page.get_by_role("link", name="Power off")).to_be_visible()
    assert await page.evaluate("window.mark") == 1


async def test_steps_as_they_happen(site: Server, visit: Open) -> None:
    by = By(site)
    id = await by.machine("bravo", "db")
    with world(hosts_of(site) / "bravo.json") as state:
        state.faults.append(Fault(call="start", kind="delay", seconds=3.0))
    page: Page = await visit()
    await page.goto(f"/machines/{id}")
    await page.get_by_role("link", name="Power on").click()
    await page.get_by_role("button", name="Power on").click()
    await expect(page.locator(".work .step-now")).to_have_count(1)
    await expect(page.locator(".work")).to_have_count(0)
    await expect(page.locator("#power")).to_have_text("power on")


async def test_the_console_shows_and_takes_letters(site: Server, visit: Open) -> None:
    by = By(site)
    id = await by.machine("charlie", "cache")
    await by.post(f"machines/{id}/", op="power_on")
    page: Page = await visit()
    await page.goto(f"/machines/{id}/console")
    await expect(page.locator("#console-words")).to_contain_text("This is the console of cache")
    with world(hosts_of(site) / "charlie.json") as state:
        state.printed["default/cache"] = "\x1b[1;31mboot\x1b[0m \x1b[38;2;1;200;3mtext\x1b[0m\r\n"
    await expect(page.locator("#console .xterm-accessibility")).to_contain_text("boot text")
    rows = page.locator("#console .xterm-rows > div")
    assert (await rows.first.bounding_box() or {}).get("height", 0) > 10  # its rules reached it, and its colours too
    await expect(rows.get_by_text("boot", exact=True)).to_have_css("font-weight", "700")
    await expect(rows.get_by_text("text", exact=True)).to_have_css("color", "rgb(1, 200, 3)")
    await page.keyboard.type("root\r")
    await expect(page.locator("#console .xterm-accessibility")).to_contain_text("root")
    await page.keyboard.press("Control+]")
    await expect(page.locator(".tabs a[aria-current]")).to_be_focused()
    # What happens to the machine shows above, and the console stays what it is.
    await page.evaluate("document.querySelector('.xterm').mark = 1")
    await by.post(f"machines/{id}/", op="power_off", stop_mode="hard")
    await expect(page.locator("#power")).to_have_text("power off")
    await expect(page.locator("#console-words")).to_contain_text(re.compile("ended|is off"))
    assert await page.evaluate("document.querySelector('.xterm').mark") == 1


async def test_the_console_comes_back_with_the_server(site: Server, visit: Open, chromium: Browser) -> None:
    by = By(site)
    id = await by.machine("echo", "queue")
    await by.post(f"machines/{id}/", op="power_on")
    first = await visit()
    signed_in = await first.context.storage_state()
    await first.close()
    context = await chromium.new_context(
        base_url=site.base, storage_state=signed_in
    )  # it may complain: the server goes
    page = await context.new_page()
    await page.goto(f"/machines/{id}/console")
    words = page.locator("#console-words")
    await expect(words).to_contain_text("This is the console of queue")
    await asyncio.to_thread(site.stop)
    await expect(words).to_contain_text("It is tried again")
    await asyncio.to_thread(site.start)
    await expect(words).to_contain_text("This is the console of queue")
    await page.keyboard.type("here")
    await expect(page.locator("#console .xterm-accessibility")).to_contain_text("here")
    await context.close()


async def test_without_javascript_all_but_the_live_console_works(site: Server, visit: Open) -> None:
    by = By(site)
    id = await by.machine("delta", "mail")
    page: Page = await visit(java_script_enabled=False)
    await page.goto(f"/machines/{id}")
    await page.get_by_role("link", name="Lock").click()
    await page.get_by_role("button", name="Lock").click()
    await expect(page.locator(".page-head")).to_contain_text("locked")
    for tab in ("Network", "Storage", "Events", "Console"):
        await page.get_by_role("link", name=tab, exact=True).last.click()
        await expect(page.locator(".tabs a[aria-current]")).to_have_text(tab)
    await expect(page.locator("#console-island noscript p")).to_contain_text("needs JavaScript")
    await expect(page.locator("#console-island noscript p")).to_be_visible()
    await expect(page.locator("#console-frame")).to_be_hidden()
