"""Tags: the list with how many carry each, one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.store import events, tag_counts, tags
from innkeeper.store.tag_counts import Carried
from innkeeper.store.tags import Tag
from innkeeper.web import live
from innkeeper.web.formats import plural
from innkeeper.web.nouns import Field, Inn, Noun, Seen, add_forms
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False)
PLACE = "/tags"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A tag with how many carry it, of those that the one who looks may see."""

    one: Tag
    carried: Carried


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = tags.find(sql, key)
    carried = tag_counts.counted(sql).get(one.name, Carried())
    on = [
        plural(number, word) for number, word in ((carried.machines, "machine"), (carried.devices, "device")) if number
    ]
    return Seen(
        title=one.name,
        back=PLACE,
        values={"name": one.name, "comment": one.comment},
        goes=(f"It is taken off {' and '.join(on)}.",) if on else (),
        stays=("The machines that carry it, with everything else that is said of them.",),
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back=PLACE)


NOUN = Noun(
    word="tag",
    place=PLACE,
    many="tags/",
    one="tags/{key}/",
    about="A tag is put on machines on the list of machines. One that gets a new name has it on all machines.",
    fields=(
        Field(name="name", label="Name", required=True, help="Letters, digits, hyphens and underscores."),
        Field(name="comment", label="What it means"),
    ),
    find=_find,
    blank=_blank,
)


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    """All tags, with links to the machines that carry each."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        carried = tag_counts.counted(sql, seen_by=None if who.is_admin else who.user_id)
        return cursor, [Row(one=one, carried=carried.get(one.name, Carried())) for one in tags.listing(sql)]

    cursor, rows = await inn.services.database.reading(ask)
    return render(request, "tags.html", title="Tags", actor=who, noun=NOUN, rows=rows, live=live.address(cursor=cursor))


add_forms(router, NOUN)
