"""Every page of the demo fleet: in both themes, for readers of the screen, on a narrow one, as a picture."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize

from innkeeper.demo_fleet import ADOPTED, COMPOSED, SHAPES
from innkeeper.web.pages import PLACES
from tests.browser import every_figure
from tests.browser.conftest import Open
from tests.browser.crawl import Crawl, crawl, routes
from tests.browser.furnish import MINE, USER, furnish
from tests.kit.client import Client
from tests.kit.server import Server, running
from tests.kit.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
SCREENS = ROOT / "build" / "screens"
AXE = (ROOT / "assets" / "node_modules" / "axe-core" / "axe.min.js").read_text()
WIDE, NARROW = ViewportSize(width=1300, height=900), ViewportSize(width=360, height=740)

# What can be got, but is no page that is looked at.
NO_PAGES = {
    "/MAAS": "leads to the VM hosts",
    "/MAAS/": "leads to the VM hosts",
    "/MAAS/r": "leads where they all begin: tests/web/test_old_addresses.py",
    "/MAAS/r/{rest:path}": "MAAS's own addresses: tests/web/test_old_addresses.py",
    "/hosts/add/{id:int}": "leads to the step that is next",
    "/hosts/{id:int}/settings/certificate": "leads into the settings",
    "/hosts/{id:int}/settings/{group}": "leads into the settings",
    "/sign-in": "below, for nobody is signed in there",
    "/first-run": "below, for it is there once",
    "/hosts/add/{id:int}/trust/certificate": "a file",
    "/machines/{system_id}/console.txt": "a file",
    "/hosts/add/{id:int}/trust/live": "a stream of events",
    "/live": "a stream of events",
}
_SHOW = """dark => {
  document.documentElement.classList.toggle("is-dark", dark);
  for (const one of document.getAnimations()) one.finish(); // colours that pass into one another
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the demo fleet."""
    one = Server(tmp_path_factory.mktemp("fleet"), demo_fleet=True, compose_wait=5.0)
    one.key()
    with running(one):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(site: Server) -> list[str]:
    """The fleet is there, nothing is being done any more, and there is one of everything else: pages of it."""
    async with httpx2.AsyncClient(base_url=site.base, timeout=60, trust_env=False) as http:
        admin = Client(http, site.key())

        async def there() -> bool:
            machines = await admin.get("machines/", pod=[shape.name for shape in SHAPES])
            made = [one for one in machines if one["origin"] in ("adopted", "composed")]
            return len(made) == ADOPTED + COMPOSED and not await admin.get("/api/v1/operations", open_only=True)

        await until(there, within=120, what="the demo fleet")
    return await furnish(site)


@dataclass
class Looks:
    """How a page looks to everybody: what is wrong is noted. `pictures`: where its pictures go."""

    page: Page
    pictures: Path | None = None
    wrong: list[str] = field(default_factory=list)

    async def look(self, path: str) -> None:
        """At the page that is open, in both themes and on a narrow screen."""
        await self.page.evaluate(AXE)
        await self._theme(path, "light", {"resultTypes": ["violations"]})
        await self.page.set_viewport_size(NARROW)
        width = await self.page.evaluate("document.documentElement.scrollWidth")
        if width > NARROW["width"]:
            self.wrong.append(f"{path}: {width} px wide on a screen of {NARROW['width']}")
        await self.page.set_viewport_size(WIDE)
        await self._theme(path, "dark", {"runOnly": ["color-contrast"]})

    async def _theme(self, path: str, theme: str, rules: dict[str, Any]) -> None:
        """A theme is a class of the page, as assets/js/theme.js sets it: colours, and nothing else."""
        await self.page.evaluate(_SHOW, theme == "dark")
        found = await self.page.evaluate("rules => axe.run(rules)", rules)
        self.wrong += [
            f"{path} ({theme}): {one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        if self.pictures:
            name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")
            await self.page.screenshot(path=self.pictures / f"{name[:80]}-{theme}.png", full_page=True)


async def unanswered(page: Page, found: Crawl) -> list[str]:
    """Links that do not answer, of those that were not followed because enough pages of their kind were seen."""
    cookies = {str(one["name"]): str(one["value"]) for one in await page.context.cookies()}
    base = f"http://{urlsplit(page.url).netloc}"
    left = [one for one in found.links if one not in found.pages and one not in found.moved]
    async with httpx2.AsyncClient(
        base_url=base, cookies=cookies, timeout=60, trust_env=False, follow_redirects=True
    ) as http:
        answers = [(path, (await http.get(path)).status_code) for path in left]
    return [f"{path}, to which {found.links[path]} leads: {status}" for path, status in answers if status != 200]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Hosts and machines that show what others do not, as addresses; the first of each is looked at closer."""

    hosts: list[str]
    machines: list[str]


async def chosen(site: Server) -> Chosen:
    """Huge pages and virtual functions, eight NUMA nodes, over its limits, not trusting, away; a ready machine, one
    with two disks or a pinned core, a user's own."""
    async with httpx2.AsyncClient(base_url=site.base, timeout=60, trust_env=False) as http:
        admin = Client(http, site.key())
        hosts = {one["name"]: one["id"] for one in await admin.get("vm-hosts/")}
        machines = {one["hostname"]: one["system_id"] for one in await admin.get("machines/")}
    return Chosen(
        hosts=[f"/hosts/{hosts[name]}" for name in ("ginkgo", "larch", "elm", "willow", "yew")],
        machines=[f"/machines/{machines[name]}" for name in ("inn-1", "inn-5", MINE)],
    )


async def test_every_page_for_an_administrator(site: Server, furnished: list[str], visit: Open) -> None:
    page: Page = await visit(viewport=WIDE)
    shutil.rmtree(SCREENS, ignore_errors=True)
    SCREENS.mkdir(parents=True)
    looks, some = Looks(page, SCREENS), await chosen(site)
    starts = [
        *(place.path for place in PLACES),
        *some.hosts,
        *some.machines,
        *furnished,
        f"{some.hosts[1]}/resources?numa=1",
        f"{some.hosts[0]}/settings/preview?cpu_over_commit_ratio=2&memory_over_commit_ratio=1.5",
        f"{some.hosts[0]}/compose/review?cores=2&memory=2048",
        "/compose/review?cores=2&memory=2048",
        f"/machines/bulk?action=deploy&machine={some.machines[0].rpartition('/')[2]}",
        "/search?q=inn",
    ]
    found = await crawl(page, starts, looks.look)
    wrong = [*found.wrong, *looks.wrong, *await unanswered(page, found)]
    assert not wrong, "\n".join(wrong)
    assert set(routes()) - found.routes == set(NO_PAGES)


async def test_every_page_for_a_user(site: Server, furnished: list[str], visit: Open) -> None:
    page: Page = await visit(USER, viewport=WIDE)
    looks, some = Looks(page), await chosen(site)
    places = [place.path for place in PLACES if not place.admin]
    found = await crawl(page, [*places, some.machines[-1]], looks.look)
    wrong = [*found.wrong, *looks.wrong, *await unanswered(page, found)]
    assert not wrong, "\n".join(wrong)
    own = {"/machines/{system_id}/deploy", "/machines/{system_id}/console", "/account/keys"}
    assert own | {"/hosts/{id:int}"} <= found.routes
    assert not {"/hosts/add", "/users", "/hosts/{id:int}/settings", "/hosts/{id:int}/delete"} & found.routes


async def test_every_figure_is_what_the_api_says(site: Server, furnished: list[str], visit: Open) -> None:
    """In every list and on the pages of every host, whole and by NUMA node."""
    page: Page = await visit(viewport=WIDE)
    async with httpx2.AsyncClient(base_url=site.base, timeout=60, trust_env=False) as http:
        wrong = await every_figure.walk(page, Client(http, site.key()), pressed="ginkgo")
    assert not wrong, "\n".join(wrong)


# What one can read and press on a page; not what only scripts can do, nor what stands in for it.
_SAID = """() => {
  const found = [], all = document.createTreeWalker(document.getElementById("main"), NodeFilter.SHOW_TEXT);
  while (all.nextNode()) {
    const at = all.currentNode.parentElement, text = all.currentNode.textContent.replace(/\\s+/g, " ").trim();
    if (text && at.checkVisibility() && !at.closest("noscript, .needs-script, select")) found.push(text);
  }
  for (const one of document.querySelectorAll("#main :is(a[href], input, select, textarea, button)"))
    if (one.checkVisibility() && !one.closest("noscript, .needs-script"))
      found.push(`${one.localName} ${one.name ?? ""} ${one.getAttribute("href") ?? one.textContent.trim()}`);
  return found;
}"""
_WHEN = re.compile(r"\b\d+ (s|min|h|seconds?|minutes?)( ago)?\b|just now|now|\b[0-9a-f]{32}\b")


async def test_all_of_it_without_scripts(site: Server, furnished: list[str], chromium: Browser, visit: Open) -> None:
    """Every page says the same, leads to the same and has the same fields and buttons."""
    some = await chosen(site)
    tabs = ("resources", "resources?numa=1", "storage", "networks", "events", "settings", "settings/preview", "compose")
    parts = ("network", "storage", "events", "edit", "delete")
    forms = ("/compose", "/hosts/add", "/zones/new", "/users/new", "/images/upload", "/images/sources", "/search?q=inn")
    paths = [
        *(place.path for place in PLACES),
        *some.hosts,
        *some.machines,
        *(f"{some.hosts[0]}/{tab}" for tab in tabs),
        *(f"{some.machines[0]}/{part}" for part in parts),
        *forms,
        *("/account", "/account/keys", "/account/ssh-keys", "/account/password"),
    ]
    said: list[dict[str, list[str]]] = []
    first: Page = await visit(viewport=WIDE)
    same = await first.context.storage_state()
    other = await chromium.new_context(base_url=site.base, storage_state=same, viewport=WIDE, java_script_enabled=False)
    for page in (first, await other.new_page()):
        said.append({})
        for path in paths:
            await page.goto(path)
            said[-1][path] = [_WHEN.sub("", one) for one in await page.evaluate(_SAID)]
    await other.close()
    with_scripts, without = said
    differ = [(path, *unified_diff(with_scripts[path], without[path], n=0, lineterm="")) for path in paths]
    assert [one for one in differ if len(one) > 1] == []


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has used yet."""
    one = Server(tmp_path / "empty", first_admin=False)
    one.data.mkdir()
    with running(one):
        yield one


async def test_pages_before_somebody_is_signed_in(site: Server, empty: Server, chromium: Browser) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    for base, path in ((site.base, "/sign-in"), (empty.base, "/first-run")):
        context = await chromium.new_context(base_url=base, viewport=WIDE)
        page = await context.new_page()
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200
        assert page.url.endswith(path)
        looks = Looks(page, SCREENS)
        await looks.look(path)
        assert not looks.wrong, "\n".join(looks.wrong)
        await context.close()
