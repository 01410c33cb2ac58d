"""A VM host: its resources, whole or by NUMA node, and who has which core. Both views add up to the same figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.model import capacity, numa
from innkeeper.model.capacity import Figure
from innkeeper.model.numa import NodeFigures, Use
from innkeeper.store import host_resources
from innkeeper.store.figures import Figures
from innkeeper.store.host_resources import Port
from innkeeper.web import core_map
from innkeeper.web.core_map import Run
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.names import Name, name_of
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/resources")


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Huge pages of one size: bytes; `used` as the host says."""

    size: int
    count: int
    total: int
    used: int


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """A NUMA node: its part of the figures, its ports and its cores."""

    part: NodeFigures
    ports: tuple[Port, ...]
    pages: tuple[Pages, ...]
    picture: Markup
    runs: tuple[Run, ...]
    counts: dict[str, int]  # of cores, by use
    unpinned: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a host has and who has it. `floating`: instances that have cores which are pinned nowhere, with their
    number."""

    counted: Figures
    storage: Figure | None
    functions: Figure | None
    ports: tuple[Port, ...]
    pages: tuple[Pages, ...]
    nodes: tuple[NodeView, ...]
    floating: tuple[tuple[Name, int], ...]
    cpu_model: str


@router.get("")
async def resources(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    id: HostId,
    nodes: Annotated[str, Query(alias="numa")] = "",
) -> Response:
    """The four cells, whole or by NUMA node (`numa=1`), the huge pages and the map of cores."""

    def ask(sql: sa.Connection) -> tuple[Head, Resources]:
        top = head(sql, id)
        return top, _resources(host_resources.of_host(sql, top.host), who)

    top, found = await inn.services.database.reading(ask)
    return show(
        request,
        "host_resources.html",
        who=who,
        top=top,
        title="Resources",
        has=found,
        by_node=nodes == "1" and bool(found.nodes),
    )


def _resources(has: host_resources.Resources, who: Actor) -> Resources:
    holdings = [one.holding for one in has.holders]
    names = [name_of(one, who) for one in has.holders]
    floating = [(name, one.cores - len(one.pinned)) for name, one in zip(names, has.holders, strict=True)]
    return Resources(
        counted=has.whole,
        storage=capacity.together((figure for _, figure in has.whole.storage), resource="storage"),
        functions=capacity.together((one.figure for one in has.ports), resource="virtual functions"),
        ports=has.ports,
        pages=_pages(numa.pages(has.told.numa_nodes)),
        nodes=tuple(_node(part, has.ports, numa.cores_of(part, holdings), names) for part in has.nodes),
        floating=tuple(pair for pair in floating if pair[1] > 0),
        cpu_model=has.told.cpu_model,
    )


def _node(part: NodeFigures, ports: tuple[Port, ...], cores: tuple[numa.Core, ...], names: list[Name]) -> NodeView:
    counts = {use.value: sum(1 for one in cores if one.use == use) for use in Use}
    label = f"Cores of NUMA node {part.node.id}: "
    label += ", ".join(f"{number} {use}" for use, number in counts.items() if number)
    return NodeView(
        part=part,
        ports=tuple(one for one in ports if one.node == part.node.id),
        pages=_pages(numa.pages([part.node])),
        picture=core_map.picture(cores, names, label=label),
        runs=tuple(core_map.runs(cores, names)),
        counts=counts,
        unpinned=tuple(one.thread.id for one in cores if one.use in (Use.SHARED, Use.FREE)),
    )


def _pages(by_size: dict[int, tuple[int, int]]) -> tuple[Pages, ...]:
    return tuple(
        Pages(size=size, count=total // size, total=total, used=used) for size, (total, used) in by_size.items()
    )
