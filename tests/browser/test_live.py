"""Open pages: what happens shows, however often the line is cut; who leaves the page and comes back sees the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Open
from tests.kit.client import Client
from tests.kit.line import Line
from tests.kit.server import Server
from tests.kit.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]
CUTS = 100


@pytest_asyncio.fixture(loop_scope="session")
async def admin(site: Server) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        yield Client(http, site.key())


async def zone(admin: Client, name: str) -> dict[str, Any]:
    return dict(await admin.post("zones/", name=name, description="step 0"))


async def test_a_page_shows_the_last_state_after_a_hundred_cuts(site: Server, chromium: Browser, admin: Client) -> None:
    """Four tabs: each change is made while their lines are open, cut, or coming again."""
    await zone(admin, "attic")
    async with Line(site.port) as line:
        context = await chromium.new_context(base_url=line.base)
        tabs = [await context.new_page() for _ in range(4)]
        await tabs[0].goto("/sign-in")
        await tabs[0].fill("#username", "admin")
        await tabs[0].fill("#password", "secret")
        await tabs[0].get_by_role("button", name="Sign in").click()
        await tabs[0].wait_for_url("**/hosts")
        for tab in tabs:
            await tab.goto("/zones")
            await tab.evaluate("window.mark = 1")  # it is gone after a reload
        number = 0

        async def open_again() -> bool:
            return line.streams == len(tabs)

        while line.cuts < CUTS:
            await until(open_again, within=30, what="the tabs listen")
            for _ in range(3):  # before the cut, at it, after it
                number += 1
                await admin.put("zones/attic/", description=f"step {number}")
                line.cut()
        for tab in tabs:
            await expect(tab.locator("#page")).to_contain_text(f"step {number}")
            assert await tab.evaluate("window.mark") == 1
        await context.close()


async def test_a_page_that_nobody_sees_holds_no_line(site: Server, visit: Open, admin: Client) -> None:
    await zone(admin, "loft")
    page: Page = await visit()
    await page.goto("/zones")
    await _seen(page, False)
    await admin.put("zones/loft/", description="while nobody looked")
    await page.wait_for_timeout(1500)
    assert "while nobody looked" not in await page.locator("#page").inner_text()
    await _seen(page, True)
    await expect(page.locator("#page")).to_contain_text("while nobody looked")


async def _seen(page: Page, seen: bool) -> None:
    """Have the page think that it is seen, or is not: a browser without a screen shows all its tabs."""
    await page.evaluate(
        """seen => {
          Object.defineProperty(document, "hidden", { value: !seen, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        seen,
    )


async def test_a_visit_that_fails_is_made_again(site: Server, visit: Open, admin: Client) -> None:
    """The event came through, the page did not: without another event it is asked for again."""
    await zone(admin, "shed")
    page: Page = await visit()
    await page.goto("/zones")
    failed: list[str] = []

    async def refuse(route: Any) -> None:
        if len(failed) < 2 and route.request.headers.get("hx-request"):
            failed.append(route.request.url)
            await route.fulfill(status=200, body="")  # as of a proxy that has lost the server
        else:
            await route.continue_()

    await page.route("**/zones", refuse)
    await admin.put("zones/shed/", description="at the third attempt")
    await expect(page.locator("#page")).to_contain_text("at the third attempt")
    assert len(failed) == 2


@pytest.mark.parametrize("changed", [True, False])
async def test_who_is_signed_out_elsewhere_is_led_to_the_sign_in(
    site: Server, visit: Open, admin: Client, changed: bool
) -> None:
    """Whether something is told then, or the page was not seen meanwhile and its stream is refused afterwards."""
    await zone(admin, f"barn-{changed}")
    page: Page = await visit()
    await page.goto("/zones")
    await _seen(page, changed)
    other = await page.context.new_page()
    await other.goto("/zones")
    await other.get_by_role("button", name="Sign out").click()
    await other.close()
    if changed:
        await admin.put(f"zones/barn-{changed}/", description="changed")
    else:
        await _seen(page, True)
    await page.wait_for_url("**/sign-in?next=/zones")


async def test_a_stream_that_is_refused_is_asked_for_again(site: Server, visit: Open, admin: Client) -> None:
    """As by a proxy that has lost the server for a moment; the page shows what happened meanwhile, and goes on."""
    await zone(admin, "stall")
    page: Page = await visit()
    refused: list[str] = []

    async def refuse(route: Any) -> None:
        refused.append(route.request.url)
        await route.fulfill(status=204)

    await page.route("**/live?*", refuse)
    await page.goto("/zones")
    await admin.put("zones/stall/", description="while it was refused")
    await expect(page.locator("#page")).to_contain_text("while it was refused")
    await page.unroute("**/live?*", refuse)
    await page.evaluate("window.mark = 1")
    await admin.put("zones/stall/", description="and afterwards")
    await expect(page.locator("#page")).to_contain_text("and afterwards")
    assert await page.evaluate("window.mark") == 1
    assert refused
