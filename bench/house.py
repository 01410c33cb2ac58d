"""Innkeeper as users meet it: a server process of its own, and a client that keeps its connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.kit.client import oauth
from tests.kit.server import Server


class Guest:
    """Signed calls of one server: of the REST API 2.0, or of any path from the root. `times`: seconds of every call."""

    def __init__(self, session: aiohttp.ClientSession, base: str, key: str) -> None:
        self._session, self._root, self._base = session, base, f"{base}/MAAS/api/2.0/"
        self._headers = {"Authorization": oauth(key)}
        self.times: list[float] = []

    async def call(self, method: str, path: str, *, op: str = "", **fields: Any) -> tuple[int, Any]:
        """Status, and the body: JSON decoded where it is JSON."""
        begin = time.perf_counter()
        url = (self._root if path.startswith("/") else self._base) + path + (f"?op={op}" if op else "")
        form = fields if method in ("POST", "PUT") else None
        query = fields if form is None else None
        async with self._session.request(method, url, headers=self._headers, data=form, params=query) as answer:
            content = await (answer.json() if answer.content_type == "application/json" else answer.text())
        self.times.append(time.perf_counter() - begin)
        return answer.status, content

    async def fetch(self, path: str, **query: Any) -> int:
        """Read a path to its end without looking into it: the length of the body. Only the server is measured so."""
        url, length = (self._root if path.startswith("/") else self._base) + path, 0
        async with self._session.get(url, headers=self._headers, params=query) as answer:
            answer.raise_for_status()
            async for piece, _ in answer.content.iter_chunks():
                length += len(piece)
        return length

    async def good(self, method: str, path: str, *, op: str = "", **fields: Any) -> Any:
        """The body of a call that must succeed."""
        status, content = await self.call(method, path, op=op, **fields)
        if status >= 300:
            raise RuntimeError(f"{method} {path}?{urlencode({'op': op})}: {status} {content}")
        return content


@asynccontextmanager
async def guest(server: Server) -> AsyncIterator[Guest]:
    """An administrator's client of a running server; any number of calls at once."""
    async with calls(server.base, server.key()) as client:
        yield client


@asynccontextmanager
async def calls(base: str, key: str) -> AsyncIterator[Guest]:
    """A client with that key of the server at that address."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield Guest(session, base, key)


async def until_ready(client: Guest, host_id: int) -> None:
    """Wait until the host is known, and its watcher has read it and listens to its events."""
    async with asyncio.timeout(20):
        while True:
            host = await client.good("GET", f"vm-hosts/{host_id}/")
            if host["live_events"]:
                return
            await asyncio.sleep(0.1)
