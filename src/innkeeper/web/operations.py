"""Operations: what runs and what ran, one with its steps, cancelled, resumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1 import operations as api
from innkeeper.api.v1.access import house, viewer
from innkeeper.errors import Conflict, InnkeeperError, NotFound
from innkeeper.store import event_pages, events, operation_pages
from innkeeper.store.event_pages import Told
from innkeeper.store.operation_pages import STATES, Named, Wanted
from innkeeper.store.operations import State
from innkeeper.web import live
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.steps import Step, steps, title
from innkeeper.web.tables import Listing, turned
from innkeeper.web.wording import operation

router = APIRouter(include_in_schema=False, prefix="/operations")
Inn = Annotated[House, Depends(house)]
Text = Annotated[str, Query(max_length=200)]
PAGE = 50
_MOST = 500  # events of one operation that are shown


@dataclass(frozen=True, kw_only=True)
class Row:
    """An operation as who looks has it before them."""

    named: Named
    who: Actor

    @property
    def may(self) -> bool:
        """Whether they may cancel and resume it: who ordered it, and administrators."""
        return self.who.is_admin or self.named.operation.actor == self.who.username

    @property
    def cancellable(self) -> bool:
        one = self.named.operation
        return self.may and one.state == State.RUNNING and not one.cancelled

    @property
    def resumable(self) -> bool:
        return self.may and self.named.operation.state == State.STOPPED


@dataclass(frozen=True, kw_only=True)
class Shown(Row):
    """One operation with what happened to it."""

    steps: list[Step]
    told: tuple[Told, ...]
    cursor: int


@router.get("")
async def listing(
    request: Request,
    inn: Inn,
    who: SignedIn,
    state: Text = "",
    kind: Text = "",
    host: Text = "",
    machine: Text = "",
    page: int = 1,
) -> Response:
    """Running and past ones, newest first; all of it in the address."""
    texts = {"state": state, "kind": kind, "host": host, "machine": machine}
    values = {name: text.replace("\0", "").strip() for name, text in texts.items()}

    def ask(sql: sa.Connection) -> tuple[int, list[Named], int, list[str]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        found, total = operation_pages.page(sql, Wanted(**values), number=page, size=PAGE, seen_by=viewer(who))
        return cursor, found, total, operation_pages.kinds(sql)

    cursor, found, total, kinds = await inn.services.database.reading(ask)
    many = [Row(named=one, who=who) for one in found]
    rows: Listing[Row] = turned(many, request=request, total=total, page=page, size=PAGE)
    return render(
        request,
        "operations.html",
        title="Operations",
        actor=who,
        rows=rows,
        values=values,
        narrowed=any(values.values()),
        states=STATES,
        kinds=[(one, title(one)) for one in kinds],
        live=live.address(cursor=cursor),
    )


@router.get("/{id}")
async def one(request: Request, inn: Inn, who: SignedIn, id: str) -> Response:
    """One operation, live: its steps as they happen, why it waits, what it failed with."""
    shown = await inn.services.database.reading(_shown, who, id)
    return render(
        request,
        "operation.html",
        title=title(shown.named.operation.kind),
        actor=who,
        shown=shown,
        live=live.address(cursor=shown.cursor, operation=id),
    )


def _shown(sql: sa.Connection, who: Actor, id: str) -> Shown:
    cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
    named = operation_pages.find(sql, id, seen_by=viewer(who))
    if named is None:
        raise NotFound("There is no such operation.", details="Those that ended are kept for a while only.")
    wanted = event_pages.Wanted(operation=id)
    told = event_pages.page(sql, wanted, limit=_MOST, seen_by=viewer(who)).rows
    return Shown(
        named=named,
        who=who,
        steps=steps(named.operation, [one.event for one in reversed(told)]),
        told=told,
        cursor=cursor,
    )


@router.get("/{id}/cancel")
async def ask_cancel(request: Request, inn: Inn, who: SignedIn, id: str) -> Response:
    return await _ask(request, inn, who, id, "cancel")


@router.get("/{id}/resume")
async def ask_resume(request: Request, inn: Inn, who: SignedIn, id: str) -> Response:
    return await _ask(request, inn, who, id, "resume")


async def _ask(
    request: Request, inn: House, who: Actor, id: str, verb: str, error: InnkeeperError | None = None
) -> Response:
    shown = await inn.services.database.reading(_shown, who, id)
    named = shown.named
    names = {id: operation(named.operation.kind, named.hostname or named.host)}
    trouble = Trouble.of(error, names=names) if error else NONE
    if not trouble.brief and not (shown.cancellable if verb == "cancel" else shown.resumable):
        raise Conflict(f"This operation is {shown.named.operation.state}: there is nothing to {verb} for you.")
    return render(
        request,
        "operation_act.html",
        title=f"{verb.capitalize()}: {title(shown.named.operation.kind).lower()} {shown.named.hostname}".rstrip(),
        actor=who,
        status=trouble.status,
        shown=shown,
        verb=verb,
        trouble=trouble,
    )


@router.post("/{id}/cancel")
async def cancel(request: Request, inn: Inn, who: SignedIn, id: str) -> Response:
    try:
        await api.cancel(id=id, request=request, inn=inn, who=who)
    except InnkeeperError as error:
        return await _ask(request, inn, who, id, "cancel", error)
    return done(f"/operations/{id}", "It stops between two steps, and is undone.")


@router.post("/{id}/resume")
async def resume(request: Request, inn: Inn, who: SignedIn, id: str) -> Response:
    try:
        await api.resume(id=id, request=request, inn=inn, who=who)
    except InnkeeperError as error:
        return await _ask(request, inn, who, id, "resume", error)
    return done(f"/operations/{id}", "It goes on where it was.")
