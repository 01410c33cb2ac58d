"""Who looks at a page: somebody who signed in, or they are led to where one does."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends
from fastapi.responses import RedirectResponse, Response
from starlette.requests import HTTPConnection

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.browser import COOKIE as COOKIE
from innkeeper.api.browser import SAFE, BrowserSession
from innkeeper.api.browser import check_origin as check_origin
from innkeeper.api.house import House
from innkeeper.api.v1.access import viewer
from innkeeper.store import notices

NOTICES = "innkeeper.notices"  # of a request's scope: what every page shows to who looks at it
MOST_NOTICES = 3  # on top of a page; all are on a page of their own


class SignInFirst(Exception):
    """Nobody is signed in; `target`: the page that was asked for."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


async def actor(request: HTTPConnection) -> Actor:
    """Who looks at a page, with what they should notice; SignInFirst when nobody is signed in."""
    house: House = request.app.state.house
    found = await BrowserSession(house).identify(request, oauth={})
    if found is None:
        raise SignInFirst(_target(request))
    seen = await house.services.database.reading(notices.shown, viewer(found), most=MOST_NOTICES)
    request.scope[NOTICES] = seen
    return found


async def administrator(request: HTTPConnection) -> Actor:
    """Who looks at a page of administrators; Forbidden for others."""
    found = await actor(request)
    permit(found, Who.ADMIN)
    return found


SignedIn = Annotated[Actor, Depends(actor)]
AdminPage = Annotated[Actor, Depends(administrator)]


def _target(request: HTTPConnection) -> str:
    if request.scope.get("method", "GET") not in SAFE:
        return "/"
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["path"]
    return path + (f"?{query}" if query else "")


def local(target: str) -> str:
    """A target as a path of this site; "/" for anything else."""
    try:
        elsewhere = urlsplit(target).netloc
    except ValueError:  # as of an address with half a bracket
        return "/"
    good = target.startswith("/") and not target.startswith(("//", "/\\")) and not elsewhere
    return target if good and target.isprintable() else "/"


async def to_sign_in(request: HTTPConnection, error: Exception) -> Response:
    """The way to the sign-in page, and back afterwards. A stream is told to stop; the page that holds it asks then."""
    assert isinstance(error, SignInFirst)
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=204)
    return onward(request, f"/sign-in?next={quote(error.target, safe='/')}")


def onward(request: HTTPConnection, target: str) -> Response:
    """Another page instead of this one, also where a page that is open asked for itself again."""
    if "hx-request" in request.headers:
        return Response(status_code=200, headers={"HX-Redirect": target, "Cache-Control": "no-store"})
    return RedirectResponse(target, status_code=303)
