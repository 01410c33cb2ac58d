"""Every page of the demo fleet: in both themes, for readers of the screen, on a narrow one, as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page

from innkeeper.demo_fleet import ADOPTED, COMPOSED, SHAPES
from tests.browser.conftest import Open
from tests.browser.crawl import crawl
from tests.kit.client import Client
from tests.kit.server import Server, running
from tests.kit.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
SCREENS = ROOT / "build" / "screens"
AXE = ROOT / "assets" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the demo fleet."""
    one = Server(tmp_path_factory.mktemp("fleet"), demo_fleet=True)
    one.key()
    with running(one):
        yield one


async def whole(site: Server) -> None:
    """The fleet is there: all hosts, all machines, and nothing is being done any more."""
    async with httpx2.AsyncClient(base_url=site.base, timeout=60, trust_env=False) as http:
        admin = Client(http, site.key())

        async def there() -> bool:
            machines = await admin.get("machines/", pod=[shape.name for shape in SHAPES])
            made = [one for one in machines if one["origin"] in ("adopted", "composed")]
            busy = await admin.get("/api/v1/operations", state="running")
            return len(made) == ADOPTED + COMPOSED and not busy

        await until(there, within=120, what="the demo fleet")


async def check(page: Page, path: str, theme: str) -> list[str]:
    """What is wrong with a page in a theme, for readers of the screen or on a narrow one."""
    await page.goto(path)
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    wrong = [
        f"{path} ({theme}): {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    SCREENS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "home"
    await page.screenshot(path=SCREENS / f"{name[:80]}-{theme}.png", full_page=True)
    await page.set_viewport_size({"width": 360, "height": 740})
    width = await page.evaluate("document.documentElement.scrollWidth")
    if width > 360:
        wrong.append(f"{path} ({theme}): {width} px wide on a screen of 360")
    await page.set_viewport_size({"width": 1300, "height": 900})
    return wrong


async def test_every_page_is_good_in_both_themes(site: Server, visit: Open) -> None:
    await whole(site)
    page: Page = await visit(viewport={"width": 1300, "height": 900})
    found = await crawl(page)
    assert len(found) > 10
    wrong: list[str] = []
    for theme in ("light", "dark"):
        await page.context.add_cookies([{"name": "theme", "value": theme, "url": site.base}])
        for path in found:
            wrong += await check(page, path, theme)
    assert not wrong, "\n".join(wrong)
