"""Who asks, by the session of their browser. Another site cannot use it: where a change comes from is checked."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.errors import Forbidden
from innkeeper.store import sessions

COOKIE = "innkeeper_session"
SAFE = ("GET", "HEAD", "OPTIONS")


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
    if request.scope["type"] == "http" and request.scope["method"] in SAFE:
        return
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    here = request.headers.get("host", "")
    try:
        foreign = site not in ("", "same-origin", "none") if not origin else urlsplit(origin).netloc != here
    except ValueError:  # an origin that none can be
        foreign = True
    if foreign:
        raise Forbidden(
            "This was sent by a page of another site.", resolution="Open Innkeeper's own page and try there."
        )
