"""Who looks at a page: the session of their browser. Another site cannot use it: its origin is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends
from fastapi.responses import RedirectResponse, Response
from starlette.requests import HTTPConnection

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House
from innkeeper.errors import Forbidden
from innkeeper.store import sessions

COOKIE = "innkeeper_session"
_SAFE = ("GET", "HEAD", "OPTIONS")


class SignInFirst(Exception):
    """Nobody is signed in; `target`: the page that was asked for."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class BrowserSession:
    """Identifies by the cookie of a browser that signed in. See `auth.Identifier`."""

    def __init__(self, house: House) -> None:
        self._database = house.services.database

    async def identify(self, request: HTTPConnection, *, oauth: Mapping[str, str]) -> Actor | None:
        """The actor, or None. Forbidden when a change, or a websocket, comes from another site's page."""
        token = request.cookies.get(COOKIE, "")
        if not token:
            return None
        found = await self._database.reading(sessions.user, token)
        if found is None:
            return None
        check_origin(request)
        one, due = found
        if due:
            await self._database.writing(sessions.touch, token)
        return Actor(user_id=one.id, username=one.username, is_admin=one.is_admin)


def check_origin(request: HTTPConnection) -> None:
    """Refuse a change, or a websocket, that another site's page sends with our cookie."""
    if request.scope["type"] == "http" and request.scope["method"] in _SAFE:
        return
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    here = request.headers.get("host", "")
    foreign = site not in ("", "same-origin", "none") if not origin else urlsplit(origin).netloc != here
    if foreign:
        raise Forbidden(
            "This was sent by a page of another site.", resolution="Open Innkeeper's own page and try there."
        )


async def actor(request: HTTPConnection) -> Actor:
    """Who looks at a page; SignInFirst when nobody is signed in."""
    house: House = request.app.state.house
    found = await BrowserSession(house).identify(request, oauth={})
    if found is None:
        raise SignInFirst(_target(request))
    return found


async def administrator(request: HTTPConnection) -> Actor:
    """Who looks at a page of administrators; Forbidden for others."""
    found = await actor(request)
    permit(found, Who.ADMIN)
    return found


SignedIn = Annotated[Actor, Depends(actor)]
AdminPage = Annotated[Actor, Depends(administrator)]


def _target(request: HTTPConnection) -> str:
    if request.scope.get("method", "GET") not in _SAFE:
        return "/"
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["path"]
    return path + (f"?{query}" if query else "")


def local(target: str) -> str:
    """A target as a path of this site; "/" for anything else."""
    parts = urlsplit(target)
    good = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if good and target.isprintable() else "/"


async def to_sign_in(request: HTTPConnection, error: Exception) -> Response:
    """The way to the sign-in page, and back afterwards."""
    assert isinstance(error, SignInFirst)
    return RedirectResponse(f"/sign-in?next={quote(error.target, safe='/')}", status_code=303)
