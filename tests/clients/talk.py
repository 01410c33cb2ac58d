"""How each client writes its requests: the bytes, from its own encoding of forms to its Authorization header."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from tests.kit.server import Server
from tests.kit.wire import ANSIBLE_NOTHING, FORM, Answer, Wire, part, wire

Fields = Any
_POLL = 0.05


class Talk:
    """A client on one connection. Fields that are lists are sent as repeated keys."""

    def __init__(self, on: Wire, key: str) -> None:
        self._on, self._key = on, key

    async def get(self, path: str, op: str = "", **query: Fields) -> Any:
        """The JSON of a GET that must succeed."""
        return self.good(await self.ask("GET", path, op, **query))

    async def ask(self, method: str, path: str, op: str = "", **query: Fields) -> Answer:
        """A request that has its fields in the query: GET, DELETE."""
        pairs = [*([("op", op)] if op else []), *_pairs(query)]
        return await self._send(method, f"{path}?{urlencode(pairs)}" if pairs else path)

    async def delete(self, path: str, **query: Fields) -> None:
        """A DELETE that must succeed; the answer has a type even without a body."""
        answer = await self.ask("DELETE", path, **query)
        assert (answer.status, answer.body) == (204, b""), answer
        assert answer.headers["content-type"]

    async def post(self, path: str, op: str = "", **form: Fields) -> Any:
        """The JSON of a POST that must succeed."""
        return self.good(await self.tell("POST", path, op, **form))

    async def put(self, path: str, **form: Fields) -> Any:
        """The JSON of a PUT that must succeed."""
        return self.good(await self.tell("PUT", path, **form))

    async def tell(self, method: str, path: str, op: str = "", **form: Fields) -> Answer:
        """A request that has its fields in the body: POST, PUT."""
        raise NotImplementedError

    def good(self, answer: Answer) -> Any:
        """The JSON of an answer that must be 2xx."""
        assert answer.status in (200, 201), (answer.line, answer.body)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert "retry-after" not in answer.headers
        return answer.json

    def authorization(self) -> str:
        raise NotImplementedError

    async def _send(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> Answer:
        return await self._on.send(
            method, path, body, content_type, authorization=self.authorization(), more=self.headers
        )

    headers: tuple[str, ...] = ()

    @property
    def _parts(self) -> tuple[str, str, str]:
        consumer, token, secret = self._key.split(":")
        return quote(consumer), quote(token), quote(f"&{secret}", safe="")


class Go(Talk):
    """gomaasapi and gomaasclient: forms, `op` in the query also when it is empty."""

    headers = ("User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip")

    def authorization(self) -> str:
        consumer, token, signature = self._parts
        return (
            f'OAuth realm="MAAS API", oauth_consumer_key="{consumer}", oauth_token="{token}", '
            f'oauth_signature_method="PLAINTEXT", oauth_signature="{signature}", oauth_timestamp="1700000000", '
            'oauth_nonce="68129", oauth_version="1.0"'
        )

    async def tell(self, method: str, path: str, op: str = "", **form: Fields) -> Answer:
        url = f"{path}?op={op}" if method == "POST" else path
        return await self._send(method, url, urlencode(_pairs(form)).encode(), FORM)

    async def upload(self, path: str, filename: str, content: bytes) -> Answer:
        """A file, as gomaasapi sends it."""
        head = f'--b0und\r\nContent-Disposition: form-data; name="filename"\r\n\r\n{filename}\r\n--b0und\r\n'
        head += f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        head += "Content-Type: application/octet-stream\r\n\r\n"
        body = head.encode() + content + b"\r\n--b0und--\r\n"
        return await self._send("POST", f"{path}?op=", body, "multipart/form-data; boundary=b0und")


class Python(Talk):
    """Ansible's collection: multipart with a quoted boundary, no line end after the last one; JSON is asked for."""

    headers = ("Accept: application/json", "User-Agent: ansible-httpget")

    def authorization(self) -> str:
        consumer, token, signature = self._parts
        return (
            f"OAuth oauth_version=1.0, oauth_signature_method=PLAINTEXT, oauth_consumer_key={consumer}, "
            f"oauth_token={token}, oauth_signature={signature}, oauth_nonce=1, oauth_timestamp=1700000000"
        )

    async def tell(self, method: str, path: str, op: str = "", **form: Fields) -> Answer:
        url = f"{path}?op={op}" if op else path
        if not form:
            return await self._send(method, url, *ANSIBLE_NOTHING)
        pieces = [
            f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in _pairs(form)
        ]
        return await self._send(method, url, b"".join(pieces) + b"--B--", 'multipart/form-data; boundary="B"')


class Cli(Talk):
    """MAAS's own command line: base64 parts; a POST of nothing has neither a body nor a type."""

    def authorization(self) -> str:
        consumer, token, signature = self._parts
        return (
            f'OAuth realm="OAuth", oauth_nonce="1",oauth_timestamp="1700000000", oauth_consumer_key="{consumer}", '
            f'oauth_signature_method="PLAINTEXT", oauth_version="1.0", oauth_token="{token}", '
            f'oauth_signature="{signature}"'
        )

    async def tell(self, method: str, path: str, op: str = "", **form: Fields) -> Answer:
        url = f"{path}?op={op}" if op else path
        if not form:
            return await self._send(method, url)
        body = b"".join(b"--B\r\n" + part(name, value) + b"\r\n" for name, value in _pairs(form)) + b"--B--\r\n"
        return await self._send(method, url, body, 'multipart/form-data; boundary="B"')

    async def raw(self, method: str, path: str, body: bytes) -> Answer:
        """Bytes as they are: a piece of a file."""
        return await self._send(method, path, body, "application/octet-stream")


def _pairs(fields: dict[str, Fields]) -> list[tuple[str, str]]:
    """The names and texts that are sent; a name that is a word of Python's has an underscore behind it here."""
    many = ((name, value if isinstance(value, list) else [value]) for name, value in fields.items())
    return [(name.rstrip("_"), str(one)) for name, values in many for one in values]


@asynccontextmanager
async def talking(server: Server, how: type[Talk]) -> AsyncIterator[Any]:
    """A client that speaks so."""
    async with wire(server) as on:
        yield how(on, server.key())


async def until(ask: Callable[[], Any], wanted: str, *, seen: set[str], within: float = 150.0) -> Any:
    """Poll a machine until it has a status; on the way only `seen` ones may be met. The machine."""
    async with asyncio.timeout(within):
        while True:
            one = await ask()
            if one["status_name"] == wanted:
                return one
            assert one["status_name"] in seen, one["status_name"]
            await asyncio.sleep(_POLL)
