"""All pages, what they load, and the old addresses of MAAS's."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse, Response

from innkeeper.web import hosts, live, sessions, sign_in, static, zones

_OLD = {"kvm": "/hosts", "machines": "/machines"}


def add_pages(app: FastAPI) -> None:
    """Give an app its pages."""
    pages = APIRouter(include_in_schema=False)

    @pages.get("/")
    @pages.get("/MAAS")
    @pages.get("/MAAS/")
    async def home() -> Response:
        return RedirectResponse("/hosts", status_code=303)

    @pages.get("/MAAS/r/{rest:path}")
    async def old(rest: str) -> Response:
        """MAAS's pages: the addresses that people have in their bookmarks."""
        return RedirectResponse(_OLD.get(rest.split("/")[0], "/"), status_code=303)

    app.add_exception_handler(sessions.SignInFirst, sessions.to_sign_in)
    for one in (pages, sign_in.router, live.router, hosts.router, zones.router):
        app.include_router(one)
    app.mount(static.PATH, static.Files(directory=static.directory()), name="static")
