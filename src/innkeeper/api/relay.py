"""Between processes of one installation: the console of a machine whose host this process watches.

Outside both APIs: who calls shows no key of a user, but a pass of the installation's own. Whether a user may watch is
checked by the process that the user is connected to.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, WebSocket

from innkeeper.api.attendance import attend
from innkeeper.api.house import House
from innkeeper.errors import Conflict, NotFound
from innkeeper.model.relay import Call
from innkeeper.operations.relay import Told
from innkeeper.store import consoles

router = APIRouter(include_in_schema=False)


@router.websocket("/internal/consoles/{process}/{system_id}")
async def relay(
    socket: WebSocket,
    process: Annotated[str, Path(max_length=32)],
    system_id: Annotated[str, Path(max_length=20)],
    owner: Annotated[str, Query(pattern="^[0-9]{0,18}$")] = "",
) -> None:
    """What a viewer sees and types, for all viewers of the process that calls."""
    house: House = socket.app.state.house
    services, opened = house.services, house.services.consoles
    call = Call(process=process, system_id=system_id, owner_id=int(owner) if owner else None)
    shown = services.relays.verify(call, socket.headers.get("authorization", ""))
    if process != opened.me():
        raise Conflict("Another process of this installation answers at this address.")
    there = await services.database.reading(consoles.place, system_id)
    if there is None:
        raise NotFound("This machine is gone.")
    services.relays.admit(shown, now=there.now)
    if there.watcher != process:
        raise Conflict("It does not watch the host any more.")
    if there.owner_id != call.owner_id:
        raise Conflict("The machine has another owner now.")
    await socket.accept()
    await socket.send_text(msgspec.json.encode(Told(proof=services.relays.proof(call, shown))).decode())
    if there.deploying:
        opened.watch(system_id)
    async with opened.view(system_id, owner_id=there.owner_id, stays=False, relays=True) as watching:
        await attend(socket, watching)
