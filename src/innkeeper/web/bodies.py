"""How much a form may bring: of a stranger little, with a session enough for user data, and images as they are. And
addresses without what no database keeps."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from innkeeper.web import troubles
from innkeeper.web.sessions import COOKIE

STRANGER = 64 * 1024  # bytes: a name, a password, an address to go on to
MOST = 16 * 1024**2  # bytes: 4 MiB of user data, each byte of it written as three
UPLOADS = "/images/upload"  # reads the body itself, after it is known who sends it


class Bounded:
    """An app whose pages are sent no more than that: 413 for what is larger, before it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope = _without_nul(scope)
        if scope["type"] == "http" and troubles.for_people(scope["path"]) and scope["path"] != UPLOADS:
            receive = _bounded(receive, Headers(scope=scope))
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}  # the server leaves the body out
        await self._app(scope, receive, send)


def _without_nul(scope: Scope) -> Scope:
    """The NUL characters of an address as others that no name has either: PostgreSQL takes none. The native API refuses
    those of a query itself."""
    path, query = scope["path"].replace("\0", "\N{REPLACEMENT CHARACTER}"), scope["query_string"]
    if troubles.for_people(path):
        query = query.replace(b"%00", b"%EF%BF%BD")
    return {**scope, "path": path, "query_string": query}


def _bounded(receive: Receive, headers: Headers) -> Receive:
    most = MOST if _has_session(headers) else STRANGER
    said, taken = headers.get("content-length", ""), 0

    async def bounded() -> Message:
        nonlocal taken
        if said.isdecimal() and int(said) > most:
            raise HTTPException(413)
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)
        return message

    return bounded


def _has_session(headers: Headers) -> bool:
    """Whether there is a session's cookie. Not yet whether it is good: this only bounds what is read before that."""
    try:
        return COOKIE in SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return False
