"""Domains: labels of machines' names. The list, one to make, to change, to make the default, to delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.store import counts, domains, events
from innkeeper.store.domains import Domain
from innkeeper.web import live
from innkeeper.web.calls import perform
from innkeeper.web.nouns import Field, Inn, Noun, Seen, add_forms, number
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage, SignedIn

router = APIRouter(include_in_schema=False)
PLACE = "/domains"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A domain with how many machines are in it."""

    one: Domain
    machines: int


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = domains.find(sql, id=number(key))
    return Seen(
        title=one.name,
        back=PLACE,
        values={"name": one.name},
        stays=("Nothing else: a domain that a machine is in cannot be deleted.",),
        held=domains.users(sql, one.id),
        fixed="This domain is the default. Make another one the default first." if one.is_default else "",
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back=PLACE)


NOUN = Noun(
    word="domain",
    place=PLACE,
    many="domains/",
    one="domains/{key}/",
    about="What stands behind machines' names. Innkeeper is no DNS server: the networks' own DNS answers names.",
    fields=(Field(name="name", label="Name", required=True, help="For example lab.example."),),
    find=_find,
    blank=_blank,
)


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    """All domains, the default one marked."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        held = counts.in_domains(sql, seen_by=None if who.is_admin else who.user_id)
        return cursor, [Row(one=one, machines=held.get(one.id, 0)) for one in domains.listing(sql)]

    cursor, rows = await inn.services.database.reading(ask)
    return render(
        request, "domains.html", title="Domains", actor=who, noun=NOUN, rows=rows, live=live.address(cursor=cursor)
    )


@router.post(f"{PLACE}/{{key}}/default")
async def make_default(request: Request, who: AdminPage, key: str) -> Response:
    await perform(request, who, "POST", f"domains/{number(key)}/", op="set_default")
    return done(PLACE, "New machines are in this domain from now on.")


add_forms(router, NOUN)
