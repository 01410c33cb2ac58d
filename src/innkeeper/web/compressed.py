"""Pages are sent compressed. The API is not (its clients may not know how), and neither is a stream of events."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from innkeeper.web import live, troubles

LEAST, LEVEL = 1000, 5  # bytes of a page that it is worth it; a higher level costs more time than it saves


class Compressed:
    """An app whose pages are compressed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gzip = GZipMiddleware(app, minimum_size=LEAST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = scope["type"] == "http" and troubles.for_people(scope["path"]) and scope["path"] != live.PATH
        await (self._gzip if page else self._app)(scope, receive, send)
