"""The table of the API: a `Route` is one call, and the `Table` finds what a path stands for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.values import Values
from innkeeper.errors import NotFound, Unauthorized

PREFIX = "/MAAS/api/2.0/"

_PIECE = re.compile(r"\{(\w+)(?::(int|text|path))?\}")
# What MAAS serves without a final slash.
_BARE = re.compile(r"(virtual-machines|vm-clusters)/[^/]+|nodes/[^/]+/blockdevices/[^/]+/partitions?/[^/]+")
_PARTITION = re.compile(r"(nodes/[^/]+/blockdevices/[^/]+/partition)s(/[^/]+/)")  # MAAS takes both words
_NUMBER = re.compile(r"-?[0-9]{1,18}")  # what every database's 64-bit integer holds


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request on its way to a route. `path`: the values of the path's names; `services`: whatever the app gave."""

    route: Route
    actor: Actor | None
    path: Mapping[str, str]
    values: Values
    request: Request
    services: Any

    @property
    def user(self) -> Actor:
        """The actor of a call that is not anonymous."""
        if self.actor is None:
            raise Unauthorized("Authorization Error: this call needs an API key.")
        return self.actor

    @property
    def id(self) -> int:
        """The path's integer `{id}`."""
        return int(self.path["id"])

    def permit(self, *, owner_id: int | None, composer_id: int | None = None) -> None:
        """Check `Route.who` again, now that the target's owner is known. Raises Forbidden."""
        permit(self.actor, self.route.who, owner_id=owner_id, composer_id=composer_id)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One call of the API: (method, path, op) → `call`.

    `path` is relative to the API and ends in "/"; `{id}` and `{name:int}` take integers, `{name}` and `{id:text}` any
    text without "/", `{name:path}` any text. `model`: what a 404 calls the thing, "Pod". `doc`: first paragraph what,
    then details. `other`: any further key=value is accepted. `refused`: the call is one of MAAS's that means nothing
    here, whatever is sent with it; why, and what to do instead. `raw`: the body as a whole, of whatever type, is the
    value of this parameter.
    """

    handler: str  # "VmHosts": what describe and the clients call the path
    method: str
    path: str
    op: str | None = None
    call: Callable[[Call], Awaitable[object]]
    who: Who
    params: tuple[Param, ...] = ()
    doc: str
    other: bool = False
    refused: str = ""
    raw: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        """A route that cannot be meant is a ValueError."""
        where = f"{self.method} {self.path} op {self.op}"
        if not self.path.endswith("/") or self.path.startswith("/"):
            raise ValueError(f"{where}: the path must be relative and end in /")
        if self.method not in ("GET", "POST", "PUT", "DELETE"):
            raise ValueError(f"{where}: no such method")
        names = [param.name for param in self.params]
        if len(names) != len(set(names)) or "op" in names:
            raise ValueError(f"{where}: a parameter is there twice, or called op")
        for param in self.params:
            if param.alias_of and param.alias_of not in names:
                raise ValueError(f"{where}: {param.name} is an alias of {param.alias_of}, which is not there")

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the path, in order."""
        return tuple(name for name, _ in _PIECE.findall(self.path))

    @property
    def template(self) -> str:
        """The path with bare names: "resourcepool/{id}/"."""
        return _PIECE.sub(r"{\1}", self.path)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """All calls of one path."""

    path: str
    pattern: re.Pattern[str]
    integers: frozenset[str]
    routes: Mapping[tuple[str, str | None], Route]

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that some call has, and HEAD where there is GET."""
        found = {method for method, _ in self.routes}
        return tuple(sorted(found | ({"HEAD"} if "GET" in found else set())))

    def of(self, method: str) -> tuple[Route, ...]:
        """The calls of one method."""
        return tuple(route for (of, _), route in self.routes.items() if of == method)

    def check(self, path: Mapping[str, str]) -> None:
        """Raise NotFound if a piece that must be an integer is none, or one holds a NUL: no such thing can exist."""
        if any("\0" in piece for piece in path.values()) or not all(
            _NUMBER.fullmatch(path[name]) for name in self.integers
        ):
            raise no_match(next((route.model for route in self.routes.values() if route.model), ""))


class Table:
    """All routes, by path. A table that contradicts itself is a ValueError."""

    def __init__(self, routes: Iterable[Route]) -> None:
        grouped: dict[str, dict[tuple[str, str | None], Route]] = {}
        for route in routes:
            calls = grouped.setdefault(route.path, {})
            if (route.method, route.op) in calls:
                raise ValueError(f"two routes for {route.method} {route.path} op {route.op}")
            calls[route.method, route.op] = route
        shapes: dict[str, str] = {}
        for path in grouped:
            other = shapes.setdefault(_PIECE.sub("{}", path), path)
            if other != path:
                raise ValueError(f"{path} and {other} are the same path")
        resources = [_resource(path, calls) for path, calls in grouped.items()]
        self._fixed = {resource.path: resource for resource in resources if "{" not in resource.path}
        self._open = [resource for resource in resources if "{" in resource.path]

    def find(self, path: str) -> tuple[Resource, dict[str, str]] | None:
        """What a path relative to the API stands for, and the values of its names; a fixed path wins."""
        if _BARE.fullmatch(path):
            path += "/"
        path = _PARTITION.sub(r"\1\2", path)
        if fixed := self._fixed.get(path):
            return fixed, {}
        for resource in self._open:
            if match := resource.pattern.fullmatch(path):
                return resource, match.groupdict()
        return None


def no_match(model: str) -> NotFound:
    """The 404 of a thing that is not there, in the words that clients look for."""
    return NotFound(f"No {model} matches the given query." if model else "Not Found")


def _resource(path: str, calls: Mapping[tuple[str, str | None], Route]) -> Resource:
    pattern, end = "", 0
    for piece in _PIECE.finditer(path):
        pattern += re.escape(path[end : piece.start()]) + f"(?P<{piece[1]}>{'.+' if piece[2] == 'path' else '[^/]+'})"
        end = piece.end()
    integers = {name for name, kind in _PIECE.findall(path) if kind == "int" or (name == "id" and not kind)}
    return Resource(
        path=path, pattern=re.compile(pattern + re.escape(path[end:])), integers=frozenset(integers), routes=calls
    )
