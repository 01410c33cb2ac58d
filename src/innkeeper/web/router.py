"""All pages, what they load, and the old addresses of MAAS's."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response

from innkeeper.web import (
    account,
    add_host,
    add_host_credentials,
    add_host_project,
    add_host_review,
    add_host_server,
    add_host_steps,
    add_host_trust,
    add_host_waiting,
    addresses,
    bodies,
    bulk,
    bulk_results,
    compose,
    compressed,
    console,
    domains,
    events,
    fabrics,
    first_run,
    host,
    host_actions,
    host_certificate,
    host_delete,
    host_events,
    host_networks,
    host_resources,
    host_settings,
    host_storage,
    hosts,
    image_sources,
    image_upload,
    images,
    ip_ranges,
    live,
    machine,
    machine_act,
    machine_delete,
    machine_deploy,
    machine_devices,
    machine_edit,
    machine_resize,
    machines,
    networks,
    notices,
    old_addresses,
    operations,
    pools,
    preview,
    search,
    sessions,
    sign_in,
    spaces,
    static,
    static_routes,
    subnets,
    tags,
    troubles,
    users,
    vlans,
    zones,
)

# A machine's pages take any name after its address: they come after all others under /machines.
_MACHINE = (
    machine.router,
    machine_devices.router,
    console.router,
    machine_deploy.router,
    machine_edit.router,
    machine_resize.router,
    machine_delete.router,
    machine_act.router,
)

_NETWORKS = (networks, fabrics, vlans, subnets, spaces, static_routes, ip_ranges, addresses, domains)


pages = APIRouter(include_in_schema=False)


@pages.get("/")
@pages.get("/MAAS")
@pages.get("/MAAS/")
async def home() -> Response:
    return RedirectResponse("/hosts", status_code=303)


@pages.get("/MAAS/r")
@pages.get("/MAAS/r/{rest:path}")
async def old(rest: str = "") -> Response:
    """MAAS's pages: the addresses that people have in their bookmarks."""
    return RedirectResponse(old_addresses.here(rest), status_code=303)


_ADDING = (add_host, add_host_credentials, add_host_server, add_host_trust, add_host_project, add_host_review)
_OF_HOST = (
    add_host_waiting,
    host,
    host_resources,
    host_storage,
    host_networks,
    host_events,
    host_actions,
    host_delete,
)

# In the order in which an address is looked for.
_ROUTERS = (
    *(each.router for each in (*_ADDING, *_OF_HOST)),
    preview.router,
    host_certificate.router,
    host_settings.router,  # it takes any name after its address
    pages,
    sign_in.router,
    first_run.router,
    live.router,
    compose.router,
    hosts.router,
    *(one.router for one in _NETWORKS),
    pools.router,
    zones.router,
    tags.router,
    image_sources.router,
    image_upload.router,
    images.router,  # it takes any name after its address
    account.router,
    users.router,
    operations.router,
    events.router,
    notices.router,
    search.router,
    machines.router,
    bulk.router,
    bulk_results.router,
    *_MACHINE,
)


def add_pages(app: FastAPI) -> None:
    """Give an app its pages."""
    app.add_exception_handler(sessions.SignInFirst, sessions.to_sign_in)
    app.add_exception_handler(add_host_steps.Added, add_host_steps.to_host)
    app.add_exception_handler(RequestValidationError, troubles.not_understood)
    for one in _ROUTERS:
        app.router.routes.extend(one.routes)  # as they are: included, each would be worked out again for each app
    app.add_middleware(bodies.Bounded)
    app.add_middleware(compressed.Compressed)
    app.mount(static.PATH, static.Files(directory=static.directory()), name="static")
