"""The composition root: everything is wired together here, in order, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from innkeeper import __version__
from innkeeper.api import login, metrics, phone_home, relay
from innkeeper.api.auth import ApiKey
from innkeeper.api.feed import Feed
from innkeeper.api.house import House, StoredKeys
from innkeeper.api.maas import (
    account,
    allocate,
    block_devices,
    boot_resources,
    boot_sources,
    commission,
    configuration,
    deploy,
    devices,
    domains,
    events,
    fabrics,
    files,
    hosts,
    interfaces,
    ip_addresses,
    ip_ranges,
    life,
    machine_power,
    machines,
    nodes,
    pools,
    refused,
    spaces,
    ssh_keys,
    static_routes,
    subnets,
    tags,
    users,
    version,
    virtual_machines,
    vlans,
    zones,
)
from innkeeper.api.maas.dispatch import Dispatch
from innkeeper.api.maas.nouns import DOCS
from innkeeper.api.v1 import consoles as consoles_v1
from innkeeper.api.v1 import events as events_v1
from innkeeper.api.v1 import hosts as hosts_v1
from innkeeper.api.v1 import machines as machines_v1
from innkeeper.api.v1 import operations as operations_v1
from innkeeper.api.v1 import placements as placements_v1
from innkeeper.errors import InnkeeperError, Unauthorized
from innkeeper.operations.context import Connections, Services
from innkeeper.operations.table import make_engine
from innkeeper.settings import Settings
from innkeeper.store import hosts as stored_hosts
from innkeeper.store import operations
from innkeeper.store.opening import open_store
from innkeeper.watch import Watch
from innkeeper.web import troubles
from innkeeper.web.router import add_pages

ROUTES = (
    *version.ROUTES,
    *users.ROUTES,
    *zones.ROUTES,
    *pools.ROUTES,
    *domains.ROUTES,
    *spaces.ROUTES,
    *fabrics.ROUTES,
    *vlans.ROUTES,
    *subnets.ROUTES,
    *static_routes.ROUTES,
    *ip_ranges.ROUTES,
    *ip_addresses.ROUTES,
    *configuration.ROUTES,
    *boot_resources.ROUTES,
    *boot_sources.ROUTES,
    *hosts.ROUTES,
    *machines.ROUTES,
    *machine_power.ROUTES,
    *interfaces.ROUTES,
    *allocate.ROUTES,
    *life.ROUTES,
    *commission.ROUTES,
    *deploy.ROUTES,
    *ssh_keys.ROUTES,
    *tags.ROUTES,
    *files.ROUTES,
    *account.ROUTES,
    *devices.ROUTES,
    *nodes.ROUTES,
    *block_devices.ROUTES,
    *events.ROUTES,
    *virtual_machines.ROUTES,
    *refused.ROUTES,
)
THREADS = 4  # for what is not the database's own: keys, metrics


def make_house(settings: Settings) -> House:
    """One process's house, not started yet."""
    database, cipher, uuid = open_store(settings)
    services = Services(
        settings=settings, database=database, cipher=cipher, uuid=uuid, connections=Connections(database, cipher)
    )
    engine = make_engine(services)
    return House(services=services, engine=engine, watch=Watch(services, engine), feed=Feed(database))


def make_app(settings: Settings) -> FastAPI:
    """The application: REST 2.0 and the native API, with everything that runs beside them."""
    house = make_house(settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="other"))
        await house.start()
        yield
        await house.stop()

    app = FastAPI(
        title="Innkeeper",
        version=__version__,
        lifespan=life,
        redirect_slashes=False,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = house
    app.add_exception_handler(InnkeeperError, _refuse)  # type: ignore[arg-type]  # it takes both kinds of request
    app.add_exception_handler(HTTPException, _no_route)
    for prefix in ("/api/v1", "/MAAS/api/v1"):
        app.router.routes.extend(_native(prefix))
    app.router.routes.extend((*phone_home.router.routes, *relay.router.routes))
    _plain_routes(app, house)
    add_pages(app)
    dispatch = Dispatch(ROUTES, services=house, identifiers=[ApiKey(StoredKeys(house.services))], docs=DOCS)
    app.state.calls = dispatch
    app.mount("/MAAS/api/2.0", dispatch)
    app.mount("/MAAS//api/2.0", dispatch)  # Ansible with a final slash in its host
    return app


@cache
def _native(prefix: str) -> list[BaseRoute]:
    """The routes of the native API under that prefix: worked out once, whatever number of apps a process makes."""
    router = APIRouter()
    for one in (operations_v1, events_v1, hosts_v1, machines_v1, placements_v1, consoles_v1):
        router.include_router(one.router, prefix=prefix, include_in_schema=prefix == "/api/v1")
    return router.routes


async def _refuse(request: Request | WebSocket, error: Exception) -> Response | None:
    """An error of the native API: its parts as JSON. A websocket is refused in the same way, before it is one."""
    assert isinstance(error, InnkeeperError)
    if isinstance(request, Request) and troubles.for_people(request.scope["path"]):
        return await troubles.page(request, error)
    record = error.record()
    body = {"brief": record.brief, "details": record.details, "resolution": record.resolution, "name": record.name}
    headers = {"WWW-Authenticate": 'OAuth realm="MAAS API"'} if isinstance(error, Unauthorized) else {}
    response = JSONResponse(body, status_code=error.status, headers=headers)
    if isinstance(request, WebSocket):
        await request.send_denial_response(response)
        return None  # it was answered: what is returned would be sent as well
    return response


async def _no_route(request: Request, error: Exception) -> Response:
    """What no route takes. Under MAAS's root in its words and as text, for a 404 in JSON misleads its clients."""
    assert isinstance(error, HTTPException)
    path, status = request.scope["path"], error.status_code
    if path.startswith("/MAAS/api/1.0/"):
        return PlainTextResponse("The 1.0 API is gone; use /MAAS/api/2.0/.", status_code=410)
    if path.startswith("/MAAS"):
        text = f"Unknown API endpoint: {path}." if status == 404 else str(error.detail)
        return PlainTextResponse(text, status_code=status, headers=error.headers)
    if troubles.for_people(path):
        return await troubles.no_page(request, status=status, headers=error.headers)
    body = {"name": "NotFound", "brief": str(error.detail), "details": "", "resolution": ""}
    return JSONResponse(body, status_code=status, headers=error.headers)


def _plain_routes(app: FastAPI, house: House) -> None:
    database = house.services.database

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        """Ready: the database answers."""
        try:
            async with asyncio.timeout(3):
                await database.reading(operations.listing, limit=1)
        except Exception as error:
            return PlainTextResponse(f"the database does not answer: {type(error).__name__}\n", status_code=503)
        return PlainTextResponse("ready\n")

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        body = await asyncio.to_thread(metrics.render, database)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/MAAS/vmhost-certificate/{name}", include_in_schema=False)
    async def certificate(name: str) -> Response:
        """The public certificate that we show to a host, for its trust list."""
        pem = await database.reading(stored_hosts.certificate, name=name)
        if pem is None:
            return PlainTextResponse("Not Found", status_code=404)
        return PlainTextResponse(pem)

    @app.get("/MAAS/api/version/", include_in_schema=False)
    async def api_version() -> Response:
        return PlainTextResponse("2.0")

    @app.post("/MAAS/accounts/authenticate/", include_in_schema=False)
    async def authenticate(request: Request) -> Response:
        return await login.authenticate(house, request)
