"""Resource pools: the list, one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.store import counts, events, pools
from innkeeper.store.counts import Count
from innkeeper.store.pools import DEFAULT_ID, Pool
from innkeeper.web import live
from innkeeper.web.nouns import GROUP_NAME, Field, Inn, Noun, Seen, add_forms
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False)
PLACE = "/pools"
ABOUT = "Groups of machines and VM hosts by what they are for: a team, a project. A storage pool is something else."


@dataclass(frozen=True, kw_only=True)
class Row:
    """A resource pool with how much is in it. `fixed`: it keeps its name and cannot go."""

    one: Pool
    holds: Count
    fixed: bool


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = pools.find(sql, name=key)
    return Seen(
        title=one.name,
        back=PLACE,
        values={"name": one.name, "description": one.description},
        stays=("Nothing else: a resource pool that a VM host or a machine is in cannot be deleted.",),
        held=pools.users(sql, one.id),
        ways=(
            (f"/hosts?pool={quote(one.name, safe='')}", "Its VM hosts"),
            (f"/machines?pool={quote(one.name, safe='')}", "Its machines"),
        ),
        fixed="The default resource pool stays: what is in no other is in it." if one.id == DEFAULT_ID else "",
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back=PLACE)


NOUN = Noun(
    word="resource pool",
    place=PLACE,
    many="resourcepools/",
    one="resourcepool/{key}/",
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
    """All resource pools, with links to what is in each."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        held = counts.in_pools(sql, seen_by=None if who.is_admin else who.user_id)
        found = pools.listing(sql)
        return cursor, [Row(one=one, holds=held.get(one.id, Count()), fixed=one.id == DEFAULT_ID) for one in found]

    cursor, rows = await inn.services.database.reading(ask)
    return render(
        request,
        "groups.html",
        title="Resource pools",
        actor=who,
        noun=NOUN,
        rows=rows,
        about=ABOUT,
        query="pool",
        live=live.address(cursor=cursor),
    )


add_forms(router, NOUN)
