"""Zones: the list, one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.store import counts, events, zones
from innkeeper.store.counts import Count
from innkeeper.store.zones import DEFAULT, Zone
from innkeeper.web import live
from innkeeper.web.nouns import GROUP_NAME, Field, Inn, Noun, Seen, add_forms
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False)
PLACE = "/zones"
ABOUT = (
    "A place that can fail as a whole: a rack, a room. VM hosts and machines in different zones do not fail together."
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A zone with how much is in it. `fixed`: it keeps its name and cannot go."""

    one: Zone
    holds: Count
    fixed: bool


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = zones.find(sql, name=key)
    return Seen(
        title=one.name,
        back=PLACE,
        values={"name": one.name, "description": one.description},
        stays=("Nothing else: a zone that a VM host or a machine is in cannot be deleted.",),
        held=zones.users(sql, one.id),
        ways=(
            (f"/hosts?zone={quote(one.name, safe='')}", "Its VM hosts"),
            (f"/machines?zone={quote(one.name, safe='')}", "Its machines"),
        ),
        fixed="The default zone stays: what nobody places elsewhere is in it." if one.name == DEFAULT else "",
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back=PLACE)


NOUN = Noun(
    word="zone",
    place=PLACE,
    many="zones/",
    one="zones/{key}/",
    about=ABOUT,
    fields=(
        Field(name="name", label="Name", required=True, help=GROUP_NAME),
        Field(name="description", label="Description"),
    ),
    find=_find,
    blank=_blank,
)


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    """All zones, with links to what is in each."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        held = counts.in_zones(sql, seen_by=None if who.is_admin else who.user_id)
        found = zones.listing(sql)
        return cursor, [Row(one=one, holds=held.get(one.id, Count()), fixed=one.name == DEFAULT) for one in found]

    cursor, rows = await inn.services.database.reading(ask)
    return render(
        request,
        "groups.html",
        title="Zones",
        actor=who,
        noun=NOUN,
        rows=rows,
        about=ABOUT,
        query="zone",
        live=live.address(cursor=cursor),
    )


add_forms(router, NOUN)
