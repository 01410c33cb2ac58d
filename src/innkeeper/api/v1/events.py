"""The event feed in the native API: pages with a cursor, and a stream of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.followers import permitted
from innkeeper.api.house import House
from innkeeper.api.v1.access import Cursor, OfHost, actor, answers, house, make_router, viewer
from innkeeper.store import events
from innkeeper.store.events import Event

router = make_router("/events", "events")


class EventBody(BaseModel):
    """One event. `subject`: the machine it is about, else the host's id."""

    id: int
    at: float
    kind: str
    what: str
    text: str
    host_id: int | None
    system_id: str
    subject: str
    operation: str
    state: str
    step: str
    actor: str
    address: str
    request: str


def _values(one: Event) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in Event.__dataclass_fields__}
    return values | {"subject": one.system_id or (str(one.host_id) if one.host_id is not None else "")}


@router.get("", summary="Read events after a cursor", responses=answers(403))
async def listing(
    inn: Annotated[House, Depends(house)],
    who: Annotated[Actor, Depends(actor)],
    after: Cursor = 0,
    host_id: OfHost = None,
    system_id: str = "",
    operation: str = "",
    kind: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[EventBody]:
    """Oldest first; the last one's id is the next cursor. Audit events are for administrators."""
    permit(who, Who.ADMIN if kind == "audit" else Who.USER)
    found = await inn.services.database.reading(
        events.after,
        cursor=after,
        limit=limit,
        host_id=host_id,
        system_id=system_id,
        operation=operation,
        kind=kind,
        seen_by=viewer(who),
    )
    return [EventBody.model_validate(_values(one)) for one in found]


_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events: `id`, and `data` with one event.", "content": {"text/event-stream": {}}}
}


@router.get(
    "/stream",
    summary="Follow events as they happen",
    response_class=StreamingResponse,
    responses=_STREAM | answers(),
)
async def stream(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: Annotated[Actor, Depends(actor)],
    after: Cursor | None = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**63 - 1)] = None,
    host_id: OfHost = None,
    system_id: str = "",
    operation: str = "",
) -> StreamingResponse:
    """Server-sent events from the cursor on (`after`, or the Last-Event-ID of a reconnect), without one from now on."""
    permit(who, Who.USER)
    cursor = last_event_id if last_event_id is not None else after
    if cursor is None:
        cursor = await inn.services.database.reading(events.last)
    pages = inn.feed.follow(
        cursor=cursor, host_id=host_id, system_id=system_id, operation=operation, seen_by=viewer(who)
    )
    told = permitted(pages, who=who, again=partial(actor, request))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(told), media_type="text/event-stream", headers=headers)


async def _lines(pages: AsyncIterator[list[Event]]) -> AsyncIterator[bytes]:
    yield b": open\n\n"
    async for page in pages:
        if not page:
            yield b": still here\n\n"
        for one in page:
            yield b"id: %d\ndata: %s\n\n" % (one.id, msgspec.json.encode(_values(one)))
