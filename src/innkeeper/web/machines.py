"""Machines: the list, as its address asks for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.store import events, machine_pages, pools, zones
from innkeeper.store.machine_pages import Wanted
from innkeeper.store.machines import Filter
from innkeeper.web import live, machine_filters
from innkeeper.web.bulk_actions import Bulk, offered
from innkeeper.web.bulk_cases import cases
from innkeeper.web.machine_filters import Chosen
from innkeeper.web.machine_rows import Group, Row, grouped
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import Listing, headings, turned

router = APIRouter(include_in_schema=False)
PAGE = 50
SORTS = {
    "name": "Name",
    "power": "Power",
    "status": "Status",
    "host": "VM host",
    "cores": "Cores",
    "memory": "Memory",
    "storage": "Storage",
    "pool": "Pool",
    "zone": "zone",
    "owner": "Owner",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows. `known`: how many machines who looks may see, whatever is asked for."""

    cursor: int
    known: int
    groups: tuple[Group, ...]
    total: int
    number: int
    options: dict[str, tuple[str, ...]]
    actions: tuple[Bulk, ...]


@router.get("/machines")
async def listing(request: Request, inn: Annotated[House, Depends(house)], who: SignedIn) -> Response:
    """One page of the machines that the address asks for. What is read is bounded, however many there are."""
    which = machine_filters.chosen(request)
    if machine_filters.untidy(request):
        return RedirectResponse(which.address, status_code=303)
    found = await inn.services.database.reading(_read, which, who)
    rows = [row for group in found.groups for row in group.rows]
    turning = turned(rows, request=request, total=found.total, page=found.number, size=PAGE)
    shown: Listing[Row] = replace(turning, headings=headings(request, SORTS, sort=which.sort))
    return render(
        request,
        "machines.html",
        title="Machines",
        actor=who,
        which=which,
        found=found,
        rows=shown,
        fields=machine_filters.FIELDS,
        grouped=machine_filters.GROUPED,
        live=live.address(cursor=found.cursor),
    )


def _read(sql: sa.Connection, which: Chosen, who: Actor) -> Shown:
    cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
    wanted = machine_filters.wanted(sql, which, who)
    sort, down = which.sort.removeprefix("-"), which.sort.startswith("-")
    page = machine_pages.page(sql, wanted, sort=sort, down=down, group=which.group, number=which.page, size=PAGE)
    zone_names = {one.id: one.name for one in zones.listing(sql)}
    pool_names = {one.id: one.name for one in pools.listing(sql)}
    rows = [
        Row(case=case, zone=zone_names[case.one.zone_id], pool=pool_names[case.one.pool_id])
        for case in cases(sql, who, page.rows)
    ]
    keys = {machine_pages.key_of(row.machine, which.group) for row in rows} if which.group else set()
    counts = machine_pages.counts(sql, wanted, which.group, keys) if keys else {}
    everything = Wanted(which=Filter(seen_by=wanted.which.seen_by))
    return Shown(
        cursor=cursor,
        known=machine_pages.count(sql, everything) if which.narrow else page.total,
        groups=grouped(rows, which, counts) if which.group else (Group(rows=tuple(rows)),),
        total=page.total,
        number=page.number,
        options=machine_filters.options(sql, who),
        actions=offered(who, [row.case for row in rows], more=page.total > len(rows)),
    )
