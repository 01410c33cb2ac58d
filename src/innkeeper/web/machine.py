"""A machine: its summary, and why it is where it is; its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house, viewer
from innkeeper.model.deployment import Deployment
from innkeeper.model.lifecycle import Status
from innkeeper.store import deployments, event_pages, hosts, placements
from innkeeper.store.event_pages import Page, Wanted
from innkeeper.store.placements import StoredVerdict
from innkeeper.web.events import turn
from innkeeper.web.machine_head import Head, read_with, show
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}")
Inn = Annotated[House, Depends(house)]
SOME = 10  # verdicts that are shown at first
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was said of a host. `there`: whether it still is; `stays_free`: per cent of its scarcest resource."""

    verdict: StoredVerdict
    there: bool
    chosen: bool

    @property
    def stays_free(self) -> int | None:
        score = self.verdict.score
        return None if score is None else int(score * 100)


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a machine is where it is. `left`: verdicts that are not among `verdicts`."""

    policy: str
    verdicts: tuple[Verdict, ...]
    total: int

    @property
    def left(self) -> int:
        return self.total - len(self.verdicts)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the summary shows beside the head."""

    why: Why | None
    deployment: Deployment | None


@router.get("")
async def summary(request: Request, inn: Inn, who: SignedIn, system_id: str, verdicts: str = "") -> Response:
    """Resources, what runs on it, the placement. `verdicts` "all": those on every host that was looked at."""

    def more(sql: sa.Connection, top: Head) -> Summary:
        deployment = deployments.find(sql, system_id)
        return Summary(why=_why(sql, system_id, whole=verdicts == "all"), deployment=deployment)

    top, about = await read_with(inn, who, system_id, more)
    waits = top.status == Status.DEPLOYING and not top.work
    return show(request, "machine_summary.html", top, title=top.one.hostname, about=about, waits=waits)


def _why(sql: sa.Connection, system_id: str, *, whole: bool) -> Why | None:
    found = placements.find(sql, system_id)
    if found is None:
        return None
    some = found.verdicts if whole else found.verdicts[:SOME]
    there = {one.id for one in hosts.some(sql, ids={one.host_id for one in some}, system_ids=())}
    return Why(
        policy=found.policy,
        verdicts=tuple(
            Verdict(verdict=one, there=one.host_id in there, chosen=one.host_id == found.host_id) for one in some
        ),
        total=len(found.verdicts),
    )


@router.get("/events")
async def happened(
    request: Request,
    inn: Inn,
    who: SignedIn,
    system_id: str,
    before: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> Response:
    """What happened to it, newest first."""

    def more(sql: sa.Connection, _: Head) -> Page:
        wanted = Wanted(machine=system_id)
        return event_pages.page(sql, wanted, before=before, after=after, limit=PAGE, seen_by=viewer(who))

    top, found = await read_with(inn, who, system_id, more)
    newer, older = turn(request, found)
    title = f"{top.one.hostname}: events"
    return show(request, "machine_events.html", top, title=title, found=found, newer=newer, older=older)
