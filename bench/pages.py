"""Pages as a person waits for them: Debian's Chromium on two cores, with nothing in its cache."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bench.fleet import until_watched
from bench.site import HOSTS, MACHINES, build
from bench.table import Figure, median_ms
from innkeeper.hypervisors.simulated_world import world
from innkeeper.model.machine import PowerState
from tests.kit.server import Server, running

ROUNDS = 5
CORES = 2
SOME_HOSTS = 200
FIRST_ROW, FIRST_LOAD = 600, 120_000  # ms, bytes
SHOWN = 1000  # ms until an open page shows what happened on a host
_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


async def measure() -> list[Figure]:
    """A site of a few hundred hosts, then a large one; the server, the browser and we share two cores."""
    with two_cores():
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
            async with site(SOME_HOSTS) as server:
                hosts = await first_rows(browser, server, "/hosts")
                loaded = await first_load(browser, server)
                shown = await shown_after(browser, server)
            async with site(HOSTS) as server:
                machines = await first_rows(browser, server, "/machines")
                searched = await first_rows(browser, server, f"/machines?q=vm{MACHINES}")
                grouped = await first_rows(browser, server, "/machines?group=host&sort=-storage&page=200")
            await browser.close()
    named = f"machines page over {MACHINES:,}"
    return [
        _figure(f"list of {SOME_HOSTS} hosts: first row", hosts),
        _figure("a change on a host: on its open page", shown, most=SHOWN),
        _figure(f"{named}: first row", machines),
        _figure(f"{named}, one searched: first row", searched),
        _figure(f"{named}, grouped, page 200: first row", grouped),
        Figure(name="first load, compressed", value=loaded / 1000, unit="kB", most=FIRST_LOAD / 1000),
    ]


@contextmanager
def two_cores() -> Iterator[None]:
    """What is started meanwhile, and we ourselves, run on two cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:CORES])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@asynccontextmanager
async def site(hosts: int) -> AsyncIterator[Server]:
    """A server of so many simulated hosts, which have all been looked at."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = Server(directory / "data", hosts=directory / "hosts", refresh_every=3600.0)
        build(server, count=hosts)
        with running(server):
            await until_watched(server, count=hosts)
            yield server


async def first_rows(browser: Browser, server: Server, path: str) -> list[float]:
    """Seconds from the visit of a list until its first row is there, in a browser that was never here before."""
    cookies, seconds = await _signed_in(browser, server), []
    for _ in range(ROUNDS):
        context = await browser.new_context(base_url=server.base, storage_state=cookies)
        page = await context.new_page()
        await page.goto("about:blank")
        begin = time.perf_counter()
        await page.goto(path, wait_until="commit")
        await page.locator("tbody tr td a").first.wait_for(state="visible")
        seconds.append(time.perf_counter() - begin)
        await context.close()
    return seconds


async def first_load(browser: Browser, server: Server) -> int:
    """Bytes that the first page of all takes over the wire, with everything that it loads."""
    context = await browser.new_context(base_url=server.base, storage_state=await _signed_in(browser, server))
    page = await context.new_page()
    answers: list[Any] = []
    page.on("requestfinished", lambda one: answers.append(one))
    await page.goto("/")
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(500)
    sizes = [await one.sizes() for one in answers if "/live" not in one.url]
    await context.close()
    return sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)


async def shown_after(browser: Browser, server: Server) -> list[float]:
    """Seconds from a change on a host, made there and not by us, until a page that was open shows it."""
    assert server.settings.simulated_hosts is not None
    file = server.settings.simulated_hosts / "host1.json"
    context = await browser.new_context(base_url=server.base, storage_state=await _signed_in(browser, server))
    page, seconds = await context.new_page(), []
    await page.goto("/machines/vm00001")
    for number in range(ROUNDS):
        await page.wait_for_timeout(1000)  # nothing of the round before is under way
        power, action = (PowerState.OFF, "instance-stopped") if number % 2 else (PowerState.ON, "instance-started")
        begin = time.perf_counter()
        with world(file) as state:
            state.instances["default/vm1"] = replace(state.instances["default/vm1"], power=power)
            state.tell(action, "default", "vm1")
        await page.locator("#power", has_text=f"power {power}").wait_for()
        seconds.append(time.perf_counter() - begin)
    await context.close()
    return seconds


async def _signed_in(browser: Browser, server: Server) -> Any:
    """The cookies of the administrator's browser."""
    context = await browser.new_context(base_url=server.base)
    page: Page = await context.new_page()
    await page.goto("/sign-in")
    await page.fill("#username", "admin")
    await page.fill("#password", "secret")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    cookies = await context.storage_state()
    await context.close()
    return cookies


def _figure(name: str, seconds: list[float], *, most: float = FIRST_ROW) -> Figure:
    shown = ", ".join(f"{one * 1000:.0f}" for one in seconds)
    return Figure(name=name, value=median_ms(seconds), unit="ms", most=most, detail=f"median of {shown}")
