"""Between processes of one installation: the console of a machine whose host this process watches.

Outside both APIs: who calls shows no key of a user, but a pass of the installation's own. Whether a user may watch is
checked by the process that the user is connected to.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response, WebSocket
from fastapi import Path as PathParameter
from starlette.requests import HTTPConnection

from innkeeper.api.attendance import attend
from innkeeper.errors import Conflict, NotFound
from innkeeper.model.relay import Call
from innkeeper.operations.context import Services
from innkeeper.operations.relay import Kept, Told
from innkeeper.store import consoles

router = APIRouter(include_in_schema=False)


Process = Annotated[str, PathParameter(max_length=32)]
Machine = Annotated[str, PathParameter(max_length=20)]
Owner = Annotated[str, Query(pattern="^[0-9]{0,18}$")]


@router.get("/internal/consoles/{process}/{system_id}")
async def kept(request: Request, process: Process, system_id: Machine, owner: Owner = "") -> Response:
    """What is kept of it here."""
    there, proof = await _admitted(request, process, system_id, owner)
    opened = request.app.state.house.services.consoles
    text = opened.log(system_id, owner_id=there.owner_id)
    told = Kept(open=opened.is_open(system_id), text=text, proof=proof)
    return Response(msgspec.json.encode(told), media_type="application/json")


@router.websocket("/internal/consoles/{process}/{system_id}")
async def live(socket: WebSocket, process: Process, system_id: Machine, owner: Owner = "") -> None:
    """What a viewer sees and types, for all viewers of the process that calls."""
    there, proof = await _admitted(socket, process, system_id, owner)
    opened = socket.app.state.house.services.consoles
    await socket.accept()
    await socket.send_text(msgspec.json.encode(Told(proof=proof)).decode())
    if there.deploying:
        opened.watch(system_id)
    async with opened.view(system_id, owner_id=there.owner_id, stays=False, relays=True) as watching:
        await attend(socket, watching)


async def _admitted(request: HTTPConnection, process: str, system_id: str, owner: str) -> tuple[consoles.Place, str]:
    """Where the console is, for a process of this installation that means this one, and knows the owner; our proof."""
    services: Services = request.app.state.house.services
    call = Call(process=process, system_id=system_id, owner_id=int(owner) if owner else None)
    shown = services.relays.verify(call, request.headers.get("authorization", ""))
    if process != services.consoles.me():
        raise Conflict("Another process of this installation answers at this address.")
    there = await services.database.reading(consoles.place, system_id)
    if there is None:
        raise NotFound("This machine is gone.")
    services.relays.admit(shown, now=there.now)
    if there.watcher != process:
        raise Conflict("It does not watch the host any more.")
    if there.owner_id != call.owner_id:
        raise Conflict("The machine has another owner now.")
    return there, services.relays.proof(call, shown)
