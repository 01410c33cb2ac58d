"""Operations in the native API: list, read, cancel, resume."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import OfHost, Refusal, actor, answers, house, make_router, viewer
from innkeeper.store import operations
from innkeeper.store.database import Write

router = make_router("/operations", "operations")


class OperationBody(BaseModel):
    """One durable piece of work. Times in epoch seconds."""

    id: str
    kind: str
    host_id: int | None
    system_id: str
    state: str
    step: str
    steps: list[str]
    error: Refusal | None
    trouble: str
    cancelled: bool
    attempts: int
    actor: str
    request: str
    created: float
    started: float | None
    ended: float | None


def _body(one: operations.Operation) -> OperationBody:
    from innkeeper.operations.table import SAGAS

    saga = SAGAS.get(one.kind)
    steps = [step.name for step in saga.steps] if saga else []
    return OperationBody.model_validate({**operations.public(one), "steps": steps})


@router.get("", summary="List operations, newest first", responses=answers())
async def listing(
    inn: Annotated[House, Depends(house)],
    who: Annotated[Actor, Depends(actor)],
    host_id: OfHost = None,
    system_id: str = "",
    open_only: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[OperationBody]:
    """Of a host, of a machine, or all; only those still running with `open_only`."""
    permit(who, Who.USER)
    found = await inn.services.database.reading(
        operations.listing, host_id=host_id, system_id=system_id, open_only=open_only, limit=limit, seen_by=viewer(who)
    )
    return [_body(one) for one in found]


@router.get("/{id}", summary="Read an operation", responses=answers(404))
async def read(id: str, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]) -> OperationBody:
    """With its steps, where it is, and its error."""
    permit(who, Who.USER)
    return _body(await inn.services.database.reading(operations.find, id, seen_by=viewer(who)))


@router.post(
    "/{id}/cancel",
    summary="Cancel an operation",
    responses=answers(403, 404, 409),
)
async def cancel(
    id: str, request: Request, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> OperationBody:
    """Between two steps it stops, and is undone. Past the point of no return it goes on."""
    return await _change(id, request, inn, who, operations.cancel, "cancelled")


@router.post(
    "/{id}/resume",
    summary="Resume a stopped operation",
    responses=answers(403, 404, 409),
)
async def resume(
    id: str, request: Request, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> OperationBody:
    """An operation that kept crashing processes was stopped; it goes on where it was."""
    return await _change(id, request, inn, who, operations.resume, "resumed")


async def _change(id: str, request: Request, inn: House, who: Actor, how: object, word: str) -> OperationBody:
    row = await inn.services.database.reading(operations.find, id, seen_by=viewer(who))
    permit(who, Who.ADMIN if row.actor != who.username else Who.USER)

    def change(write: Write) -> operations.Operation:
        audit(write, request, who, f"{word} operation {id}", host_id=row.host_id, system_id=row.system_id)
        changed: operations.Operation = how(write, id=id, actor=who.username)  # type: ignore[operator]
        return changed

    return _body(await inn.services.database.writing(change))
