"""A TLS double of LXD: the real client talks to it over real TLS on 127.0.0.1.

    async with LxdDouble() as double:          # or, where no loop runs: with LxdDouble() as double
        driver = await connect(double.target())
        double.world.add_instance("vm1")
        double.answers["/1.0/resources"] = {...}            # metadata, instead of the world's own
        double.faults["GET /1.0/networks"] = Refuse(500, "no")   # or Delay, Cut, Garbage; for the next requests there
        assert double.requests == ["GET /1.0", ...]

Paths are without query in `faults`; in `answers` and `requests` with it, where there is one (an answer may also be
given for the path alone).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from aiohttp import WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from innkeeper.hypervisors.base import Credentials, Target
from innkeeper.hypervisors.lxd import certificates, tls
from innkeeper.hypervisors.lxd.client import Timeouts
from tests.doubles.console import DoubleConsole, open_console, serve
from tests.doubles.faults import Cut, Delay, Fault, Garbage, Once, Refuse
from tests.doubles.routes import answer
from tests.doubles.world import Json, Refusal, World

# Short ones, so that tests of slowness are quick; still long for a busy machine.
QUICK = Timeouts(connect=5.0, answer=2.0, change=2.0)


@cache
def credentials() -> Credentials:
    """A client certificate for tests; made once."""
    return certificates.make(name="innkeeper-tests")


def server_certificate(*, days: int = 3650) -> Credentials:
    """A server certificate as LXD makes its own: P-384, self-signed, for 127.0.0.1. Negative days: expired."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root@double")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=5000))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA384())
    )
    return Credentials(certificate=certificates._pem(built), key=certificates._key_pem(key))


@dataclass
class LxdDouble:
    """See the module. `require`: PEM of the only client certificate that may connect at all (TLS's own check)."""

    require: str = ""
    days: int = 3650
    world: World = field(default_factory=World)
    answers: dict[str, Json] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    bodies: list[tuple[str, Json]] = field(default_factory=list)  # ("POST /1.0/instances", body) of every change
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    consoles: dict[str, DoubleConsole] = field(default_factory=dict)  # by operation
    port: int = 0

    def __post_init__(self) -> None:
        self._served = server_certificate(days=self.days)
        self._used: Counter[Fault] = Counter()
        self._runner: web.AppRunner | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.world.emit = self.emit

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> str:
        """What the server shows now, PEM."""
        return self._served.certificate

    def target(self, project: str = "default") -> Target:
        """The target of this server with our test credentials, pinned."""
        return Target(
            address=self.address, project=project, credentials=credentials(), server_certificate=self.certificate
        )

    def counted(self) -> Counter[str]:
        """Requests by method and path, without their queries."""
        return Counter(request.partition("?")[0] for request in self.requests)

    def token(self) -> str:
        return self.world.token(certificates.fingerprint(self.certificate))

    def emit(self, action: str, source: str, project: str = "default", context: Json = None) -> None:
        """Send a lifecycle event to all listeners."""
        frame = {
            "type": "lifecycle",
            "metadata": {"action": action, "source": source, "context": context},
            "location": "none",
            "project": project,
        }
        self.send(json.dumps(frame))

    def send(self, text: str) -> None:
        """Send a raw frame to all listeners."""
        for socket in self.sockets:
            asyncio.ensure_future(socket.send_str(text))  # noqa: RUF006

    def cut_events(self) -> None:
        """End the event streams as a network does: without a word."""
        for socket in self.sockets:
            socket._req.transport.abort()  # type: ignore[union-attr]

    # --- start and stop

    async def start(self) -> None:
        """Listen; on the same port again after `stop`."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.present(context, self._served)
        if self.require:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.require)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections."""
        self.world.stop()
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def change_certificate(self) -> None:
        """Come back on the same port with another certificate."""
        await self.stop()
        self._served = server_certificate()
        await self.start()

    async def __aenter__(self) -> LxdDouble:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __enter__(self) -> LxdDouble:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lxd-double")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop
        assert self._thread
        asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # --- a request

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = f"{request.method} {request.path}"
        self.requests.append(f"{request.method} {request.rel_url.raw_path_qs}")
        body = json.loads(raw) if (raw := await request.read()) else None
        if request.method != "GET":
            self.bodies.append((name, body))
        fault = self._fault(name)
        match fault:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Refuse(code, text):
                return _error(code, text)
            case Garbage(content, status, content_type):
                return web.Response(body=content, status=status, content_type=content_type)
            case Cut(done=False):
                return self._cut(request)
        if request.path.endswith("/websocket"):
            return await serve(self.consoles[request.path.split("/")[3]], request)
        if request.path == "/1.0/events":
            return await self._events(request)
        response = await self._answer(request, body)
        return self._cut(request) if isinstance(fault, Cut) else response

    def _fault(self, name: str) -> Fault | None:
        fault = self.faults.get(name)
        if fault is None:
            return None
        self._used[fault] += 1
        skip = fault.skip if isinstance(fault, Cut) else 0
        return fault if skip < self._used[fault] <= skip + fault.times else None

    @staticmethod
    def _cut(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async def _answer(self, request: web.Request, body: Json) -> web.StreamResponse:
        path = request.rel_url.raw_path
        for key in (request.rel_url.raw_path_qs, path):
            if key in self.answers and request.method == "GET":
                given = self.answers[key]
                if isinstance(given, Once):
                    del self.answers[key]
                    given = given.metadata
                return _sync(given)
        if request.method == "POST" and path.endswith("/console"):
            name, project = unquote(path.split("/")[3]), request.query.get("project", "default")
            try:
                console, told = open_console(self.world, project, name, body)
            except Refusal as refusal:
                return _error(refusal.code, refusal.text)
            self.consoles[console.operation.id] = console
            return web.json_response(told, status=202)
        segments = [unquote(segment) for segment in path.removeprefix("/1.0").strip("/").split("/") if segment]
        try:
            found = answer(self.world, request.method, segments, request.query, body)
            if asyncio.iscoroutine(found):
                found = await found
        except Refusal as refusal:
            incus_wait = path.endswith("/wait") and self.world.server["environment"]["server"] == "incus"
            return _error(refusal.code, refusal.text, status=200 if incus_wait else None)
        if isinstance(found, dict) and found.get("type") == "async":
            return web.json_response(found, status=202)
        return _sync(found)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        allowed = not self.world.restricted or request.query.get("project") in self.world.restricted
        if not self.world.trusted or not allowed or (self.world.restricted and "all-projects" in request.query):
            return _error(403, "not authorized")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)
        return socket


def _sync(metadata: Json) -> web.Response:
    whole: dict[str, Any] = {"type": "sync", "status": "Success", "status_code": 200, "operation": ""}
    return web.json_response({**whole, "error_code": 0, "error": "", "metadata": metadata})


def _error(code: int, text: str, *, status: int | None = None) -> web.Response:
    whole = {"type": "error", "status": "", "status_code": 0, "operation": "", "error_code": code, "error": text}
    return web.json_response({**whole, "metadata": None}, status=status or code)
