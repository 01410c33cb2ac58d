"""A VM host: its project, what of it is free, and its VMs. Those of other projects are shown as other use."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.store import host_resources, machines, pools
from innkeeper.store.host_resources import Resources
from innkeeper.store.machines import Filter
from innkeeper.web import tones
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import Listing, Sort, page_of

router = APIRouter(include_in_schema=False, prefix="/hosts")
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """A machine as the list of a host's VMs shows it."""

    machine: Machine
    status: str
    tone: str
    pool: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    storage: int


SORTS = (
    Sort(name="name", title="VM", key=lambda row: row.machine.hostname),
    Sort(name="status", title="Status", key=lambda row: (row.status, row.machine.hostname)),
    Sort(name="cores", title="Cores", key=lambda row: (row.machine.cores, row.machine.hostname)),
    Sort(name="memory", title="Memory", key=lambda row: (row.machine.memory, row.machine.hostname)),
    Sort(name="storage", title="Storage", key=lambda row: (row.storage, row.machine.hostname)),
    Sort(name="pool", title="Pool and tags", key=lambda row: (row.pool, row.machine.hostname)),
)


@router.get("/{id:int}")
async def vms(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    id: HostId,
    q: Annotated[str, Query(max_length=200)] = "",
    sort: str = "name",
    page: int = 1,
) -> Response:
    """What a host's project is, what is free, the VMs, searched, sorted, page by page; and what else is on it."""

    def ask(sql: sa.Connection) -> tuple[Head, list[Row], Resources]:
        top = head(sql, id)
        names = {one.id: one.name for one in pools.listing(sql)}
        seen = None if who.is_admin else who.user_id
        found = machines.listing(sql, Filter(host_ids=(id,), seen_by=seen))
        rows = [_row(one, names) for one in found if one.origin in (Origin.COMPOSED, Origin.ADOPTED)]
        return top, rows, host_resources.of_host(sql, top.host)

    top, rows, has = await inn.services.database.reading(ask)
    words = q.casefold().split()
    found = [row for row in rows if all(word in _text(row) for word in words)]
    shown: Listing[Row] = page_of(found, request=request, sorts=SORTS, sort=sort, page=page, size=PAGE)
    return show(
        request,
        "host_vms.html",
        who=who,
        top=top,
        title="Project and VMs",
        about=next((one.description for one in has.told.projects if one.name == top.host.project), ""),
        figures=_figures(has),
        rows=shown,
        known=len(rows),
        hidden=top.vms - len(rows),
        others=[one for one in has.holders if not one.holding.ours],
        q=q,
    )


def _figures(has: Resources) -> list[tuple[str, Figure]]:
    """What there is of everything, as far as it is known, with its title."""
    found = (
        ("Memory", has.whole.memory),
        ("Huge pages", has.whole.huge_pages if has.whole.huge_pages.physical else None),
        ("CPU cores", has.whole.cores),
        ("Storage", capacity.together((one for _, one in has.whole.storage), resource="storage")),
        ("Virtual functions", capacity.together((one.figure for one in has.ports), resource="virtual functions")),
    )
    return [(title, one) for title, one in found if one is not None]


def _row(one: Machine, pool_names: dict[int, str]) -> Row:
    addresses = [link.ip for nic in one.interfaces for link in nic.links if link.ip]
    status = Status(one.status)
    return Row(
        machine=one,
        status=status.label,
        tone=tones.of_status(status),
        pool=pool_names[one.pool_id],
        ipv4=tuple(ip for ip in addresses if ip_address(ip).version == 4),
        ipv6=tuple(ip for ip in addresses if ip_address(ip).version == 6),
        storage=sum(disk.size for disk in one.disks),
    )


def _text(row: Row) -> str:
    """What the search looks into."""
    one = row.machine
    texts = (one.hostname, one.instance, row.status, one.power_state, row.pool, one.owner, *one.tags)
    return " ".join((*texts, *row.ipv4, *row.ipv6)).casefold()
