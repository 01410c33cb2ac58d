"""A VM host: what happened on it."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.auth import Who, permit
from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house, viewer
from innkeeper.store import event_pages
from innkeeper.store.event_pages import KINDS, Page, Wanted
from innkeeper.web.events import Id, Text, turn
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/events")
PAGE = 50


@router.get("")
async def happened(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    id: HostId,
    q: Text = "",
    kind: Text = "",
    before: Id = None,
    after: Id = None,
) -> Response:
    """Newest first, searched, page by page. Audit events are for administrators."""
    if kind == "audit":
        permit(who, Who.ADMIN)
    words = tuple(q.replace("\0", "").split())

    def ask(sql: sa.Connection) -> tuple[Head, Page]:
        top = head(sql, id)
        wanted = Wanted(words=words, kind=kind.replace("\0", ""), host=top.host.name)
        return top, event_pages.page(sql, wanted, before=before, after=after, limit=PAGE, seen_by=viewer(who))

    top, found = await inn.services.database.reading(ask)
    newer, older = turn(request, found)
    return show(
        request,
        "host_events.html",
        who=who,
        top=top,
        title="Events",
        found=found,
        newer=newer,
        older=older,
        q=q,
        kind=kind,
        kinds=[one for one in KINDS if who.is_admin or one != "audit"],
    )
