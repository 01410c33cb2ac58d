"""VM hosts: the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host, HostState
from innkeeper.store import events, hosts, machines, pools, zones
from innkeeper.store.figures import Figures, figures
from innkeeper.web import live
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import Listing, Sort, page_of

router = APIRouter(include_in_schema=False)
PAGE = 50
TONES = {
    HostState.READY: "good",
    HostState.ADDING: "busy",
    HostState.REMOVING: "busy",
    HostState.WAITING: "warn",
    HostState.DEGRADED: "warn",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A host as the list shows it. `storage`: all its pools together; None: not known yet."""

    host: Host
    tone: str
    vms: int
    zone: str
    pool: str
    cores: Figure | None
    memory: Figure | None
    storage: Figure | None


def summed(counted: Figures) -> Figure | None:
    """All pools of a host as one figure of storage; None when none is measured."""
    many = [figure for _, figure in counted.storage]
    if not many:
        return None
    return Figure(
        resource="storage",
        unit="bytes",
        physical=sum(one.physical for one in many),
        ratio=1.0,
        limit=capacity.total(many),
        claimed=sum(one.claimed for one in many),
        others=sum(one.others for one in many),
    )


SORTS = (
    Sort(name="name", title="Name", key=lambda row: row.host.name),
    Sort(name="state", title="State", key=lambda row: (str(row.host.state), row.host.name)),
    Sort(name="vms", title="VMs", key=lambda row: (row.vms, row.host.name)),
    Sort(name="cores", title="CPU cores", key=lambda row: row.cores.free if row.cores else -1),
    Sort(name="memory", title="Memory", key=lambda row: row.memory.free if row.memory else -1),
    Sort(name="storage", title="Storage", key=lambda row: row.storage.free if row.storage else -1),
)


@router.get("/hosts")
async def listing(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    q: Annotated[str, Query(max_length=200)] = "",
    sort: str = "name",
    page: int = 1,
) -> Response:
    """All hosts, searched, sorted, page by page."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        many = hosts.listing(sql)
        counted, vms = figures(sql, many), machines.on_hosts(sql)
        zone_names = {one.id: one.name for one in zones.listing(sql)}
        pool_names = {one.id: one.name for one in pools.listing(sql)}
        return cursor, [
            Row(
                host=one,
                tone=TONES.get(one.state, "bad"),
                vms=vms.get(one.id, 0),
                zone=zone_names[one.zone_id],
                pool=pool_names[one.pool_id],
                cores=counted[one.id].cores,
                memory=counted[one.id].memory,
                storage=summed(counted[one.id]),
            )
            for one in many
        ]

    cursor, rows = await inn.services.database.reading(ask)
    words = q.casefold().split()
    found = [row for row in rows if all(word in _text(row) for word in words)]
    shown: Listing[Row] = page_of(found, request=request, sorts=SORTS, sort=sort, page=page, size=PAGE)
    return render(
        request,
        "hosts.html",
        title="VM hosts",
        actor=who,
        rows=shown,
        known=len(rows),
        q=q,
        live=live.address(cursor=cursor),
    )


def _text(row: Row) -> str:
    """What the search looks into. People who knew MAAS search for KVM."""
    host = row.host
    texts = (host.name, host.address, host.project, host.kind, str(host.state), row.zone, row.pool, *host.tags, "kvm")
    return " ".join(texts).casefold()
