"""A fabric: its VLANs with their subnets; one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.errors import NotFound
from innkeeper.model.network import Fabric
from innkeeper.store import events, fabrics, vlans
from innkeeper.web import live
from innkeeper.web.formats import plural
from innkeeper.web.nouns import Field, Inn, Noun, Seen, add_forms, called, number
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.wires import Wire, wires

router = APIRouter(include_in_schema=False)
PLACE = "/fabrics"


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = fabrics.find(sql, number(key))
    return Seen(
        title=one.name,
        back=f"{PLACE}/{one.id}",
        after="/networks",
        values={"name": one.name, "description": one.description, "class_type": one.class_type or ""},
        goes=(f"Its {plural(len(vlans.in_fabric(sql, one.id)), 'VLAN')}.",),
        stays=("What is on the VM hosts. A refresh of a host finds again what it is connected to.",),
        fixed=_used(sql, one.id),
    )


def _used(sql: sa.Connection, id: int) -> str:
    """Who is on it, in a sentence."""
    for one in vlans.in_fabric(sql, id):
        if found := vlans.users(sql, one.id):
            return f"Its VLAN {one.name} is in use by {found}."
    return ""


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back="/networks")


NOUN = Noun(
    word="fabric",
    place=PLACE,
    many="fabrics/",
    one="fabrics/{key}/",
    about="VLANs that are switched together. A VLAN tag means the same everywhere in a fabric.",
    fields=(
        Field(name="name", label="Name", help="Without one it is called after its number."),
        Field(name="description", label="Description"),
        Field(name="class_type", label="Class", help="What requests can ask for as fabric_class, for example 10g."),
    ),
    find=_find,
    blank=_blank,
)
add_forms(router, NOUN)


@router.get(f"{PLACE}/{{key}}")
async def page(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
    """One fabric."""

    def ask(sql: sa.Connection) -> tuple[int, Fabric, list[Wire]]:
        cursor, there = events.last(sql), wires(sql)
        one = next((each for each in there.known.fabrics if each.id == number(key)), None)
        if one is None:
            raise NotFound("There is no such fabric.")
        return cursor, one, there.by_fabric[one.id]

    cursor, one, found = await inn.services.database.reading(ask)
    return render(
        request,
        "fabric.html",
        title=called(NOUN, one.name),
        actor=who,
        noun=NOUN,
        one=one,
        wires=found,
        live=live.address(cursor=cursor),
    )
