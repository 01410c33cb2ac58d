"""The two certificates between us and a VM host: ours, made anew or replaced; the server's, pinned anew."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import HostFailure, InnkeeperError, Invalid
from innkeeper.hypervisors import introduction
from innkeeper.store import hosts
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.host_settings import PATIENCE, reaching
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/settings/certificate")
Inn = Annotated[House, Depends(house)]
LOOK = 10.0  # how long a person waits to see what the server shows, seconds
BROUGHT = ("certificate", "key")


@router.get("")
async def settings(id: HostId) -> Response:
    """It is a part of the settings."""
    return RedirectResponse(f"/hosts/{id}/settings#client-certificate", status_code=303)


@router.get("/rotate")
async def ask_rotate(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    return await _rotate(request, inn, who, id)


@router.post("/rotate")
async def rotate(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """A new key and certificate, which the server is told to trust in place of the old."""
    try:
        await _put(request, who, id, [("regenerate_certificate", "true")])
    except InnkeeperError as error:
        return await _rotate(request, inn, who, id, trouble=Trouble.of(error))
    return await _end(inn, id, "A new certificate was made, and the server trusts it.")


@router.get("/replace")
async def ask_replace(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    return await _replace(request, inn, who, id, values={})


@router.post("/replace")
async def replace(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """A certificate and key that a person brought."""
    form = {name: str(value) for name, value in (await forms.read(request)).items()}
    try:
        # Empty ones too: a certificate without its key is refused by name, and neither is no change but a mistake.
        fields = [(name, form.get(name, "")) for name in BROUGHT]
        if not any(text.strip() for _, text in fields):
            introduction.bring_credentials(certificate="", key="")
        await _put(request, who, id, fields)
    except InnkeeperError as error:
        # The key is not sent back to the page.
        return await _replace(
            request, inn, who, id, values={"certificate": form.get("certificate", "")}, trouble=Trouble.of(error)
        )
    return await _end(inn, id, "The certificate was replaced.")


@router.get("/server")
async def ask_server(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    return await _server(request, inn, who, id)


@router.post("/server")
async def pin(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The server's certificate, which a person has compared, is pinned in place of the old one."""
    shown = str((await forms.read(request)).get("certificate_fingerprint", ""))
    try:
        if not shown.strip():
            message = "Say which certificate is to be pinned."
            raise Invalid("A fingerprint is missing.", fields={"certificate_fingerprint": [message]})
        await _put(request, who, id, [("certificate_fingerprint", shown)])
    except InnkeeperError as error:
        return await _server(request, inn, who, id, trouble=Trouble.of(error))
    return await _end(inn, id, "The server's new certificate is pinned.")


async def _put(request: Request, who: Actor, id: int, fields: list[tuple[str, str]]) -> None:
    await perform(request, who, "PUT", f"vm-hosts/{id}/", sent=fields, patience=PATIENCE)


async def _end(inn: House, id: int, words: str) -> Response:
    running = await inn.services.database.reading(reaching, id)
    if running:
        return done(f"/operations/{running}", "The host has not answered yet. This goes on by itself.")
    return done(f"/hosts/{id}/settings", words)


async def _rotate(request: Request, inn: House, who: Actor, id: int, *, trouble: Trouble = NONE) -> Response:
    def ask(sql: sa.Connection) -> tuple[Head, bool]:
        return head(sql, id), hosts.made_here(sql, id)

    top, made_here = await inn.services.database.reading(ask)
    return show(
        request,
        "host_rotate.html",
        who=who,
        top=top,
        title="New certificate",
        alive=False,
        status=trouble.status,
        made_here=made_here,
        trouble=trouble,
    )


async def _replace(
    request: Request, inn: House, who: Actor, id: int, *, values: dict[str, str], trouble: Trouble = NONE
) -> Response:
    top = await inn.services.database.reading(head, id)
    return show(
        request,
        "host_replace.html",
        who=who,
        top=top,
        title="Your own certificate",
        alive=False,
        status=trouble.status,
        values=values,
        trouble=trouble,
    )


async def _server(request: Request, inn: House, who: Actor, id: int, *, trouble: Trouble = NONE) -> Response:
    """Both fingerprints: what is pinned, and what the server shows at this moment."""
    top = await inn.services.database.reading(head, id)
    timeout = min(LOOK, inn.services.settings.host_timeout)
    shown, status = "", trouble.status
    try:
        certificate = await introduction.server_certificate(
            kind=top.host.kind, address=top.host.address, timeout=timeout
        )
        shown = introduction.fingerprint(certificate)
    except HostFailure as error:
        trouble = trouble if trouble.brief else Trouble.of(error)
    return show(
        request,
        "host_pin.html",
        who=who,
        top=top,
        title="Server's certificate",
        alive=False,
        status=status,
        shown=shown,
        trouble=trouble,
    )
