"""A proxy before the lab's LXD that sees every request: counted, delayed, cut.

It shows the server's own certificate (the lab has its key) and speaks to the server with the lab's client
certificate, so the host must be added with that one, brought.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.kit.lab import Lab


class Proxy:
    """`async with Proxy(lab) as proxy`: then `proxy.address` leads to the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.requests: list[tuple[str, str]] = []  # (method, path), event streams too
        self.streams = 0  # open event streams
        self.refuse_streams = False
        self._sockets: set[web.WebSocketResponse] = set()
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Proxy:
        env = self._lab.env
        upstream = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        upstream.check_hostname = False
        upstream.load_verify_locations(env["server_cert"])
        upstream.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        upstream.load_cert_chain(env["client_cert"], env["client_key"])
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=upstream))
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{tail:.*}", self._pass)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        state = Path(env["state"])
        shown.load_cert_chain(state / "server.crt", state / "server.key")
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=shown)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut_streams()
        await self._session.close()
        await self._runner.cleanup()

    async def cut_streams(self) -> None:
        """Cut the event streams that are open."""
        for socket in list(self._sockets):
            await socket.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        url = f"https://{self._lab.address}{request.path_qs}"
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request, url)
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            content = await answer.read()
            return web.Response(
                status=answer.status, body=content, content_type=answer.content_type or "application/json"
            )

    async def _stream(self, request: web.Request, url: str) -> web.StreamResponse:
        if self.refuse_streams:
            return web.Response(status=503, text="no streams now")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        self.streams += 1
        try:
            async with self._session.ws_connect(url) as upstream:
                await _first_done(self._down(upstream, socket), self._up(socket))
        finally:
            self.streams -= 1
            self._sockets.discard(socket)
        return socket

    @staticmethod
    async def _down(upstream: aiohttp.ClientWebSocketResponse, socket: web.WebSocketResponse) -> None:
        async for message in upstream:
            await socket.send_str(message.data)

    @staticmethod
    async def _up(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass


async def _first_done(*parts: Any) -> None:
    tasks = [asyncio.ensure_future(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
