"""Add a VM host, the fourth step: the server is given our certificate. That it trusts it is found without asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import HostFailure, NotFound
from innkeeper.operations import prepare_host
from innkeeper.store import host_drafts
from innkeeper.store.database import Write
from innkeeper.store.host_drafts import Draft
from innkeeper.web.add_host_steps import Added, address, find, open_to, show
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.sessions import AdminPage, onward

router = APIRouter(include_in_schema=False, prefix="/hosts/add/{id:int}/trust")
Inn = Annotated[House, Depends(house)]
WAITING, AWAY, TRUSTED = "waiting", "away", "trusted"


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """How to have the certificate trusted; once it is, the next step instead."""
    one = await inn.services.database.reading(find, id)
    if not open_to(one, "trust"):
        return onward(request, address(one))
    state, incus, trouble = await _look(inn, one)
    if state == TRUSTED:
        if not one.trusted:
            await inn.services.database.writing(_trusted, request, who, one)
        return onward(request, address(one, "project"))
    return show(
        request,
        "add_host_trust.html",
        who=who,
        step="trust",
        draft=one,
        title=f"Trust · add {one.name}",
        away=trouble,
        incus=incus,
        live=f"{address(one, 'trust')}/live?shown={state}",
    )


def _trusted(write: Write, request: Request, who: AdminPage, one: Draft) -> None:
    host_drafts.update(write, one.id, trusted=True, trouble="")
    audit(write, request, who, f"found that {one.address} trusts our certificate for {one.name}")


async def _look(inn: House, one: Draft) -> tuple[str, bool, Trouble]:
    """How things stand with the server, whether it is Incus, and why it cannot be asked."""
    try:
        found = await prepare_host.look(inn.services, one)
    except HostFailure as error:
        return AWAY, False, Trouble.of(error)
    return TRUSTED if found.trusted else WAITING, found.hypervisor == "incus", NONE


@router.get("/live")
async def follow(
    inn: Inn, who: AdminPage, id: HostId, shown: Annotated[str, Query(max_length=20)] = ""
) -> StreamingResponse:
    """Server-sent events `changed`: how things stand is not what an open page shows. The server is asked meanwhile,
    as one that waits for trust is; it cannot tell by itself."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(inn, id, shown), media_type="text/event-stream", headers=headers)


async def _lines(inn: House, id: int, shown: str) -> AsyncIterator[bytes]:
    yield b"retry: 500\n: open\n\n"
    while not await inn.feed.rest(inn.services.settings.trust_every):
        try:
            one = await inn.services.database.reading(find, id)
        except (NotFound, Added):
            state = "gone"
        else:
            state = TRUSTED if one.trusted else (await _look(inn, one))[0]
        if state != shown:
            shown = state
            yield b"event: changed\ndata: \n\n"
        else:
            yield b": still here\n\n"


@router.get("/certificate")
async def certificate(inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Our certificate as a file, for the server's trust list."""
    one = await inn.services.database.reading(find, id)
    headers = {"Content-Disposition": f'attachment; filename="{one.name}.crt"', "Cache-Control": "no-store"}
    return PlainTextResponse(one.certificate, media_type="application/x-pem-file", headers=headers)
