"""A VM host that does not trust us, yet or any more: how to have it do so. It is found by itself when it does."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import InnkeeperError
from innkeeper.model.host import Host, HostState
from innkeeper.store import events, hosts
from innkeeper.web import live
from innkeeper.web.calls import NONE, Trouble, perform
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage, onward

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/trust")
Inn = Annotated[House, Depends(house)]
WITHOUT_TRUST = (HostState.WAITING, HostState.UNTRUSTED)


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The certificate and what to do with it; once it trusts us, the host's own page."""

    def ask(sql: sa.Connection) -> tuple[int, Host, str]:
        return events.last(sql), hosts.find(sql, id), hosts.pins(sql, id)[0]

    cursor, host, certificate = await inn.services.database.reading(ask)
    if host.state not in WITHOUT_TRUST:
        return onward(request, f"/hosts/{id}")
    return render(
        request,
        "host_trust.html",
        title=f"Trust · {host.name}",
        actor=who,
        host=host,
        certificate=certificate,
        live=live.address(cursor=cursor, host_id=id),
    )


@router.get("/token")
async def ask_token(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The form for a token."""
    return _token(request, who, await inn.services.database.reading(hosts.find, id))


@router.post("/token")
async def use_token(
    request: Request, inn: Inn, who: AdminPage, id: HostId, password: Annotated[str, Form(max_length=10_000)] = ""
) -> Response:
    """Be trusted by a token, or an old server's password."""
    host = await inn.services.database.reading(hosts.find, id)
    if not password.strip():
        trouble = Trouble(brief="The token is missing.", fields={"password": ["It is empty."]}, status=400)
        return _token(request, who, host, trouble=trouble)
    try:
        await perform(request, who, "PUT", f"vm-hosts/{id}/", sent=[("password", password.strip())])
    except InnkeeperError as error:
        return _token(request, who, host, trouble=Trouble.of(error))
    return done(f"/hosts/{id}", f"{host.name} was given the token.")


def _token(request: Request, who: AdminPage, host: Host, *, trouble: Trouble = NONE) -> Response:
    return render(
        request,
        "host_trust_token.html",
        title=f"Trust by token · {host.name}",
        actor=who,
        status=trouble.status,
        host=host,
        trouble=trouble,
    )
