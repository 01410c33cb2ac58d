"""Zones: the list, one to make, to change, to delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError
from innkeeper.store import counts, zones
from innkeeper.store.counts import Count
from innkeeper.store.zones import DEFAULT, Zone
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage, SignedIn

router = APIRouter(include_in_schema=False, prefix="/zones")
Inn = Annotated[House, Depends(house)]
_FIELDS = ("name", "description")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A zone with how much is in it."""

    zone: Zone
    holds: Count

    @property
    def fixed(self) -> bool:
        """Whether it keeps its name and cannot go."""
        return self.zone.name == DEFAULT


@router.get("")
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    """All zones, with links to what is in each."""

    def ask(sql: sa.Connection) -> list[Row]:
        counted = counts.in_zones(sql)
        return [Row(zone=one, holds=counted.get(one.id, Count())) for one in zones.listing(sql)]

    rows = await inn.services.database.reading(ask)
    return render(request, "zones.html", title="Zones", actor=who, rows=rows)


@router.get("/new")
async def new(request: Request, who: AdminPage) -> Response:
    return _form(request, who, name="", values={})


@router.post("/new")
async def create(request: Request, who: AdminPage) -> Response:
    form = await request.form()
    try:
        await perform(request, who, "POST", "zones/", sent=sent(form, *_FIELDS))
    except InnkeeperError as error:
        return _form(request, who, name="", values=dict(form), trouble=Trouble.of(error))
    return done("/zones", f"The zone {form['name']} was made.")


@router.get("/{name}/edit")
async def edit(request: Request, inn: Inn, who: AdminPage, name: str) -> Response:
    one = await inn.services.database.reading(lambda sql: zones.find(sql, name=name))
    return _form(request, who, name=name, values={"name": one.name, "description": one.description})


@router.post("/{name}/edit")
async def update(request: Request, who: AdminPage, name: str) -> Response:
    form = await request.form()
    try:
        await perform(request, who, "PUT", f"zones/{quote(name)}/", sent=sent(form, *_FIELDS, given=False))
    except InnkeeperError as error:
        return _form(request, who, name=name, values=dict(form), trouble=Trouble.of(error))
    return done("/zones", f"The zone {form['name']} was changed.")


@router.get("/{name}/delete")
async def ask_delete(request: Request, inn: Inn, who: AdminPage, name: str) -> Response:
    await inn.services.database.reading(lambda sql: zones.find(sql, name=name))
    return _delete(request, who, name=name)


@router.post("/{name}/delete")
async def delete(request: Request, who: AdminPage, name: str) -> Response:
    try:
        await perform(request, who, "DELETE", f"zones/{quote(name)}/")
    except InnkeeperError as error:
        return _delete(request, who, name=name, trouble=Trouble.of(error))
    return done("/zones", f"The zone {name} was deleted.")


def _form(
    request: Request, who: AdminPage, *, name: str, values: dict[str, object], trouble: Trouble = NONE
) -> Response:
    """The form of a zone, new (`name` "") or not, as it was filled in."""
    title = f"Zone {name}" if name else "New zone"
    return render(
        request,
        "zone_form.html",
        title=title,
        actor=who,
        status=trouble.status,
        values=values,
        trouble=trouble,
        name=name,
    )


def _delete(request: Request, who: AdminPage, *, name: str, trouble: Trouble = NONE) -> Response:
    return render(
        request,
        "delete.html",
        title=f"Delete the zone {name}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        what=f"the zone {name}",
        goes=[f"The zone {name} itself."],
        stays=["Nothing else: a zone that a VM host or a machine is in cannot be deleted."],
        back="/zones",
        typed="",
    )
