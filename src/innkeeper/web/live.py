"""The stream that an open page listens to: that something changed, and nothing else. The page then asks for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from innkeeper.api.followers import permitted
from innkeeper.api.house import House
from innkeeper.api.v1.access import actor, house, viewer
from innkeeper.store.events import Event
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False)
PATH = "/live"


def address(*, cursor: int, host_id: int | None = None, system_id: str = "", operation: str = "") -> str:
    """Where a page that shows the state at `cursor` hears of what comes after; of one host, machine or operation."""
    of = {"host_id": host_id, "system_id": system_id, "operation": operation}
    return f"{PATH}?{urlencode({'after': cursor, **{name: one for name, one in of.items() if one not in (None, '')}})}"


@router.get(PATH)
async def live(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)],
    last_event_id: Annotated[int | None, Header(ge=0, le=2**63 - 1)] = None,
    host_id: int | None = None,
    system_id: str = "",
    operation: str = "",
) -> StreamingResponse:
    """Server-sent events `changed`, each with the id of the newest event that it stands for."""
    cursor = max(after, last_event_id or 0)
    pages = inn.feed.follow(
        cursor=cursor, host_id=host_id, system_id=system_id, operation=operation, seen_by=viewer(who)
    )
    told = permitted(pages, who=who, again=partial(actor, request))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(told), media_type="text/event-stream", headers=headers)


async def _lines(pages: AsyncIterator[list[Event]]) -> AsyncIterator[bytes]:
    yield b"retry: 500\n: open\n\n"
    async for page in pages:
        yield b"id: %d\nevent: changed\ndata: \n\n" % page[-1].id if page else b": still here\n\n"
