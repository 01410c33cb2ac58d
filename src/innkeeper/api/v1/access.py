"""What all calls of the native API have in common: who asks, what they may send, how they are refused."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from innkeeper.api.auth import Actor, ApiKey, identify
from innkeeper.api.browser import BrowserSession
from innkeeper.api.house import House, StoredKeys
from innkeeper.errors import Invalid, NotFound, Unauthorized
from innkeeper.store.visibility import Viewer

_LARGEST = 2**63 - 1  # what every database's 64-bit integer holds
HostId = Annotated[int, Path(ge=0, le=_LARGEST)]
OfHost = Annotated[int | None, Query(ge=0, le=_LARGEST, description="Only of this VM host.")]
Cursor = Annotated[int, Query(ge=0, le=_LARGEST, description="The id of the last one that was seen.")]


class Refusal(BaseModel):
    """Every refusal of the native API: what is wrong, why, and what to do."""

    name: str
    brief: str
    details: str
    resolution: str


def answers(*more: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a call for its OpenAPI description: those that every call has, and `more`."""
    texts = {
        400: "An unknown query parameter, or a malformed Authorization header.",
        401: "No API key, or one that is not known.",
        403: "Not yours to do.",
        404: "No such thing, or one that is not shown to you.",
        409: "It cannot be done as things stand.",
    }
    return {status: {"model": Refusal, "description": texts[status]} for status in sorted({400, 401, *more})}


def house(request: HTTPConnection) -> House:
    """The house of this process."""
    inn: House = request.app.state.house
    return inn


async def actor(request: HTTPConnection) -> Actor:
    """The actor of a request or a websocket, by API key or by a browser's session; Unauthorized when nobody is known.

    Forbidden when a change, or a websocket, uses a session from another site's page.
    """
    inn = house(request)
    found = await identify([ApiKey(StoredKeys(inn.services)), BrowserSession(inn)], request, oauth={})
    if found is None:
        raise Unauthorized("Authorization Error: this call needs an API key.")
    return found


def viewer(who: Actor) -> Viewer | None:
    """What bounds the sight of an actor; None for administrators."""
    return None if who.is_admin else Viewer(user_id=who.user_id, username=who.username)


async def nothing_else(request: HTTPConnection) -> None:
    """Refuse query parameters that the call does not have: nothing is ignored silently. Needs an API key first."""
    await actor(request)
    known = [field.alias for field in request.scope["route"].dependant.query_params]
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        have = ", ".join(sorted(known)) or "none"
        raise Invalid(f"Unknown parameter {', '.join(repr(name[:80]) for name in unknown)}; known here: {have}.")
    if any("\0" in value for value in request.query_params.values()):
        raise Invalid("A query parameter holds a NUL character.")
    if any("\0" in str(value) for value in request.path_params.values()):
        raise NotFound("No such thing.")


def make_router(prefix: str, tag: str) -> APIRouter:
    """A router of the native API, whose calls refuse what they do not know."""
    return APIRouter(prefix=prefix, tags=[tag], dependencies=[Depends(nothing_else)])
