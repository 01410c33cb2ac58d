"""Other cores and memory for a machine that is off, and larger disks. What its VM host can hold is said before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import Conflict, InnkeeperError, NotFound, StillRunning
from innkeeper.model.capacity import Figure
from innkeeper.model.machine import Disk, PowerState
from innkeeper.store import figures
from innkeeper.web import formats, forms, numbers
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.machine_act import PATIENCE
from innkeeper.web.machine_head import Head, read, read_with, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}")
Inn = Annotated[House, Depends(house)]


@dataclass(frozen=True, kw_only=True)
class Room:
    """What the VM host has free beside what the machine has. None: not known."""

    cores: Figure | None
    memory: Figure | None
    storage: dict[str, Figure]


def _room(sql: sa.Connection, top: Head) -> Room:
    if top.host is None:
        return Room(cores=None, memory=None, storage={})
    counted = figures.figures(sql, [top.host])[top.host.id]
    memory = counted.huge_pages if top.one.huge_pages else counted.memory
    return Room(cores=counted.cores, memory=memory, storage=dict(counted.storage))


@router.get("/resize")
async def ask_resize(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    return await _resize_form(request, inn, who, system_id, values=None)


@router.post("/resize")
async def resize(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    form = await forms.read(request)
    top = await read(inn, who, system_id)
    fields = sent(form, "cpu_count", "memory")
    try:
        await perform(request, who, "PUT", f"machines/{system_id}/", sent=fields, patience=PATIENCE)
    except StillRunning:
        return done(top.path, f"{top.one.hostname} is being resized.")
    except InnkeeperError as error:
        values = {name: str(value) for name, value in form.items()}
        return await _resize_form(request, inn, who, system_id, values=values, trouble=Trouble.of(error))
    return done(top.path, f"{top.one.hostname} was resized.")


async def _resize_form(
    request: Request,
    inn: House,
    who: Actor,
    system_id: str,
    *,
    values: Mapping[str, str] | None,
    trouble: Trouble = NONE,
) -> Response:
    top, room = await read_with(inn, who, system_id, _room)
    if not trouble.brief:
        top.wanted("resize")
    have = {"cpu_count": str(top.one.cores), "memory": str(top.one.memory)}
    return show(
        request,
        "machine_resize.html",
        top,
        title=f"Resize {top.one.hostname}",
        listens=False,
        status=trouble.status,
        room=room,
        off=top.one.power_state == PowerState.OFF,
        values=have | dict(values or {}),
        trouble=trouble,
    )


@router.get("/disks/{disk_id}/grow")
async def ask_grow(request: Request, inn: Inn, who: SignedIn, system_id: str, disk_id: int) -> Response:
    return await _grow_form(request, inn, who, system_id, disk_id, values=None)


@router.post("/disks/{disk_id}/grow")
async def grow(request: Request, inn: Inn, who: SignedIn, system_id: str, disk_id: int) -> Response:
    form = await forms.read(request)
    top = await read(inn, who, system_id)
    disk = _disk(top, disk_id)
    typed = str(form.get("size", ""))
    try:
        size = numbers.size(typed, field="size")
        path = f"nodes/{system_id}/blockdevices/{disk_id}/"
        await perform(request, who, "PUT", path, sent=[("size", str(size))], patience=PATIENCE)
    except StillRunning:
        return done(f"{top.path}/storage", f"{disk.device} is growing.")
    except InnkeeperError as error:
        trouble = Trouble.of(error)
        return await _grow_form(request, inn, who, system_id, disk_id, values={"size": typed}, trouble=trouble)
    return done(f"{top.path}/storage", f"{disk.device} has {formats.size(size)} now.")


def _disk(top: Head, disk_id: int) -> Disk:
    for one in top.one.disks:
        if one.id == disk_id:
            return one
    raise NotFound("There is no such disk.")


async def _grow_form(
    request: Request,
    inn: House,
    who: Actor,
    system_id: str,
    disk_id: int,
    *,
    values: Mapping[str, str] | None,
    trouble: Trouble = NONE,
) -> Response:
    top, room = await read_with(inn, who, system_id, _room)
    disk = _disk(top, disk_id)
    if not trouble.brief and not (top.case.resizable and disk.pool):
        raise Conflict(f"{disk.device} of {top.one.hostname} cannot grow as things stand.")
    have = {"size": f"{Decimal(disk.size) / numbers.GB:f}"}
    return show(
        request,
        "machine_grow.html",
        top,
        title=f"Grow {disk.device} of {top.one.hostname}",
        listens=False,
        status=trouble.status,
        disk=disk,
        pool=room.storage.get(disk.pool),
        off=top.one.power_state == PowerState.OFF,
        values=have | dict(values or {}),
        trouble=trouble,
    )
