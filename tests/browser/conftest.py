"""Debian's Chromium, driven as a person would: a server with simulated hosts, pages that may not complain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.kit.server import Server, running

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

# How soon a change shows is a bar of bench/pages.py; here it must show, however busy the machine is.
expect.set_options(timeout=20_000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a module; simulated hosts are files in `hosts`."""
    data = tmp_path_factory.mktemp("site")
    (data / "hosts").mkdir()
    one = Server(data, hosts=data / "hosts")
    one.key()
    with running(one):
        yield one


Open = Callable[..., Any]
CUT_OFF = "net::ERR_INTERNET_DISCONNECTED"  # said while a test has taken the browser off the network, and only then


def _complains(said: ConsoleMessage) -> bool:
    return said.type in ("error", "warning") and CUT_OFF not in said.text


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, site: Server) -> AsyncIterator[Open]:
    """A function that gives a tab of a person who is signed in. What a page complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def open_tab(username: str = "admin", **options: Any) -> Page:
        context = await chromium.new_context(base_url=site.base, **options)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda one: complaints.append(one.text) if _complains(one) else None)
        page.on("pageerror", lambda one: complaints.append(str(one)))
        page.on("request", lambda one: complaints.append(one.url) if not one.url.startswith(site.base) else None)
        await page.goto("/sign-in")
        await page.fill("#username", username)
        await page.fill("#password", "secret")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    yield open_tab
    for context in contexts:
        await context.close()
    assert complaints == []


def hosts_of(site: Server) -> Path:
    """Where the simulated hosts are."""
    directory = site.settings.simulated_hosts
    assert directory is not None
    return directory
