"""Sources of images: trees on the web (simplestreams), what is wanted of each, and fetching it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.errors import InnkeeperError
from innkeeper.operations import sync_images
from innkeeper.store import boot_sources, events
from innkeeper.store.boot_sources import BootSource, Selection
from innkeeper.web import forms, live
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.nouns import Field, Inn, Noun, Seen, add_forms, number
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False)
PLACE = "/images/sources"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A source with what is wanted of it."""

    one: BootSource
    wanted: tuple[Selection, ...]


def _rows(sql: sa.Connection) -> list[Row]:
    wanted = boot_sources.selections(sql)
    return [
        Row(one=one, wanted=tuple(each for each in wanted if each.source_id == one.id))
        for one in boot_sources.listing(sql)
    ]


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = boot_sources.find(sql, number(key))
    number_of = len(boot_sources.selections(sql, source_id=one.id))
    return Seen(
        title=one.url,
        back=PLACE,
        values={"url": one.url},
        goes=(f"What is wanted of it ({number_of}).",) if number_of else (),
        stays=("Images that came from it.",),
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    return Seen(title="", back=PLACE)


NOUN = Noun(
    word="image source",
    place=PLACE,
    many="boot-sources/",
    one="boot-sources/{key}/",
    about="A tree of LXD images on the web (simplestreams). Signatures are not checked: give an https address.",
    fields=(
        Field(
            name="url",
            label="Address",
            kind="url",
            required=True,
            help="What stands before streams/v1/index.json, for example https://cloud-images.ubuntu.com/releases/.",
        ),
    ),
    find=_find,
    blank=_blank,
)


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: AdminPage) -> Response:
    """All sources, with what is wanted of each, and whether it is being fetched."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row], list[str]]:
        return events.last(sql), _rows(sql), sync_images.running(sql)

    cursor, rows, syncs = await inn.services.database.reading(ask)
    return render(
        request,
        "image_sources.html",
        title="Image sources",
        actor=who,
        noun=NOUN,
        rows=rows,
        syncs=syncs,
        live=live.address(cursor=cursor),
    )


@router.post("/images/fetch")
async def fetch(request: Request, who: AdminPage) -> Response:
    """Fetch what is wanted; one sees it as an operation."""
    await perform(request, who, "POST", "boot-resources/", op="import")
    return done(PLACE, "The images are being fetched.")


@router.post("/images/stop")
async def stop(request: Request, who: AdminPage) -> Response:
    await perform(request, who, "POST", "boot-resources/", op="stop_import")
    return done(PLACE, "It stops. Images that have arrived stay.")


@router.get(f"{PLACE}/{{key}}/want")
async def ask_want(request: Request, inn: Inn, who: AdminPage, key: str) -> Response:
    return await _want(request, inn, who, key, {"os": "ubuntu", "arches": "*"})


@router.post(f"{PLACE}/{{key}}/want")
async def want(request: Request, inn: Inn, who: AdminPage, key: str) -> Response:
    form = await forms.read(request)
    arches = [("arches", each) for each in str(form.get("arches", "")).replace(",", " ").split()]
    try:
        path = f"boot-sources/{number(key)}/selections/"
        await perform(request, who, "POST", path, sent=[*sent(form, "os", "release"), *arches])
    except InnkeeperError as error:
        return await _want(request, inn, who, key, dict(form), Trouble.of(error))
    return done(PLACE, f"{form['os']} {form['release']} is fetched from now on.")


@router.post(f"{PLACE}/{{key}}/selections/{{which}}/forget")
async def forget(request: Request, who: AdminPage, key: str, which: str) -> Response:
    await perform(request, who, "DELETE", f"boot-sources/{number(key)}/selections/{number(which)}/")
    return done(PLACE, "It is fetched no more. An image that has arrived stays.")


async def _want(
    request: Request, inn: Inn, who: Actor, key: str, values: Mapping[str, object], trouble: Trouble = NONE
) -> Response:
    one = await inn.services.database.reading(boot_sources.find, number(key))
    return render(
        request,
        "image_want.html",
        title="Fetch a release",
        actor=who,
        status=trouble.status,
        values=values,
        trouble=trouble,
        one=one,
    )


add_forms(router, NOUN)
