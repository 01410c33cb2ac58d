"""What `innkeeper up` does: listen, serve, say where, stop in order."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets as random
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
import uvicorn

from innkeeper import demo_fleet
from innkeeper.api.app import make_app
from innkeeper.api.house import House
from innkeeper.errors import Conflict, Misconfigured
from innkeeper.settings import Settings
from innkeeper.store import first_run, users
from innkeeper.store.database import Write
from innkeeper.store.secrets import Cipher


def up(settings: Settings) -> None:
    """Serve until interrupted. The first start makes an administrator and prints the API key, once; or,
    told so, leaves that to a page and prints the code for it."""
    configure_logs(settings.log_level)
    if settings.demo_fleet:
        settings = demo_fleet.prepare(settings)
    sockets = _listen(settings.host, settings.port)  # first: where the port is taken, nothing was made yet
    settings = settings.model_copy(update={"port": sockets[0].getsockname()[1]})  # guests are told where we are
    app = make_app(settings)
    house = app.state.house
    database, cipher = house.services.database, house.services.cipher
    base = f"http://{_shown(settings.host)}:{sockets[0].getsockname()[1]}"
    where = f"{base}/MAAS/"
    password = random.token_urlsafe(12)
    if not settings.first_admin and (code := database.transact(first_run.offer, cipher)):
        print(f"Innkeeper's first start: make the administrator at {base}/first-run")
        print(f"  code: {code}")
    if settings.first_admin and (key := database.transact(_first_admin, cipher, password=password)) is not None:
        print("Innkeeper's first start: the administrator 'admin' was made.")
        print(f"  password: {password}")
        print(f"  API key:  {key.text}")
        print(f"  log in:   maas login admin {where} {key.text}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # a query may hold a key
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        backlog=2048,
    )
    afterwards = partial(demo_fleet.fill, app) if settings.demo_fleet else None
    _Server(config, where, house, afterwards=afterwards).run(sockets)


def _first_admin(write: Write, cipher: Cipher, *, password: str) -> users.ApiKey | None:
    """Make the first administrator with a key, both or neither; None when there are users already."""
    if users.listing(write.sql):
        return None
    try:
        users.create(write, username="admin", password=password, is_admin=True)
    except Conflict:
        return None  # of several first starts at once another was first
    first_run.withdraw(write)  # of a start that left it to a page
    return users.add_key(write, cipher, username="admin", name="first start")


class _Server(uvicorn.Server):
    """Says where it is once it answers, and lets its callers go before it stops."""

    def __init__(
        self, config: uvicorn.Config, where: str, house: House, *, afterwards: Callable[[], Awaitable[None]] | None
    ) -> None:
        super().__init__(config)
        self._where, self._house, self._afterwards = where, house, afterwards
        self._doing: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"Innkeeper is up: {self._where}", flush=True)
            if self._afterwards:
                self._doing = asyncio.ensure_future(self._afterwards())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._doing and not self._doing.done():
            self._doing.cancel()
        await self._house.leave()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of `host`, one port for all. Raises Misconfigured."""
    bound: list[socket.socket] = []
    try:
        for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            number = port or (bound[0].getsockname()[1] if bound else 0)
            bound.append(socket.create_server((str(address[0]), number), family=family, backlog=2048))
    except OSError as error:
        for one in bound:
            one.close()
        resolution = "Choose another with --port." if error.errno == errno.EADDRINUSE else ""
        raise Misconfigured(
            f"Cannot listen on {host}, port {port}.", details=error.strerror or str(error), resolution=resolution
        ) from error
    return bound


def _shown(host: str) -> str:
    if host in ("127.0.0.1", "::1", "0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def configure_logs(level: str) -> None:
    """Structured logs on standard error: for people on a terminal, JSON elsewhere. Never local variables."""
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
