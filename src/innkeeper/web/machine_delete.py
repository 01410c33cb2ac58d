"""Delete a machine: what goes and what stays is said before, and its name is typed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError, Invalid, StillRunning
from innkeeper.model.host import HostState
from innkeeper.operations.decompose import removal_of
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.machine_act import PATIENCE
from innkeeper.web.machine_head import Head, read, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}/delete")
Inn = Annotated[House, Depends(house)]


@router.get("")
async def ask(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    return await _form(request, inn, who, system_id)


@router.post("")
async def delete(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    form = await forms.read(request)
    top = await read(inn, who, system_id)
    name = top.one.hostname
    try:
        if str(form.get("typed", "")).strip() != name:
            message = f"type {name} to confirm"
            raise Invalid("The name is not the machine's.", fields={"typed": [message]})
        await perform(request, who, "DELETE", f"machines/{system_id}/", sent=sent(form, "force"), patience=PATIENCE)
    except StillRunning as running:
        return done(f"/operations/{running.operation}", f"{name} is being deleted.")
    except InnkeeperError as error:
        return await _form(request, inn, who, system_id, trouble=Trouble.of(error))
    return done("/machines", f"{name} was deleted.")


def _consequences(top: Head) -> tuple[list[str], list[str]]:
    """What goes and what stays."""
    one, removal = top.one, removal_of(top.one)
    there = f" on the VM host {top.host.name}" if top.host else ""
    goes = []
    if one.instance:
        goes.append(f"The virtual machine {one.instance}{there}, with its root disk and all that is on it.")
    gone = {volume for _, volume in removal.volumes}
    goes += [f"The volume {volume} in the storage pool {pool}." for pool, volume in removal.volumes]
    goes.append("Its record here, with its addresses, notes and user data.")
    stays = [
        f"The volume {disk.volume} in the storage pool {disk.pool}: it was attached by others."
        for disk in one.disks
        if disk.volume and disk.volume not in gone
    ]
    stays.append("The events that tell what happened to it, for a while.")
    return goes, stays


async def _form(request: Request, inn: House, who: Actor, system_id: str, trouble: Trouble = NONE) -> Response:
    top = await read(inn, who, system_id)
    if not trouble.brief:
        top.wanted("delete")
    goes, stays = _consequences(top)
    return show(
        request,
        "machine_delete.html",
        top,
        title=f"Delete {top.one.hostname}",
        listens=False,
        status=trouble.status,
        trouble=trouble,
        what=top.one.hostname,
        goes=goes,
        stays=stays,
        away=top.host is not None and top.host.state != HostState.READY,
        back=top.path,
        typed=top.one.hostname,
    )
