"""A VM host: its storage pools, and the volumes in each with who holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.api.v1.hosts import volume_body
from innkeeper.errors import InnkeeperError, NotFound
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Volume
from innkeeper.store import holders, storage_pools, volumes
from innkeeper.store.figures import figures
from innkeeper.store.holders import Holder
from innkeeper.store.storage_pools import PoolRow
from innkeeper.web.calls import perform
from innkeeper.web.host_actions import refused
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.names import Name, name_of
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage, SignedIn
from innkeeper.web.tables import Listing, Sort, page_of

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/storage")
Inn = Annotated[House, Depends(house)]
PAGE = 100
_KINDS = {"virtual-machine": "root disk", "container": "container", "custom": "custom volume", "image": "image"}


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """A storage pool. `figure` None: the host could not tell its size."""

    row: PoolRow
    figure: Figure | None
    default: bool
    path: str
    volumes: int
    orphans: int


@dataclass(frozen=True, kw_only=True)
class VolumeView:
    """A volume with those that hold it. `name` "" : it is not for who looks to know."""

    name: str
    volume: Volume
    holders: tuple[Name, ...]
    orphan: bool

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return _KINDS.get(self.volume.kind, self.volume.kind)


SORTS = (
    Sort(name="name", title="Volume", key=lambda row: row.name),
    Sort(name="kind", title="Kind", key=lambda row: (row.kind, row.name)),
    Sort(name="project", title="Project", key=lambda row: (row.volume.project, row.name)),
    Sort(name="size", title="Size", key=lambda row: row.volume.size or 0),
    Sort(name="written", title="Written", key=lambda row: row.volume.written or 0),
    Sort(name="holder", title="Held by", key=lambda row: ([one.text for one in row.holders], row.name)),
)


@router.get("")
async def listing(request: Request, inn: Inn, who: SignedIn, id: HostId) -> Response:
    """The storage pools of a host, its default first."""

    def ask(sql: sa.Connection) -> tuple[Head, list[PoolView]]:
        top = head(sql, id)
        return top, _pools(sql, top)

    top, rows = await inn.services.database.reading(ask)
    rows.sort(key=lambda one: not one.default)
    return show(request, "host_storage.html", who=who, top=top, title="Storage", rows=rows)


@router.get("/{pool}")
async def one_pool(
    request: Request,
    inn: Inn,
    who: SignedIn,
    id: HostId,
    pool: str,
    q: Annotated[str, Query(max_length=200)] = "",
    sort: str = "name",
    page: int = 1,
) -> Response:
    """A storage pool with its volumes, searched, sorted, page by page."""

    def ask(sql: sa.Connection) -> tuple[Head, PoolView, list[VolumeView]]:
        top = head(sql, id)
        one = next((each for each in _pools(sql, top) if each.row.name == pool), None)
        if one is None:
            raise NotFound(f"{top.host.name} has no storage pool {pool}.")
        known = {f"{each.project}/{each.instance}": each for each in holders.of_host(sql, id)}
        found = volumes.of_host(sql, id).get(pool, ())
        return top, one, [_volume(each, known, who) for each in found]

    top, one, rows = await inn.services.database.reading(ask)
    words = q.casefold().split()
    found = [row for row in rows if all(word in _text(row) for word in words)]
    shown: Listing[VolumeView] = page_of(found, request=request, sorts=SORTS, sort=sort, page=page, size=PAGE)
    return show(
        request, "host_pool.html", who=who, top=top, title=f"Pool {pool}", one=one, rows=shown, known=len(rows), q=q
    )


@router.post("/{pool}/default")
async def make_default(request: Request, inn: Inn, who: AdminPage, id: HostId, pool: str) -> Response:
    """Disks go to this pool from now on, unless something else is asked for."""
    try:
        await perform(request, who, "PUT", f"vm-hosts/{id}/", sent=[("default_storage_pool", pool)])
    except InnkeeperError as error:
        return await refused(request, inn, who, id, error)
    return done(f"/hosts/{id}/storage", f"{pool} is the default storage pool now.")


def _pools(sql: sa.Connection, top: Head) -> list[PoolView]:
    counted = dict(figures(sql, [top.host])[top.host.id].storage)
    found = volumes.of_host(sql, top.host.id)
    return [
        PoolView(
            row=row,
            figure=counted.get(row.name),
            default=row.name == top.host.default_storage_pool,
            path=f"/hosts/{top.host.id}/storage/{quote(row.name, safe='')}",
            volumes=len(found.get(row.name, ())),
            orphans=sum(1 for one in found.get(row.name, ()) if volume_body(one, {}).orphan),
        )
        for row in storage_pools.listing(sql, [top.host.id])
    ]


def _volume(one: Volume, known: dict[str, Holder], who: Actor) -> VolumeView:
    told = volume_body(one, {})
    names = tuple(name_of(known[key], who) if key in known else Name(text=key) for key in told.holders)
    named = all(name.known for name in names)
    return VolumeView(name=one.name if named else "", volume=one, holders=names, orphan=told.orphan)


def _text(row: VolumeView) -> str:
    """What the search looks into."""
    texts = (row.name, row.kind, row.volume.kind, row.volume.project, "orphan" if row.orphan else "")
    return " ".join((*texts, *(one.text for one in row.holders))).casefold()
