"""Remove a VM host: what goes and what stays is said first; destroying machines needs the host's name, typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import InnkeeperError, Invalid, NotFound, StillRunning
from innkeeper.model.machine import Machine, Origin
from innkeeper.operations.forget_image import FORGET_IMAGE
from innkeeper.store import holders, hosts, machines
from innkeeper.store.machines import Filter
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform
from innkeeper.web.host_actions import PATIENCE
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/delete")
Inn = Annotated[House, Depends(house)]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of what is on a host. `doomed`: machines that are destroyed if that is asked for; `spared`: whose
    VMs stay in any case (adopted or locked); `others`: instances that are not ours; `in_the_way`: running operations.
    """

    doomed: tuple[Machine, ...]
    spared: tuple[Machine, ...]
    others: int
    in_the_way: tuple[str, ...]
    made_here: bool


@router.get("")
async def ask(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    return await _form(request, inn, who, id, values={"machines": "keep"})


@router.post("")
async def delete(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Remove the host, with its machines when that was chosen and its name typed."""
    form = await forms.read(request)
    values = {name: str(value) for name, value in form.items()}
    top = await inn.services.database.reading(head, id)
    name = top.host.name
    destroy = values.get("machines") == "destroy"
    try:
        if destroy and values.get("typed", "").strip() != name:
            message = f"type the name of the host, {name}, to have its machines destroyed"
            raise Invalid("Nothing was done.", fields={"typed": [message]})
        fields = [("decompose", str(destroy).lower()), ("force", str(values.get("force") == "true").lower())]
        await perform(request, who, "DELETE", f"vm-hosts/{id}/", sent=fields, patience=PATIENCE)
    except StillRunning:
        return done(f"/hosts/{id}", f"{name} is being removed. This page shows how it goes on, and goes with it.")
    except NotFound:
        return done("/hosts", f"{name} was removed already.")
    except InnkeeperError as error:
        return await _form(request, inn, who, id, values=values, trouble=Trouble.of(error))
    return done("/hosts", f"The VM host {name} was removed.")


async def _form(
    request: Request, inn: House, who: Actor, id: int, *, values: dict[str, str], trouble: Trouble = NONE
) -> Response:
    top, fate = await inn.services.database.reading(_read, id)
    return show(
        request,
        "host_delete.html",
        who=who,
        top=top,
        title=f"Remove {top.host.name}",
        alive=False,
        status=trouble.status,
        fate=fate,
        values=values,
        trouble=trouble,
    )


def _read(sql: sa.Connection, id: int) -> tuple[Head, Fate]:
    top = head(sql, id)
    found = machines.listing(sql, Filter(host_ids=(id,)))
    on_it: Sequence[Machine] = [one for one in found if one.origin in (Origin.COMPOSED, Origin.ADOPTED)]
    doomed = tuple(one for one in on_it if one.origin == Origin.COMPOSED and not one.locked)
    return top, Fate(
        doomed=doomed,
        spared=tuple(one for one in on_it if one not in doomed),
        others=sum(1 for one in holders.of_host(sql, id) if not one.holding.ours),
        in_the_way=tuple(one.kind.replace("_", " ") for one in top.running if one.kind != FORGET_IMAGE.kind),
        made_here=hosts.made_here(sql, id),
    )
