"""VM hosts: the list of all kinds, and what is about to be added to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.store import events, host_drafts
from innkeeper.store.host_drafts import Draft
from innkeeper.web import add_host_steps, host_rows, live
from innkeeper.web.host_rows import Row
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import Listing, page_of

router = APIRouter(include_in_schema=False)
SIZES = (25, 50, 100, 200)  # rows of a page
PAGE = 50
_SHORT = Query(max_length=256)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the list is narrowed down to, all of it from the address. "": any."""

    q: str = ""
    state: str = ""
    zone: str = ""
    pool: str = ""
    tag: str = ""

    def __bool__(self) -> bool:
        return any((self.q.strip(), self.state, self.zone, self.pool, self.tag))

    def takes(self, row: Row) -> bool:
        """Whether a host is one of them."""
        same = ((self.state, str(row.host.state)), (self.zone, row.zone), (self.pool, row.pool))
        if any(wanted and wanted != found for wanted, found in same) or (self.tag and self.tag not in row.host.tags):
            return False
        text = _text(row)
        return all(word in text for word in self.q.casefold().split())


@router.get("/hosts")
async def listing(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    q: Annotated[str, _SHORT] = "",
    state: Annotated[str, _SHORT] = "",
    zone: Annotated[str, _SHORT] = "",
    pool: Annotated[str, _SHORT] = "",
    tag: Annotated[str, _SHORT] = "",
    sort: str = "name",
    page: int = 1,
    size: int = PAGE,
) -> Response:
    """All hosts, narrowed down, sorted, page by page; for administrators also what is about to be added."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row], list[Draft]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        found = host_rows.rows(sql, seen_by=None if who.is_admin else who.user_id)
        return cursor, found, host_drafts.listing(sql) if who.is_admin else []

    cursor, rows, drafts = await inn.services.database.reading(ask)
    wanted = Wanted(q=q, state=state, zone=zone, pool=pool, tag=tag)
    size = size if size in SIZES else PAGE
    found = [row for row in rows if wanted.takes(row)]
    shown: Listing[Row] = page_of(found, request=request, sorts=host_rows.SORTS, sort=sort, page=page, size=size)
    return render(
        request,
        "hosts.html",
        title="VM hosts",
        actor=who,
        rows=shown,
        known=len(rows),
        drafts=[(one, *add_host_steps.resume(one)) for one in drafts],
        drafts_kept=host_drafts.KEPT_DAYS,
        wanted=wanted,
        choices=_choices(rows, wanted),
        sort=sort,
        size=size,
        sizes=SIZES,
        live=live.address(cursor=cursor),
    )


def _choices(rows: list[Row], wanted: Wanted) -> tuple[tuple[str, str, str, list[str]], ...]:
    """What can be chosen to narrow the list down: (name, label, chosen, values), of each what hosts have."""
    return (
        ("state", "State", wanted.state, _values((str(row.host.state) for row in rows), wanted.state)),
        ("zone", "Zone", wanted.zone, _values((row.zone for row in rows), wanted.zone)),
        ("pool", "Resource pool", wanted.pool, _values((row.pool for row in rows), wanted.pool)),
        ("tag", "Tag", wanted.tag, _values((tag for row in rows for tag in row.host.tags), wanted.tag)),
    )


def _values(found: Iterable[str], chosen: str) -> list[str]:
    return sorted({*found, *filter(None, (chosen,))})


def _text(row: Row) -> str:
    """What the search looks into. People who knew MAAS search for KVM."""
    host = row.host
    texts = (host.name, host.address, host.project, host.kind, str(host.state), row.zone, row.pool, *host.tags, "kvm")
    return " ".join(texts).casefold()
