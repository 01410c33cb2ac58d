"""What is done with a VM host from any of its pages: read it anew, close it to new machines, open it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import InnkeeperError
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.host_head import head, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage, local

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}")
Inn = Annotated[House, Depends(house)]
Next = Annotated[str, Form(max_length=2000)]
PATIENCE = 5.0  # how long a person waits for the answer, seconds; then they see on the page how it goes on


@router.post("/refresh")
async def refresh(request: Request, inn: Inn, who: AdminPage, id: HostId, next: Next = "") -> Response:
    """Everything of the host is read anew."""
    try:
        await perform(request, who, "POST", f"vm-hosts/{id}/", op="refresh", patience=PATIENCE)
    except InnkeeperError as error:
        return await refused(request, inn, who, id, error)
    return done(_back(id, next), "The host is read anew. What has changed there shows here.")


@router.get("/close")
async def ask_close(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    return await _close(request, inn, who, id, values={})


@router.post("/close")
async def close(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """No new machines are placed on it; what is there stays."""
    form = await forms.read(request)
    fields = [("schedulable", "false"), *sent(form, "closed_reason", given=False)]
    try:
        await perform(request, who, "PUT", f"vm-hosts/{id}/", sent=fields)
    except InnkeeperError as error:
        return await _close(request, inn, who, id, values=dict(form), trouble=Trouble.of(error))
    return done(f"/hosts/{id}", "The host is closed to new machines.")


@router.post("/open")
async def reopen(request: Request, inn: Inn, who: AdminPage, id: HostId, next: Next = "") -> Response:
    """New machines are placed on it again."""
    try:
        await perform(request, who, "PUT", f"vm-hosts/{id}/", sent=[("schedulable", "true")])
    except InnkeeperError as error:
        return await refused(request, inn, who, id, error)
    return done(_back(id, next), "The host is open to new machines.")


async def refused(request: Request, inn: House, who: Actor, id: int, error: InnkeeperError) -> Response:
    """Why something was not done with a host, below its head. NotFound when it is not there at all."""
    top = await inn.services.database.reading(head, id)
    trouble = Trouble.of(error)
    title = "This did not work"
    return show(
        request,
        "host_trouble.html",
        who=who,
        top=top,
        title=title,
        alive=False,
        status=trouble.status,
        trouble=trouble,
    )


async def _close(
    request: Request, inn: House, who: Actor, id: int, *, values: dict[str, object], trouble: Trouble = NONE
) -> Response:
    top = await inn.services.database.reading(head, id)
    return show(
        request,
        "host_close.html",
        who=who,
        top=top,
        title="Close to new machines",
        alive=False,
        status=trouble.status,
        values=values,
        trouble=trouble,
    )


def _back(id: int, target: str) -> str:
    """The page of the host that a button was pressed on."""
    base = f"/hosts/{id}"
    there = local(target)
    return there if there == base or there.startswith((f"{base}/", f"{base}?")) else base
