"""Every page that links lead to: one of each route of the app, whatever ids it is of, and a few of its views."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from playwright.async_api import Page
from starlette.routing import compile_path

from innkeeper.web.router import add_pages

VIEWS = 3  # of a route with values in its query: sorted, filtered, by NUMA node …
_BY_NAME = ("/machines/{system_id}/{name}", "/hosts/{id:int}/settings/{group}")  # each name is a page of its own
_LEAVES = ("/static/", "/api/", "/MAAS/")


@cache
def routes() -> dict[str, re.Pattern[str]]:
    """All that can be got as a page, in the order in which the app looks for one."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_pages(app)
    paths = [str(one.path) for one in iter_route_contexts(app.routes) if "GET" in (one.methods or ())]
    return {one: compile_path(one)[0] for one in paths}


def route_of(address: str) -> str:
    """The route that answers an address."""
    path = urlsplit(address).path
    found = next((route for route, pattern in routes().items() if pattern.match(path)), None)
    assert found, f"no page answers {address}"
    return found


def _page_of(address: str) -> str:
    """Pages that differ in their ids only are one."""
    route = route_of(address)
    if route in _BY_NAME:
        return route.rpartition("/")[0] + "/" + urlsplit(address).path.rpartition("/")[2]
    return route


def _view_of(address: str) -> str:
    """Addresses of a page that differ in the values of their query only are one view of it."""
    names = sorted({pair.split("=")[0] for pair in urlsplit(address).query.split("&") if pair})
    return f"{_page_of(address)}?{'&'.join(names)}"


@dataclass
class Crawl:
    """What was found. `moved`: addresses that led on to others; `links`: every address within the site that a page
    leads to, and that page."""

    pages: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def routes(self) -> set[str]:
        """The routes that answered."""
        return {route_of(one) for one in (*self.pages, *self.moved)}


async def crawl(page: Page, starts: Iterable[str], look: Callable[[str], Awaitable[None]]) -> Crawl:
    """Visit these pages and go where links lead, in the order in which a reader comes upon them; look at each page
    while it is open."""
    found, views, many = Crawl(), Counter[str](), Counter[str]()
    first = list(starts)
    waiting = [*first]
    while waiting:
        path = waiting.pop(0)
        known = views[_view_of(path)] or ("?" in path and many[_page_of(path)] >= VIEWS)
        if path in found.pages or path in found.moved or (known and path not in first):
            continue
        answer = await page.goto(path)
        assert answer is not None
        views[_view_of(path)] += 1
        many[_page_of(path)] += "?" in path
        if (there := _path(page.url)) != path:
            found.moved.append(path)
            first.append(there)
            waiting.insert(0, there)
            continue
        found.pages.append(path)
        if answer.status != 200:
            found.wrong.append(f"{path}, to which {found.links.get(path)} leads: {answer.status}")
            continue
        for one in await _links(page):
            found.links.setdefault(one, path)
            waiting.append(one)
        await look(path)
    return found


async def _links(page: Page) -> list[str]:
    """Where the links of a page lead within this site, as paths with query. What is downloaded is no page."""
    hrefs: list[str] = await page.eval_on_selector_all(
        "a[href]:not([download])", "all => all.map(one => one.href.split('#')[0])"
    )
    paths = [_path(one) for one in hrefs if urlsplit(one).netloc == urlsplit(page.url).netloc]
    return [one for one in dict.fromkeys(paths) if not one.startswith(_LEAVES)]


def _path(address: str) -> str:
    """An address within its site."""
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")
