"""The description of the API, made from the route table: what the CLI and python-libmaas build their commands from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request

from innkeeper.api.auth import Who
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import PREFIX, Call, Route

DOC = "Innkeeper: virtual machines composed on hosts, within limits that hold. This is MAAS's REST API 2.0."

_CRUD = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}


class Description:
    """The description of a table of routes. `docs`: what each handler is for, by its name."""

    def __init__(self, routes: Iterable[Route], *, docs: Mapping[str, str] | None = None) -> None:
        handlers: dict[str, list[Route]] = {}
        for route in routes:
            handlers.setdefault(route.handler, []).append(route)
        self._resources = [_resource(name, calls, (docs or {}).get(name, "")) for name, calls in handlers.items()]
        canonical = msgspec.json.encode([DOC, self._resources], order="sorted")
        self.hash = hashlib.sha1(canonical, usedforsecurity=False).hexdigest()

    def document(self, base: str) -> dict[str, Any]:
        """The description for a client that knows this server as `base`, "http://inn:5240"."""
        resources = [{**resource, **_at(base, resource)} for resource in self._resources]
        handlers = [resource[side] for resource in resources for side in ("anon", "auth") if resource[side]]
        return {"doc": DOC, "hash": self.hash, "handlers": handlers, "resources": resources}

    def route(self) -> Route:
        """The call that answers the description. It is in no table, so that it need not describe itself."""

        async def call(call: Call) -> Answer:
            # The stock CLI compares the Content-Type as a whole, and knows it without a charset only.
            body = msgspec.json.encode(self.document(_base(call.request)))
            return Answer(body=body, content_type="application/json")

        doc = "Describe the API."
        return Route(handler="Describe", method="GET", path="describe/", call=call, who=Who.ANONYMOUS, doc=doc)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _at(base: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    sides = {side: resource[side] for side in ("anon", "auth")}
    return {side: handler and {**handler, "uri": base + handler["path"]} for side, handler in sides.items()}


def _resource(name: str, routes: list[Route], doc: str) -> dict[str, Any]:
    """One resource as its clients see it: with a key, and without one."""
    if len({route.path for route in routes}) > 1:
        raise ValueError(f"handler {name} has more than one path")
    free = [route for route in routes if route.who is Who.ANONYMOUS]
    # Without an "auth" side a client with a key takes the other one, under its plain name.
    closed = len(free) < len(routes)
    anon = f"Anon{name}Handler" if closed else f"{name}Handler"
    return {
        "name": f"{name}Handler",
        "anon": _handler(anon, free, doc) if free else None,
        "auth": _handler(f"{name}Handler", routes, doc) if closed else None,
    }


def _handler(name: str, routes: list[Route], doc: str) -> dict[str, Any]:
    route = routes[0]
    return {
        "name": name,
        "doc": doc or f"Calls on {route.template}.",
        "path": PREFIX + route.template,
        "params": list(route.names),
        "actions": [_action(route) for route in routes],
    }


def _action(route: Route) -> dict[str, Any]:
    return {
        "name": route.op or _CRUD[route.method],
        "method": route.method,
        "op": route.op,
        "restful": route.op is None,
        "doc": _doc(route),
    }


def _doc(route: Route) -> str:
    """The text of a call. Its `:param` lines stand after the first paragraph, where the CLI looks for them."""
    lines = [_param(param) for param in route.params if not param.refused]
    if route.refused:
        lines.append(f":param KEY: Refused: {route.refused}")
    if route.other:
        kind = (
            "filter; nothing matches" if route.method == "GET" else "further key=value; an empty value removes the key"
        )
        lines.append(f":param KEY: Any {kind}.")
    return "\n\n".join([route.doc.strip(), "\n".join(lines)]) if lines else route.doc.strip()


def _param(param: Param) -> str:
    if param.alias_of:
        return f":param {param.name}: the same as {param.alias_of}"
    facts: list[str] = [param.kind if param.kind != "csv" else "comma-separated"]
    if param.required:
        facts.append("required")
    if param.repeated:
        facts.append("may be repeated")
    if param.choices:
        facts.append(f"one of {', '.join(filter(None, param.choices))}")
    if param.minimum is not None:
        facts.append(f"at least {param.minimum:.15g}")
    if param.maximum is not None:
        facts.append(f"at most {param.maximum:.15g}")
    if param.longest is not None:
        facts.append(f"at most {param.longest} characters")
    if param.must_equal is not None:
        facts.append(f"must be {' or '.join(('empty', *param.must_equal))}")
    if param.example:
        facts.append(f"for example {param.example}")
    return f":param {param.name}: {param.doc} ({'; '.join(facts)})".replace(":  (", ": (")
