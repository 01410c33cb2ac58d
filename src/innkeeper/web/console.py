"""The text console of a machine: live where JavaScript runs, and what was kept of it for everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from innkeeper.api.house import House
from innkeeper.api.v1 import consoles as api
from innkeeper.api.v1.access import house
from innkeeper.web.machine_head import read, show
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}")
Inn = Annotated[House, Depends(house)]


@router.get("/console")
async def console(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    """The island, and below it the text that is kept. Forbidden as the API has it."""
    kept = await api.read(system_id, inn, who)
    top = await read(inn, who, system_id)
    return show(
        request,
        "machine_console.html",
        top,
        title=f"{top.one.hostname}: console",
        kept=kept,
        socket=f"/api/v1/machines/{system_id}/console/live",
    )


@router.get("/console.txt")
async def download(inn: Inn, who: SignedIn, system_id: str) -> Response:
    """What is kept, as a file."""
    kept = await api.read(system_id, inn, who)
    headers = {
        "Content-Disposition": f'attachment; filename="{kept.hostname}-console.txt"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return PlainTextResponse(kept.text, headers=headers)
