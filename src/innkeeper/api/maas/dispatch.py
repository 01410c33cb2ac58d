"""The REST API 2.0 as one ASGI app: path and op find a route, who asks is checked, then what was sent, then it runs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from innkeeper.api import auth
from innkeeper.api.auth import Actor, Identifier, Who, permit
from innkeeper.api.house import AFTERWARDS
from innkeeper.api.maas import answers, bodies
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.describe import Description
from innkeeper.api.maas.parameters import read
from innkeeper.api.maas.routes import PREFIX, Call, Resource, Route, Table
from innkeeper.api.maas.values import Pairs
from innkeeper.errors import InnkeeperError, Invalid, NotFound

log = structlog.get_logger(__name__)

_OP_IN_PATH = re.compile(r"(?P<path>.*/)op-(?P<op>[^/]+)")
_TRACE = re.compile(r"[\x21-\x7e]{1,128}")


class Dispatch:
    """The ASGI app of a table of routes. `services` is handed to every call as it is; `docs`: see `Description`."""

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        services: Any = None,
        identifiers: Iterable[Identifier] = (),
        docs: Mapping[str, str] | None = None,
    ) -> None:
        self.description = Description(routes, docs=docs)
        self._table = Table((*routes, self.description.route()))
        self._services = services
        self._identifiers = tuple(identifiers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        request = Request(scope, receive)
        trace = request.headers.get("maas-trace-id", "")
        if not _TRACE.fullmatch(trace):
            trace = secrets.token_hex(16)
        with structlog.contextvars.bound_contextvars(trace_id=trace):
            try:
                answer = await self._answer(request)
                response = self._response(answer, trace=trace, bare=request.method == "HEAD")
                await response(scope, receive, send)
            except (ClientDisconnect, OSError):
                log.debug("client is gone", method=request.method, path=scope["path"])
                return
            await self._afterwards(request)

    async def _afterwards(self, request: Request) -> None:
        """What handlers left to be done when their answer was sent."""
        for work in request.scope.get(AFTERWARDS, ()):
            try:
                await work()
            except InnkeeperError as error:
                log.warning("could not finish what was answered", path=request.scope["path"], error=str(error))

    def _response(self, answer: Answer, *, trace: str, bare: bool) -> Response:
        headers = {"X-MAAS-API-Hash": self.description.hash, "Vary": "Authorization", "MAAS-trace-id": trace}
        headers |= {"Content-Type": answer.content_type, **answer.headers}
        if answer.spool is not None:
            headers["Content-Length"] = str(answer.spool.length)
            if not bare:
                return StreamingResponse(answer.spool.sent(), status_code=answer.status, headers=headers)
            answer.spool.close()
        response = Response(answer.raw, status_code=answer.status, headers=headers)
        if bare:
            response.body = b""  # the length of the body that GET would have stays
        return response

    async def _answer(self, request: Request) -> Answer:
        try:
            return answers.of(await self._run(request))
        except InnkeeperError as error:
            if error.status >= 500:
                log.warning("call failed", method=request.method, path=request.scope["path"], error=str(error))
            return answers.refusal(error)
        except ClientDisconnect:
            raise
        except Exception:
            reference = secrets.token_hex(6)
            # The path and not the URL: a query may hold a key.
            log.exception("internal error", reference=reference, method=request.method, path=request.scope["path"])
            return Answer(status=500, body=f"Internal server error (reference {reference}).")

    async def _run(self, request: Request) -> object:
        full = request.scope["path"]
        path = full.replace("/MAAS//", "/MAAS/", 1).partition(PREFIX)[2]  # Ansible with a final slash in its host
        form = _OP_IN_PATH.fullmatch(path)
        found = self._table.find(form["path"] if form else path)
        if found is None:
            raise NotFound(f"Unknown API endpoint: {full}.")
        resource, names = found
        method = "GET" if request.method == "HEAD" else request.method
        if method not in resource.methods:
            allowed = ", ".join(resource.methods)
            return Answer(
                status=405, body=f"Method {method} is not allowed here; use {allowed}.", headers={"Allow": allowed}
            )
        resource.check(names)
        actor, pairs = await self._receive(request, routes=resource.of(method))
        ops = {op for name, op in pairs if name == "op" and op} | ({form["op"]} if form else set())
        route = _choose(resource, method=method, ops=ops)
        sent = tuple(pair for pair in pairs if pair[0] != "op" and not pair[0].startswith("oauth_"))
        return await self._call(route, actor=actor, names=names, sent=sent, request=request)

    async def perform(
        self, *, actor: Actor, request: Request, method: str, path: str, op: str | None = None, sent: Pairs = ()
    ) -> object:
        """A call of the table for somebody who is known already, as the pages make it. Raises what the call raises.

        `path`: as it stands in an address, names with blanks or slashes quoted.
        """
        found = self._table.find(path)
        if found is None:
            raise NotFound(f"Unknown API endpoint: {path}.")
        resource, names = found[0], {name: unquote(text) for name, text in found[1].items()}
        resource.check(names)
        route = _choose(resource, method=method, ops={op} if op else set())
        return await self._call(route, actor=actor, names=names, sent=sent, request=request)

    async def _call(
        self, route: Route, *, actor: Actor | None, names: Mapping[str, str], sent: Pairs, request: Request
    ) -> object:
        permit(actor, route.who.door)
        if route.refused:
            raise Invalid(f"{route.doc} {route.refused}")
        values = read(route.params, sent, other=route.other)
        call = Call(route=route, actor=actor, path=names, values=values, request=request, services=self._services)
        return await route.call(call)

    async def _receive(self, request: Request, *, routes: Sequence[Route]) -> tuple[Actor | None, Pairs]:
        """Who asks, and everything that was sent. A big body is taken only from somebody we know."""
        doors, raw = {route.who for route in routes}, next((route.raw for route in routes if route.raw), "")
        query = bodies.urlencoded(request.scope["query_string"])
        named = doors != {Who.ANONYMOUS}  # a wrong key does not matter where none is asked for
        actor = await self._identify(request, query) if named else None
        if actor is None and Who.ANONYMOUS not in doors and (raw or not _may_hold_key(request)):
            permit(actor, Who.USER)
        limit = bodies.LIMIT if actor else bodies.ANONYMOUS_LIMIT
        body = await bodies.read(request, limit=limit, raw=raw)
        if actor is None and named:
            actor = await self._identify(request, body)
        return actor, query + body

    async def _identify(self, request: Request, pairs: Pairs) -> Actor | None:
        oauth = {name: value for name, value in pairs if name.startswith("oauth_") and isinstance(value, str)}
        return await auth.identify(self._identifiers, request, oauth=oauth)


def _may_hold_key(request: Request) -> bool:
    """Whether the body may hold the oauth_* values: in a form only, says OAuth 1.0."""
    return bodies.media_type(request.headers.get("content-type", "")) in (bodies.FORM, bodies.MULTIPART)


def _choose(resource: Resource, *, method: str, ops: set[str | bytes]) -> Route:
    """The route of the method and the op; no op and an empty one are the same. Raises Invalid."""
    if len(ops) > 1:
        raise Invalid("The request names more than one op.")
    op = next(iter(ops), None)
    for route in resource.of(method):
        if route.op == op:
            return route
    known = ", ".join(f"{route.method} {route.op or 'without op'}" for route in resource.routes.values())
    asked = f"op {str(op)[:60]!r}" if op else "no op"
    raise Invalid(f"No such call: method {method} with {asked}; known here: {known}.")
