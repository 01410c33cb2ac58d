"""Events: what happened, searched by words, kind, VM host, machine and actor."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.auth import Who, permit
from innkeeper.api.house import House
from innkeeper.api.v1.access import house, viewer
from innkeeper.store import event_pages, events
from innkeeper.store.event_pages import KINDS, Page, Wanted
from innkeeper.web import live
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import address

router = APIRouter(include_in_schema=False)
PAGE = 50
Id = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
Text = Annotated[str, Query(max_length=200)]


@router.get("/events")
async def listing(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    q: Text = "",
    kind: Text = "",
    host: Text = "",
    machine: Text = "",
    actor: Text = "",
    before: Id = None,
    after: Id = None,
) -> Response:
    """Newest first. Audit events are for administrators."""
    if kind == "audit":
        permit(who, Who.ADMIN)
    texts = {"q": q, "kind": kind, "host": host, "machine": machine, "actor": actor}
    values = {name: text.replace("\0", "").strip() for name, text in texts.items()}
    wanted = Wanted(
        words=tuple(values["q"].split()),
        **{name: values[name] for name in ("kind", "host", "machine", "actor")},
    )

    def ask(sql: sa.Connection) -> tuple[int, Page]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        return cursor, event_pages.page(sql, wanted, before=before, after=after, limit=PAGE, seen_by=viewer(who))

    cursor, found = await inn.services.database.reading(ask)
    newer, older = turn(request, found)
    return render(
        request,
        "events.html",
        title="Events",
        actor=who,
        values=values,
        narrowed=any(values.values()),
        kinds=[one for one in KINDS if who.is_admin or one != "audit"],
        found=found,
        newer=newer,
        older=older,
        live=live.address(cursor=cursor),
    )


def turn(request: Request, found: Page) -> tuple[str, str]:
    """The addresses of the newer and the older events; "" for none."""
    if not found.rows:
        return "", ""
    newer = address(request, after=found.rows[0].event.id, before=None) if found.newer else ""
    older = address(request, before=found.rows[-1].event.id, after=None) if found.older else ""
    return newer, older
