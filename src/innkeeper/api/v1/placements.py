"""Why a machine is where it is, in the native API: the verdict of every host when it was placed."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends
from pydantic import BaseModel

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House
from innkeeper.api.v1.access import actor, answers, house, make_router
from innkeeper.errors import NotFound
from innkeeper.model.machine import Machine
from innkeeper.store import machines, placements

router = make_router("/machines", "machines")


class ReasonBody(BaseModel):
    """What stood against a host: the constraint, the kind (limit, unknown, mismatch, conflict), and how in words."""

    constraint: str
    kind: str
    text: str


class VerdictBody(BaseModel):
    """What was said of one host. `score`: the part of its scarcest resource that would stay free; null: no fit."""

    host_id: int
    host: str
    fits: bool
    score: float | None
    reasons: list[ReasonBody]


class PlacementBody(BaseModel):
    """The verdicts when the machine was placed, the chosen host first. None for a VM that was adopted."""

    system_id: str
    policy: str
    host_id: int
    verdicts: list[VerdictBody]


@router.get("/{system_id}/placement", summary="Read why a machine is where it is", responses=answers(404))
async def placement(
    system_id: str, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> PlacementBody:
    """The verdict of every host that was looked at: it fitted, with its score, or what was short of what."""
    permit(who, Who.USER)
    return await inn.services.database.reading(_placement, system_id, who)


def _placement(sql: sa.Connection, system_id: str, who: Actor) -> PlacementBody:
    one: Machine = machines.find(sql, system_id)
    found = placements.find(sql, system_id)
    if found is None or not (who.is_admin or one.owner_id in (None, who.user_id)):
        raise NotFound("No such placement.")
    verdicts = [
        VerdictBody(
            host_id=each.host_id,
            host=each.host,
            fits=each.score is not None,
            score=each.score,
            reasons=[ReasonBody(constraint=r.about, kind=r.kind, text=r.text) for r in each.reasons],
        )
        for each in found.verdicts
    ]
    return PlacementBody(system_id=system_id, policy=found.policy, host_id=found.host_id, verdicts=verdicts)
