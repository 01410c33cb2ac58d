"""What somebody should look at, all of it. The first few are on top of every page."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house, viewer
from innkeeper.store import events, notices
from innkeeper.store.notices import Shown
from innkeeper.web import live
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/notices")
MOST = 500


@router.get("")
async def listing(request: Request, inn: Annotated[House, Depends(house)], who: SignedIn) -> Response:
    """All notices that who looks may see, the urgent ones first."""

    def ask(sql: sa.Connection) -> tuple[int, Shown]:
        cursor = events.last(sql)
        return cursor, notices.shown(sql, viewer(who), most=MOST)

    cursor, found = await inn.services.database.reading(ask)
    return render(
        request,
        "notices.html",
        title="Notices",
        actor=who,
        rows=found.first,
        more=found.more,
        live=live.address(cursor=cursor),
    )
