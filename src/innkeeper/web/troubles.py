"""A page that says why there is none: not found, not allowed, a host that does not answer."""

from __future__ import annotations

from fastapi.responses import PlainTextResponse, Response
from starlette.requests import Request

from innkeeper.api.house import House
from innkeeper.errors import InnkeeperError, NotFound
from innkeeper.web.calls import Trouble
from innkeeper.web.pages import render
from innkeeper.web.sessions import BrowserSession

_PROGRAMS = ("/api/", "/MAAS/", "/internal/", "/static/", "/healthz", "/readyz", "/metrics")


def for_people(path: str) -> bool:
    """Whether a path is a page's, and not one that programs call."""
    return not path.startswith(_PROGRAMS)


async def page(request: Request, error: InnkeeperError) -> Response:
    """The error as a page for who is signed in, as text for others."""
    house: House = request.app.state.house
    who = await BrowserSession(house).identify(request, oauth={}) if request.method == "GET" else None
    if who is None:
        return PlainTextResponse(f"{error}\n", status_code=error.status)
    title = "Not found" if isinstance(error, NotFound) else "This did not work"
    return render(request, "trouble.html", title=title, actor=who, status=error.status, trouble=Trouble.of(error))
