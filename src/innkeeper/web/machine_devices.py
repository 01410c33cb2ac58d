"""What a machine has: its NICs with the networks that they are on, its disks with their volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.model.host import HostInterface, Volume
from innkeeper.model.machine import Disk, Interface
from innkeeper.model.network import Fabric, Link, Space, Subnet, Vlan
from innkeeper.store import hosts, networks, storage_pools
from innkeeper.store.storage_pools import PoolRow
from innkeeper.web.machine_head import Head, read_with, show
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}")
Inn = Annotated[House, Depends(house)]


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A NIC's link with its subnet."""

    link: Link
    subnet: Subnet | None


@dataclass(frozen=True, kw_only=True)
class Nic:
    """A NIC with what it hangs on. None: not known."""

    nic: Interface
    vlan: Vlan | None
    fabric: Fabric | None
    space: Space | None
    links: tuple[Linked, ...]


@router.get("/network")
async def network(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    """The NICs with their addresses, and the networks that they are on; of a host's record the host's interfaces."""

    def more(sql: sa.Connection, top: Head) -> tuple[list[Nic], tuple[HostInterface, ...]]:
        theirs = hosts.inventory(sql, top.carries.id).interfaces if top.carries else ()
        return _nics(sql, top), theirs

    top, found = await read_with(inn, who, system_id, more)
    nics, theirs = found
    return show(
        request, "machine_network.html", top, title=f"{top.one.hostname}: network", nics=nics, interfaces=theirs
    )


def _nics(sql: sa.Connection, top: Head) -> list[Nic]:
    known = networks.around(sql, [top.one], vlan_ids=())
    vlans = {one.id: one for one in known.vlans}
    fabrics = {one.id: one for one in known.fabrics}
    spaces = {one.id: one for one in known.spaces}
    subnets = {one.id: one for one in known.subnets}
    found = []
    for nic in top.one.interfaces:
        vlan = vlans.get(nic.vlan_id or 0)
        found.append(
            Nic(
                nic=nic,
                vlan=vlan,
                fabric=fabrics.get(vlan.fabric_id) if vlan else None,
                space=spaces.get(vlan.space_id or 0) if vlan else None,
                links=tuple(Linked(link=one, subnet=subnets.get(one.subnet_id or 0)) for one in nic.links),
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A disk with its pool and volume, as its host told of them last; None: it did not."""

    disk: Disk
    pool: PoolRow | None
    volume: Volume | None


@router.get("/storage")
async def storage(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    """The disks, where each is and how much of it is written."""
    top, disks = await read_with(inn, who, system_id, _disks)
    return show(request, "machine_storage.html", top, title=f"{top.one.hostname}: storage", disks=disks)


def _disks(sql: sa.Connection, top: Head) -> list[Stored]:
    if top.host is None:
        return []
    pools = {row.name: row for row in storage_pools.listing(sql, [top.host.id])}
    volumes = storage_pools.volumes(sql, host_id=top.host.id)

    def volume_of(disk: Disk) -> Volume | None:
        many = volumes.get(disk.pool, ())
        if disk.volume:  # its project may be the server's default: projects need not have volumes of their own
            return next((one for one in many if (one.name, one.kind) == (disk.volume, "custom")), None)
        root = (top.one.instance, "virtual-machine", top.one.project)
        return next((one for one in many if (one.name, one.kind, one.project) == root), None)

    return [Stored(disk=one, pool=pools.get(one.pool), volume=volume_of(one)) for one in top.one.disks]
