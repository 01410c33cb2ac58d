"""Every page that links lead to, a few of each kind."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

from playwright.async_api import Page

EACH = 2  # pages of one kind: hosts, machines … are many
_ID = re.compile(r"(?<=/)([0-9]+|[a-z0-9]{6}|[0-9a-f]{32})(?=/|$)")
_LEAVES = ("/sign-out", "/static/", "/api/", "/MAAS/", "/live")


def kind(address: str) -> str:
    """Pages that differ in ids and in the values of their query are of one kind."""
    parts = urlsplit(address)
    names = sorted({pair.split("=")[0] for pair in parts.query.split("&") if pair})
    return f"{_ID.sub('*', parts.path)}?{'&'.join(names)}"


async def links(page: Page) -> list[str]:
    """Where the links of a page lead within this site, as paths with query."""
    found: list[str] = await page.eval_on_selector_all("a[href]:not([download])", "all => all.map(one => one.href)")
    here = urlsplit(page.url).netloc
    paths = []
    for one in found:
        parts = urlsplit(one)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if parts.netloc == here and not path.startswith(_LEAVES):
            paths.append(path)
    return list(dict.fromkeys(paths))


async def crawl(page: Page, start: str = "/") -> list[str]:
    """The addresses of pages, in the order in which a reader comes upon them. Each must answer 200."""
    waiting, seen = [start], Counter[str]()
    found: list[str] = []
    while waiting:
        path = waiting.pop(0)
        if path in found or seen[kind(path)] >= EACH:
            continue
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        seen[kind(path)] += 1
        found.append(path)
        waiting += [one for one in await links(page) if one not in found]
    return found
