"""A space: its VLANs with their subnets; one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.errors import NotFound
from innkeeper.model.network import Space
from innkeeper.store import events, spaces
from innkeeper.web import live
from innkeeper.web.nouns import Field, Inn, Noun, Seen, add_forms, called, number
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.wires import Wire, wires

router = APIRouter(include_in_schema=False)
PLACE = "/spaces"


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = spaces.find(sql, number(key))
    there = ", ".join(each.title for each in wires(sql).by_space[one.id])
    return Seen(
        title=one.name,
        back=f"{PLACE}/{one.id}",
        after="/networks?by=space",
        values={"name": one.name, "description": one.description},
        stays=("Nothing else: a space that a VLAN is in cannot be deleted.",),
        fixed=f"These are in the space {one.name}: {there}." if there else "",
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back="/networks?by=space")


NOUN = Noun(
    word="space",
    place=PLACE,
    many="spaces/",
    one="spaces/{key}/",
    about="VLANs whose subnets reach one another. Requests ask for a network by the name of its space.",
    fields=(
        Field(name="name", label="Name", help="Without one it is called after its number."),
        Field(name="description", label="Description"),
    ),
    find=_find,
    blank=_blank,
)
add_forms(router, NOUN)


@router.get(f"{PLACE}/{{key}}")
async def page(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
    """One space."""

    def ask(sql: sa.Connection) -> tuple[int, Space, list[Wire]]:
        cursor, there = events.last(sql), wires(sql)
        one = next((each for each in there.known.spaces if each.id == number(key)), None)
        if one is None:
            raise NotFound("There is no such space.")
        return cursor, one, there.by_space[one.id]

    cursor, one, found = await inn.services.database.reading(ask)
    return render(
        request,
        "space.html",
        title=called(NOUN, one.name),
        actor=who,
        noun=NOUN,
        one=one,
        wires=found,
        live=live.address(cursor=cursor),
    )
