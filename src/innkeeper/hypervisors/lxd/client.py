"""The HTTPS client of one host: requests, their failures, and the event websocket. Knows LXD's envelope, no policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from innkeeper import __version__
from innkeeper.errors import HostFailure, HostRefused, HostUntrusted
from innkeeper.hypervisors.base import Guard, Target, unguarded
from innkeeper.hypervisors.lxd import answers, certificates, failures, shapes, tls

T = TypeVar("T")
_LARGEST = 64 * 1024 * 1024  # bytes; the list of 10,000 VMs has 30 MB
_AT_ONCE = 4
_HEARTBEAT = 20.0  # seconds between pings on the event stream


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds: for a connection with its handshake, for an answer to a GET, for an answer to a change."""

    connect: float = 10.0
    answer: float = 30.0
    change: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and how it ended, for metrics and tests. `status` is HTTP's, 0 without an answer."""

    method: str
    path: str
    status: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A body that is files: one as it is, or several as a form of (name, path). `limit`: seconds it may take."""

    headers: Mapping[str, str]
    parts: tuple[tuple[str, Path], ...]
    limit: float

    def open(self) -> IO[bytes] | aiohttp.FormData:
        """The body, read from the files as it is sent; closed by who sends it."""
        if len(self.parts) == 1:
            return self.parts[0][1].open("rb")
        form = aiohttp.FormData()
        for name, file in self.parts:
            form.add_field(name, file.open("rb"), filename=name, content_type="application/octet-stream")
        return form


Observer = Callable[[Exchange], None]


def unobserved(exchange: Exchange) -> None:
    """The observer of nobody."""


def path(*segments: str, **query: str | int | None) -> str:
    """ "/1.0/…" of segments and query, each quoted; a query of None is left out and "_" in its name means "-"."""
    pairs = [f"{k.replace('_', '-')}={quote(str(v), safe='')}" for k, v in query.items() if v is not None]
    return "/".join(["/1.0", *(quote(s, safe="") for s in segments)]) + (f"?{'&'.join(pairs)}" if pairs else "")


class Connection:
    """The session with one host, shared by all clients of it. At most 4 requests at once.

    Waits for host operations are not counted among the 4: they last minutes and would keep the others out.
    """

    def __init__(self, target: Target, *, timeouts: Timeouts, observe: Observer) -> None:
        self.target = target
        self.fingerprint = certificates.fingerprint(target.credentials.certificate)
        self.timeouts = timeouts
        self.observe = observe
        self.slots = asyncio.Semaphore(_AT_ONCE)
        self.unpacking = asyncio.Lock()  # held while an instance is made of an image
        self.session = aiohttp.ClientSession(
            # Cleaning up: a busy host may not answer the end of a websocket's TLS, and its socket would stay open.
            connector=aiohttp.TCPConnector(
                ssl=tls.pinned(target),
                limit=0,
                keepalive_timeout=60,
                enable_cleanup_closed=aiohttp.connector.NEEDS_CLEANUP_CLOSED,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # a host is never reached through a proxy
            headers={"User-Agent": f"innkeeper/{__version__}", "Accept-Encoding": "identity"},
        )
        # aiohttp repeats a PUT or DELETE by itself when a kept connection turns out to be closed; that would go past
        # the guard. There is no public switch; test_change_is_never_repeated notices if this one goes.
        self.session._retry_connection = False


class Client:
    """Requests to one host. `guard` is called right before each that changes it."""

    def __init__(self, connection: Connection, guard: Guard = unguarded) -> None:
        self._connection = connection
        self._guard = guard
        self.address = connection.target.address
        self.fingerprint = connection.fingerprint  # of the certificate we show
        self.unpacking = connection.unpacking

    def guarded(self, guard: Guard) -> Client:
        """The same connection with another guard."""
        return Client(self._connection, guard)

    async def close(self) -> None:
        await self._connection.session.close()

    async def get(self, path: str, shape: type[T], *, wait: float | None = None) -> T:
        """The metadata of a GET as `shape`. `wait`: seconds that the host itself may take (an operation's wait).

        Raises HostRefused (with the host's words and HTTP code), HostUntrusted, HostChanged, HostUnreachable.
        """
        limit = self._connection.timeouts.answer + (wait or 0)
        try:
            envelope = await self._exchange("GET", path, limit, slot=wait is None)
        except failures.CUT as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise await self._failed(error) from None
            # The host may have closed a kept connection at the moment of use; a read can be asked again.
            try:
                envelope = await self._exchange("GET", path, limit, slot=wait is None)
            except (aiohttp.ClientError, OSError) as again:
                raise await self._failed(again) from None
        except (aiohttp.ClientError, OSError) as error:
            raise await self._failed(error) from None
        return self._content(envelope, shape)

    async def find(self, path: str, shape: type[T]) -> T | None:
        """Like `get`; None when the host says there is no such thing."""
        try:
            return await self.get(path, shape)
        except HostRefused as refused:
            if refused.code == 404:
                return None
            raise

    async def change(self, method: str, path: str, body: object = None) -> str:
        """Send a change once (JSON, or an Upload); the id of the host's operation, or "" when it was done at once.

        Raises as `get`; HostUnreachable says whether the outcome is unknown.
        """
        operation = await self.order(method, path, body)
        return operation.id if operation else ""

    async def order(self, method: str, path: str, body: object = None) -> shapes.Operation | None:
        """As `change`, with all that the answer tells of the host's operation."""
        self._guard()
        try:
            if isinstance(body, Upload):  # minutes, perhaps: it would keep a slot from the others
                envelope = await self._exchange(method, path, body.limit, body, slot=False)
            else:
                envelope = await self._exchange(method, path, self._connection.timeouts.change, body)
        except (aiohttp.ClientError, OSError) as error:
            raise await self._failed(error, changing=True) from None
        if envelope.type == "sync":
            return None
        return self._content(envelope, shapes.Operation)

    async def alive(self) -> None:
        """Raises when the host as a whole does not answer; used to tell a broken part from a broken host."""
        await self.get("/1.0", shapes.Server)

    async def websocket(self, path: str, *, pinged: bool = True) -> aiohttp.ClientWebSocketResponse:
        """A websocket of the host, to be closed; pinged every 20 s so that a silent cut is noticed, unless nobody reads
        what comes. Raises as `get`."""
        timeouts = self._connection.timeouts
        try:
            async with asyncio.timeout(timeouts.connect + timeouts.answer):
                return await self._connection.session.ws_connect(
                    self._url(path),
                    heartbeat=_HEARTBEAT if pinged else None,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            answer = answers.Envelope(type="error", error=f"HTTP status {error.status}", error_code=error.status)
            raise await self._refusal("GET", path, answer) from None
        except (aiohttp.ClientError, OSError) as error:
            raise await self._failed(error) from None

    def _content(self, envelope: answers.Envelope, shape: type[T]) -> T:
        try:
            return answers.content(envelope, shape)
        except answers.NotLxd as error:
            raise failures.stranger(self.address, str(error)) from None

    async def _exchange(
        self, method: str, path: str, limit: float, body: object = None, *, slot: bool = True
    ) -> answers.Envelope:
        if slot:
            # The time limit starts with the request: waiting for our own others is not the host's slowness.
            async with self._connection.slots:
                status, raw = await self._send(method, path, limit, body)
        else:
            status, raw = await self._send(method, path, limit, body)
        try:
            envelope = answers.opened(raw)
        except answers.NotLxd as error:
            raise failures.stranger(self.address, str(error), status) from None
        if envelope.type == "error":
            raise await self._refusal(method, path, envelope)
        return envelope

    async def _send(self, method: str, path: str, limit: float, body: object) -> tuple[int, bytes]:
        connection = self._connection
        options: dict[str, Any] = {
            "timeout": aiohttp.ClientTimeout(total=limit, sock_connect=connection.timeouts.connect)
        }
        if isinstance(body, Upload):
            single = {"Content-Type": "application/octet-stream"} if len(body.parts) == 1 else {}
            options |= {"data": body.open(), "headers": {**body.headers, **single}}
        elif body is not None:
            options |= {"data": msgspec.json.encode(body), "headers": {"Content-Type": "application/json"}}
        begin, status = time.monotonic(), 0
        try:
            async with connection.session.request(method, self._url(path), allow_redirects=False, **options) as answer:
                raw = await _body(answer)
                status = answer.status
                return status, raw
        except answers.NotLxd as error:
            raise failures.stranger(self.address, str(error), status) from None
        except aiohttp.ClientResponseError as error:
            raise failures.stranger(self.address, f"something that is not HTTP ({error.message})") from None
        finally:
            connection.observe(Exchange(method=method, path=path, status=status, seconds=time.monotonic() - begin))

    async def _refusal(self, method: str, path: str, envelope: answers.Envelope) -> HostFailure:
        """A 403 may mean that we are not trusted at all, or that our certificate is restricted: ask."""
        if envelope.error_code == 403 and path != "/1.0":
            server = await self.get("/1.0", shapes.Server)
            if server.auth != "trusted":
                return self.untrusted(envelope.error)
        return failures.refused(envelope.error, envelope.error_code, what=f"{method} {path.partition('?')[0]}")

    def untrusted(self, words: str = "") -> HostUntrusted:
        """The failure that says so, with the fingerprint of the certificate we show."""
        return failures.untrusted(self.address, self.fingerprint, words)

    async def _failed(self, error: BaseException, *, changing: bool = False) -> HostFailure:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            pinned = certificates.fingerprint(self._connection.target.server_certificate)
            shown = await certificates.fetch_server_certificate(self.address, timeout=self._connection.timeouts.connect)
            return failures.changed(self.address, pinned=pinned, shown=certificates.fingerprint(shown))
        return failures.unreachable(self.address, error, changing=changing)

    def _url(self, path: str) -> URL:
        return URL(self.address + path, encoded=True)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body, unless it is larger than any of LXD's. Raises NotLxd."""
    pieces, length = [], 0
    async for piece in answer.content.iter_any():
        pieces.append(piece)
        length += len(piece)
        if length > _LARGEST:
            raise answers.NotLxd(f"more than {_LARGEST // 1024**2} MiB")
    return b"".join(pieces)
