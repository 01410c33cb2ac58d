"""What is done with one machine, each on a page that says what will happen: power, allocate, release, lock and so on.

The router takes any name after a machine's address, so it comes last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError, NotFound
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, check_typed, perform, sent
from innkeeper.web.machine_actions import ACTIONS, Action
from innkeeper.web.machine_head import Head, read, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}")
Inn = Annotated[House, Depends(house)]
PATIENCE = 1.5  # how long a person waits for the answer; then they see the steps as they happen, seconds
_SIMPLE = frozenset(one.name for one in ACTIONS if one.op)


@router.get("/{name}")
async def ask(request: Request, inn: Inn, who: SignedIn, system_id: str, name: str) -> Response:
    _known(name)
    top = await read(inn, who, system_id)
    return _form(request, top, top.wanted(name), values={})


@router.post("/{name}")
async def act(request: Request, inn: Inn, who: SignedIn, system_id: str, name: str) -> Response:
    _known(name)
    form = await forms.read(request)
    action = next(one for one in ACTIONS if one.name == name)
    path, fields = f"machines/{system_id}/", [*action.fields, *(sent(form, "comment") if action.comment else ())]
    if action.op == "allocate":
        path, fields = "machines/", [("system_id", system_id), *fields]
    top = await read(inn, who, system_id)
    try:
        if action.destroys:
            check_typed(form, top.one.hostname)
        await perform(request, who, "POST", path, op=action.op, sent=fields, patience=PATIENCE)
    except InnkeeperError as error:
        values = {field: str(value) for field, value in form.items()}
        trouble = Trouble.of(error, names={system_id: top.one.hostname})
        return _form(request, top, action, values=values, trouble=trouble)
    return done(top.path, f"{top.one.hostname} {action.done}.")


def _known(name: str) -> None:
    if name not in _SIMPLE:
        raise NotFound("There is no such page.")


def _form(
    request: Request, top: Head, action: Action, *, values: Mapping[str, str], trouble: Trouble = NONE
) -> Response:
    return show(
        request,
        "machine_act.html",
        top,
        title=f"{action.title}: {top.one.hostname}",
        listens=False,
        status=trouble.status,
        action=action,
        does=action.does(top.case),
        values=values,
        trouble=trouble,
    )
