"""Change a machine: its name, where it belongs, its tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.store import domains, pools, tags, zones
from innkeeper.web import forms
from innkeeper.web.calls import NONE, WAS, Trouble, changed, perform, typed
from innkeeper.web.machine_head import Head, read_with, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}/edit")
Inn = Annotated[House, Depends(house)]
_FIELDS = ("hostname", "domain", "zone", "pool", "description")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What can be chosen among: (name, name), as forms take it; and the tags that there are."""

    domains: tuple[tuple[str, str], ...]
    zones: tuple[tuple[str, str], ...]
    pools: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]


def _choices(sql: sa.Connection, _: Head) -> Choices:
    return Choices(
        domains=tuple((one.name, one.name) for one in domains.listing(sql)),
        zones=tuple((one.name, one.name) for one in zones.listing(sql)),
        pools=tuple((one.name, one.name) for one in pools.listing(sql)),
        tags=tuple(one.name for one in tags.listing(sql)),
    )


@router.get("")
async def ask(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    return await _form(request, inn, who, system_id, values=None)


@router.post("")
async def update(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    form = await forms.read(request)
    values = {name: str(value) for name, value in form.items()}
    top, choices = await read_with(inn, who, system_id, _choices)
    try:
        if not values.get("hostname", "").strip():
            message = "a machine has a name"
            raise Invalid(f"Invalid hostname: {message}.", fields={"hostname": [message]})
        said = changed(values)
        fields = [(name, typed(said[name])) for name in _FIELDS if name in said]
        await perform(request, who, "PUT", f"machines/{system_id}/", sent=fields)
        if "tags" in said and who.is_admin:
            shown = values.get(f"{WAS}tags", ",".join(top.one.tags))
            await _set_tags(request, who, top, choices, text=said["tags"], shown=shown)
    except InnkeeperError as error:
        return await _form(request, inn, who, system_id, values=values, trouble=Trouble.of(error))
    return done(top.path, f"{values['hostname']} was changed.")


async def _set_tags(request: Request, who: Actor, top: Head, choices: Choices, *, text: str, shown: str) -> None:
    """Put the tags of a text with commas on the machine, and take off those that were shown and are not in it. Ones
    that are not there yet are made."""
    wanted, have = _names(text), set(top.one.tags)
    wanted |= have - _names(shown)
    for name in sorted(wanted - set(choices.tags)):
        try:
            await perform(request, who, "POST", "tags/", sent=[("name", name)])
        except Invalid as error:
            why = [text for texts in error.fields.values() for text in texts]
            raise Invalid(f"Invalid tags: {'; '.join(why)}.", fields={"tags": why}) from None
    for name in sorted(wanted ^ have):
        field = "add" if name in wanted else "remove"
        path = f"tags/{quote(name, safe='')}/"
        await perform(request, who, "POST", path, op="update_nodes", sent=[(field, top.one.system_id)])


def _names(text: str) -> set[str]:
    return {one.strip() for one in text.split(",") if one.strip()}


async def _form(
    request: Request,
    inn: House,
    who: Actor,
    system_id: str,
    *,
    values: Mapping[str, str] | None,
    trouble: Trouble = NONE,
) -> Response:
    top, choices = await read_with(inn, who, system_id, _choices)
    if not trouble.brief:
        top.wanted("edit")
    one = top.one
    have = {
        "hostname": one.hostname,
        "domain": top.domain,
        "zone": top.zone,
        "pool": top.pool,
        "description": one.description,
        "tags": ", ".join(one.tags),
    }
    return show(
        request,
        "machine_edit.html",
        top,
        title=f"Edit {one.hostname}",
        listens=False,
        status=trouble.status,
        choices=choices,
        values=have | dict(values or {}),
        trouble=trouble,
    )
