"""Machines in the native API: page by page, in the shape of the REST API 2.0."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from fastapi import Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House
from innkeeper.api.maas import machine_shapes
from innkeeper.api.maas.lookups import lookups
from innkeeper.api.v1.access import Cursor, OfHost, actor, answers, house, make_router
from innkeeper.store import machines
from innkeeper.store.machines import Filter

router = make_router("/machines", "machines")
PAGE, MOST = 100, 1000


class MachinesBody(BaseModel):
    """A page of machines, in the order they were made. `next`: what `after` must be for the next page; null: none."""

    machines: list[dict[str, Any]]
    next: int | None


@router.get("", summary="List machines, page by page", responses=answers(), response_model=MachinesBody)
async def listing(
    inn: Annotated[House, Depends(house)],
    who: Annotated[Actor, Depends(actor)],
    host_id: OfHost = None,
    after: Cursor = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most machines of a page.")] = PAGE,
) -> Response:
    """Of a host, or all that the caller may see; each as `GET /MAAS/api/2.0/machines/{system_id}/` has it."""
    permit(who, Who.USER)
    which = Filter(
        host_ids=(host_id,) if host_id is not None else (),
        seen_by=None if who.is_admin else who.user_id,
        after=after,
        limit=limit,
    )
    return Response(await inn.services.database.reading(_page, which), media_type="application/json")


def _page(sql: sa.Connection, which: Filter) -> bytes:
    found = machines.listing(sql, which)
    about = lookups(sql, found)
    more = found[-1].id if len(found) == which.limit else None
    listed = msgspec.Raw(b"".join(machine_shapes.encoded(found, about)))
    return msgspec.json.encode({"machines": listed, "next": more})
