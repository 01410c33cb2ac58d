"""Serial consoles in the native API: the text that is kept, and the live one over a websocket.

On the websocket binary messages are the console, both ways. Text messages from the server are words of Innkeeper's own:
{"word": "opened" | "waiting" | "dropped" | "ended", "text": "…"}. It is closed with 1000 when all was told, and with
1001 when it is only this server that stops.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, WebSocket
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from innkeeper.api.attendance import attend
from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import actor, answers, house, make_router, viewer
from innkeeper.errors import InnkeeperError, NotFound
from innkeeper.model.console import plain
from innkeeper.operations.console_viewer import Viewer
from innkeeper.store import consoles, deployments
from innkeeper.store.database import Write

router = make_router("/machines", "consoles")

RECHECK = 5.0  # how often it is asked whether a viewer still may, seconds


class ConsoleBody(BaseModel):
    """What is kept of a console: its last 64 KiB, without what steers a terminal. `open`: text comes right now."""

    system_id: str
    hostname: str
    open: bool
    text: str


@router.get("/{system_id}/console", summary="Read what a machine's console printed last", responses=answers(403, 404))
async def read(
    system_id: str, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> ConsoleBody:
    """Of the time during which this server had it open: while the machine was deployed, or somebody watched.

    Of a deployment that failed the last lines are kept beside.
    """
    there = await _permitted(inn, who, system_id)
    kept = await inn.services.consoles.kept(system_id, there)
    text = plain(kept.text)
    if not text and (deployment := await inn.services.database.reading(deployments.find, system_id)):
        text = deployment.console
    return ConsoleBody(
        system_id=system_id,
        hostname=there.hostname,
        open=kept.open,
        text=text,
    )


@router.websocket("/{system_id}/console/live")
async def live(
    socket: WebSocket, system_id: str, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> None:
    """Follow a machine's console and type into it."""
    there = await _permitted(inn, who, system_id)
    await inn.services.database.writing(_opened, socket, who, there, system_id)
    await socket.accept()
    opened = inn.services.consoles.view(system_id, owner_id=there.owner_id, stays=who.is_admin)
    async with opened as watching:
        checking = asyncio.create_task(_recheck(inn, socket, system_id, watching))
        try:
            await attend(socket, watching)
        finally:
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)


async def _permitted(inn: House, who: Actor, system_id: str) -> consoles.Place:
    """Where the console is, for its machine's owner and administrators; others' machines are not there for a user."""
    there = await inn.services.database.reading(consoles.place, system_id)
    seen_by = viewer(who)
    if there is None or (seen_by and there.owner_id not in (None, seen_by.user_id)):
        raise NotFound("No Machine matches the given query.")
    permit(who, Who.OWNER, owner_id=there.owner_id)
    return there


def _opened(write: Write, socket: HTTPConnection, who: Actor, there: consoles.Place, system_id: str) -> None:
    audit(write, socket, who, f"opened the console of {there.hostname}", host_id=there.host_id, system_id=system_id)


async def _recheck(inn: House, socket: WebSocket, system_id: str, watching: Viewer) -> None:
    """A key may be deleted, and a machine may become another's, while somebody watches."""
    while True:
        await asyncio.sleep(RECHECK)
        try:
            await _permitted(inn, await actor(socket), system_id)
        except InnkeeperError as error:
            if error.status < 500:
                watching.end(f"You may not watch this console any more: {error.brief}")
