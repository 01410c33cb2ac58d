"""VM hosts: the list of all kinds, and what is about to be added to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.maas.shapes import days_left
from innkeeper.api.v1.access import house
from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host, HostState
from innkeeper.store import events, host_drafts, hosts, machines, pools, zones
from innkeeper.store.figures import figures
from innkeeper.store.host_drafts import Draft
from innkeeper.web import add_host_steps, live, tones
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import Listing, Sort, page_of

router = APIRouter(include_in_schema=False)
SIZES = (25, 50, 100, 200)  # rows of a page
PAGE = 50
KINDS = {"lxd": "LXD"}
_SHORT = Query(max_length=256)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A host as the list shows it. `storage`: all its pools together; None: not known yet."""

    host: Host
    tone: str
    vms: int
    zone: str
    pool: str
    days_left: int | None
    cores: Figure | None
    memory: Figure | None
    storage: Figure | None

    @property
    def kind(self) -> str:
        """What is spoken to, in words."""
        return KINDS.get(self.host.kind, self.host.kind)

    @property
    def days_tone(self) -> str:
        """How the days left of its certificate look."""
        return tones.of_days(self.days_left)

    @property
    def wants_trust(self) -> bool:
        """Whether somebody has to have the server trust us."""
        return self.host.state in (HostState.WAITING, HostState.UNTRUSTED)


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


SORTS = (
    Sort(name="name", title="Name", key=lambda row: row.host.name),
    Sort(name="state", title="State", key=lambda row: (str(row.host.state), row.host.name)),
    Sort(name="certificate", title="Server", key=lambda row: (row.host.certificate_expires, row.host.name)),
    Sort(name="vms", title="VMs", key=lambda row: (row.vms, row.host.name)),
    Sort(name="zone", title="Zone and pool", key=lambda row: (row.zone, row.pool, row.host.name)),
    Sort(name="cores", title="CPU cores", key=lambda row: row.cores.free if row.cores else -1),
    Sort(name="memory", title="Memory", key=lambda row: row.memory.free if row.memory else -1),
    Sort(name="storage", title="Storage", key=lambda row: row.storage.free if row.storage else -1),
)


def _rows(sql: sa.Connection) -> list[Row]:
    many = hosts.listing(sql)
    counted, vms = figures(sql, many), machines.on_hosts(sql)
    zone_names = {one.id: one.name for one in zones.listing(sql)}
    pool_names = {one.id: one.name for one in pools.listing(sql)}
    return [
        Row(
            host=one,
            tone=tones.of_host(one.state),
            vms=vms.get(one.id, 0),
            zone=zone_names[one.zone_id],
            pool=pool_names[one.pool_id],
            days_left=days_left(one.certificate_expires),
            cores=counted[one.id].cores,
            memory=counted[one.id].memory,
            storage=capacity.together((figure for _, figure in counted[one.id].storage), resource="storage"),
        )
        for one in many
    ]


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
        return cursor, _rows(sql), host_drafts.listing(sql) if who.is_admin else []

    cursor, rows, drafts = await inn.services.database.reading(ask)
    wanted = Wanted(q=q, state=state, zone=zone, pool=pool, tag=tag)
    size = size if size in SIZES else PAGE
    found = [row for row in rows if wanted.takes(row)]
    shown: Listing[Row] = page_of(found, request=request, sorts=SORTS, sort=sort, page=page, size=size)
    return render(
        request,
        "hosts.html",
        title="VM hosts",
        actor=who,
        rows=shown,
        known=len(rows),
        drafts=[(one, *add_host_steps.resume(one)) for one in drafts],
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
