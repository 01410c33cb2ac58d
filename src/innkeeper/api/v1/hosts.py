"""VM hosts in the native API: the whole inventory, the storage pools with their volumes, the figures."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends
from pydantic import BaseModel

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House
from innkeeper.api.maas.shapes import figure
from innkeeper.api.v1.access import HostId, actor, answers, house, make_router, viewer
from innkeeper.model.host import Volume
from innkeeper.model.numa import NodeFigures
from innkeeper.store import host_resources, hosts, machines, storage_pools, volumes
from innkeeper.store.figures import Figures, figures
from innkeeper.store.machines import Filter
from innkeeper.store.visibility import Viewer, sees

router = make_router("/vm-hosts", "VM hosts")


class FigureBody(BaseModel):
    """One resource: cores, MiB or bytes. limit = physical × ratio; free = limit - claimed - others, never below 0."""

    physical: int
    ratio: float
    limit: int
    claimed: int
    others: int
    free: int
    over: int


class VolumeBody(BaseModel):
    """A volume. `machine`: the system_id of the machine that holds it; `orphan`: nobody does. Bytes; null: unknown.

    `hidden`: it is of another user's machine: name, holders and machine are not told.
    """

    name: str
    kind: str
    project: str
    size: int | None
    written: int | None
    holders: list[str]
    machine: str | None
    orphan: bool
    hidden: bool = False


class PoolBody(BaseModel):
    """A storage pool with its volumes. Bytes; null: the host could not tell."""

    name: str
    driver: str
    path: str
    total: int | None
    written: int | None
    foreign: int
    ratio: float
    default: bool
    stale: bool
    figure: FigureBody | None
    volumes: list[VolumeBody]


class NodeBody(BaseModel):
    """A NUMA node's part of the figures. `pinned`: cores that instances are pinned to here; the rest of what is used is
    its share of those that are pinned nowhere."""

    id: int
    cores: FigureBody | None
    memory: FigureBody | None
    huge_pages: FigureBody | None
    pinned: int


class PortBody(BaseModel):
    """The virtual functions of a port. `numa_node` null: the host does not say."""

    name: str
    numa_node: int | None
    figure: FigureBody


class FiguresBody(BaseModel):
    """The figures that limits are checked with; null: not known yet. Those of the NUMA nodes add up to them exactly."""

    cores: FigureBody | None
    memory: FigureBody | None
    huge_pages: FigureBody | None
    numa_nodes: list[NodeBody]
    virtual_functions: list[PortBody]


@router.get("/{id}/inventory", summary="Read what a host told about itself", responses=answers(404))
async def inventory(
    id: HostId, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> dict[str, Any]:
    """Version, architectures, NUMA nodes with threads and huge pages, interfaces with VFs, projects. Memory: bytes."""
    permit(who, Who.USER)

    def ask(sql: sa.Connection) -> dict[str, Any]:
        one = hosts.find(sql, id)
        told = asdict(hosts.inventory(sql, id))
        del told["pools"], told["faults"]  # pools have an address of their own; what failed is `stale`
        return told | {"state": str(one.state), "reason": one.reason, "stale": list(one.stale)}

    return await inn.services.database.reading(ask)


@router.get("/{id}/figures", summary="Read a host's figures", responses=answers(404))
async def host_figures(
    id: HostId, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> FiguresBody:
    """Cores, general memory and huge pages: physical, ratio, limit, claimed, others, free, over.

    Whole and by NUMA node; virtual functions by port.
    """
    permit(who, Who.USER)

    def ask(sql: sa.Connection) -> FiguresBody:
        has = host_resources.of_host(sql, hosts.find(sql, id))
        nodes = [{"id": one.node.id, "pinned": one.pinned} | _three(one) for one in has.nodes]
        ports = [{"name": one.name, "numa_node": one.node, "figure": figure(one.figure)} for one in has.ports]
        return FiguresBody.model_validate(_three(has.whole) | {"numa_nodes": nodes, "virtual_functions": ports})

    return await inn.services.database.reading(ask)


def _three(one: Figures | NodeFigures) -> dict[str, Any]:
    """What a host and a NUMA node have of each."""
    return {name: figure(getattr(one, name)) for name in ("cores", "memory", "huge_pages")}


@router.get("/{id}/storage-pools", summary="List a host's storage pools with their volumes", responses=answers(404))
async def pools(
    id: HostId, inn: Annotated[House, Depends(house)], who: Annotated[Actor, Depends(actor)]
) -> list[PoolBody]:
    """Every volume with the machine that holds it, or as an orphan. Other users' machines are not named."""
    permit(who, Who.USER)
    return await inn.services.database.reading(_pools, id, viewer(who))


def _pools(sql: sa.Connection, id: int, seen_by: Viewer | None) -> list[PoolBody]:
    one = hosts.find(sql, id)
    counted = dict(figures(sql, [one])[id].storage)
    found = volumes.of_host(sql, id)
    on_it = machines.listing(sql, Filter(host_ids=(id,)))
    holders = {f"{m.project}/{m.instance}": m.system_id for m in on_it}
    hidden = {f"{m.project}/{m.instance}" for m in on_it if not sees(seen_by, m.owner_id)}
    return [
        PoolBody(
            name=row.name,
            driver=row.driver,
            path=row.path,
            total=row.total,
            written=row.written,
            foreign=row.foreign_bytes,
            ratio=row.ratio,
            default=row.name == one.default_storage_pool,
            stale=row.stale,
            figure=FigureBody.model_validate(figure(counted.get(row.name))) if row.name in counted else None,
            volumes=[volume_body(volume, holders, hidden) for volume in found.get(row.name, ())],
        )
        for row in storage_pools.listing(sql, [id])
    ]


def volume_body(one: Volume, holders: Mapping[str, str], hidden: Container[str] = ()) -> VolumeBody:
    """Who holds a volume: the instance it is the root of, or those that use it.

    `holders`: the machines by instance (project/name); `hidden`: the instances that are not told.
    """
    own = (f"{one.project}/{one.name}",) if one.kind in ("virtual-machine", "container") else ()
    held = own or one.holders
    secret = any(holder in hidden for holder in held)
    return VolumeBody(
        name="" if secret else one.name,
        kind=one.kind,
        project=one.project,
        size=one.size,
        written=one.written,
        holders=[] if secret else list(held),
        machine=None if secret else next((holders[holder] for holder in held if holder in holders), None),
        orphan=one.kind == "custom" and not held,
        hidden=secret,
    )
