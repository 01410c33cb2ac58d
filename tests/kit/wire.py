"""Requests as raw bytes over a socket, as MAAS's clients write them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.kit.client import oauth
from tests.kit.server import Server

API = "/MAAS/api/2.0/"
FORM = "application/x-www-form-urlencoded"
PATIENCE = 60.0  # seconds for an answer


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection, kept open."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._key = oauth(server.key())

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        *,
        authorization: str | None = None,
        more: tuple[str, ...] = (),
    ) -> Answer:
        """One request; without a body it has neither Content-Type nor Content-Length. `more`: header lines."""
        lines = [f"{method} {path if path.startswith('/') else API + path} HTTP/1.1", "Host: inn:5240"]
        given = self._key if authorization is None else authorization
        lines += [f"Authorization: {given}"] if given else []
        lines += [f"Content-Type: {content_type}"] if content_type else []
        lines += [f"Content-Length: {len(body)}"] if body else []
        self._writer.write("\r\n".join([*lines, *more, "", ""]).encode() + body)
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        size = 0 if method == "HEAD" or " 204 " in head[0] else int(headers.get("content-length", 0))
        return Answer(head[0], headers, await self._reader.readexactly(size))


@asynccontextmanager
async def wire(server: Server) -> AsyncIterator[Wire]:
    """A connection to a server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Wire(server, reader, writer)
    finally:
        writer.transport.abort()


def part(name: str, value: str) -> bytes:
    """A text part as the CLI and libmaas write it: base64."""
    head = f'Content-Disposition: form-data; name="{name}"\r\nContent-Type: text/plain; charset="utf-8"\r\n'
    head += "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(value.encode()).replace(b"\n", b"\r\n")


def multipart(*parts: bytes, end: bytes = b"\r\n") -> tuple[bytes, str]:
    """A whole body and its Content-Type, with a quoted boundary."""
    body = b"".join(b"--B\r\n" + one + b"\r\n" for one in parts) + b"--B--" + end
    return body, 'multipart/form-data; boundary="B"'


LIBMAAS_NOTHING = multipart(b"\r\n")  # one part without headers
ANSIBLE_NOTHING = (b"--B--", 'multipart/form-data; boundary="B"')
