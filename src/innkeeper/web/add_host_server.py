"""Add a VM host, the third step: the server shows itself, and a person says that it is the right one.

Until then nothing was sent to it: no token, no password, no certificate.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import Conflict, HostFailure, InnkeeperError
from innkeeper.hypervisors import introduction
from innkeeper.model.host import Host
from innkeeper.operations import prepare_host
from innkeeper.store import host_drafts, hosts
from innkeeper.store.database import Write
from innkeeper.store.host_drafts import TOKEN, Draft
from innkeeper.web.add_host_steps import address, find, open_to, show
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/add/{id:int}/server")
Inn = Annotated[House, Depends(house)]


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """What the server shows now."""
    return await _page(request, inn, who, await inn.services.database.reading(find, id))


@router.post("")
async def confirm(
    request: Request, inn: Inn, who: AdminPage, id: HostId, fingerprint: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """Pin the certificate that was on the page, if the server still shows it; then a token or password is used."""
    one = await inn.services.database.reading(find, id)
    if not open_to(one, "server"):
        return done(address(one))
    try:
        certificate, shown = await prepare_host.meet(inn.services, one)
        _refuse_another(shown, fingerprint, await _by_token(inn, one))
    except (HostFailure, Conflict) as error:
        return await _page(request, inn, who, one, trouble=Trouble.of(error))

    def change(write: Write) -> Draft:
        fresh: dict[str, Any] = {} if one.fingerprint == shown else {"trusted": False, "project": ""}
        host_drafts.update(write, id, server_certificate=certificate, fingerprint=shown, **fresh)
        audit(write, request, who, f"confirmed the certificate {shown} of {one.address}")
        return host_drafts.find(write.sql, id)

    after = await inn.services.database.writing(change)
    if await inn.services.database.reading(host_drafts.secret, inn.services.cipher, id):
        await prepare_host.be_trusted(inn.services, after)
        after = await inn.services.database.reading(find, id)
    return done(address(after))


def _refuse_another(shown: str, confirmed: str, by_token: str) -> None:
    if by_token and by_token != shown:
        raise Conflict(
            "The trust token is of another server.",
            details=f"It names the certificate {by_token}.",
            resolution="Check the address, or make a token on this server.",
        )
    if not hmac.compare_digest(shown.encode(), confirmed.encode()):
        raise Conflict(
            "The server shows another certificate now than it did on the page.",
            resolution="Compare it again: somebody may be between you and the server.",
        )


async def _by_token(inn: House, one: Draft) -> str:
    """The fingerprint that the token names; "" without a token."""
    if one.way != TOKEN:
        return ""
    text = await inn.services.database.reading(host_drafts.secret, inn.services.cipher, one.id)
    return introduction.named_by_token(text)


async def _page(request: Request, inn: House, who: AdminPage, one: Draft, *, trouble: Trouble = NONE) -> Response:
    if not open_to(one, "server"):
        return done(address(one))
    shown = by_token = ""
    try:
        by_token = await _by_token(inn, one)
        _, shown = await prepare_host.meet(inn.services, one)
    except InnkeeperError as error:
        trouble = trouble if trouble.brief else Trouble.of(error)

    def ask(sql: sa.Connection) -> list[Host]:
        return [host for host in hosts.listing(sql) if shown and host.fingerprint == shown]

    return show(
        request,
        "add_host_server.html",
        who=who,
        step="server",
        draft=one,
        title=f"Server · add {one.name}",
        trouble=trouble,
        shown=shown,
        by_token=by_token,
        known=await inn.services.database.reading(ask),
    )
