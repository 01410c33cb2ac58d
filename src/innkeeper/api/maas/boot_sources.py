"""Boot sources: trees of images on the web, and what is fetched of each by `boot-resources?op=import`."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import answers
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.image_shapes import boot_selection, boot_source
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.api.maas.shapes import Json
from innkeeper.errors import Invalid, NotFound
from innkeeper.model.image import NAME_RULE, full_name
from innkeeper.store import boot_sources
from innkeeper.store.boot_sources import BootSource, Selection
from innkeeper.store.database import Write

_SOURCE, _SELECTION = "BootSource", "BootSourceSelection"
_INDEX = re.compile(r"streams/v1/index\.s?json$")
_UNSIGNED = "Signatures are not checked here: give an https address."


def _find(sql: sa.Connection, id: int) -> BootSource:
    try:
        return boot_sources.find(sql, id)
    except NotFound:
        raise no_match(_SOURCE) from None


def _selection(sql: sa.Connection, call: Call) -> Selection:
    try:
        return boot_sources.selection(sql, int(call.path["boot_source_id"]), call.id)
    except NotFound:
        raise no_match(_SELECTION) from None


def _url(text: str) -> str:
    """The address of a tree, ending in a slash. Invalid for what is none."""
    base = _INDEX.sub("", text.strip())
    try:
        parts = urlsplit(base)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.query or parts.fragment or parts.username or any(c.isspace() for c in base):
        message = "it must be like https://cloud-images.ubuntu.com/releases/, without query and password"
        raise Invalid(f"Invalid url: {message}.", fields={"url": [message]})
    return base if base.endswith("/") else f"{base}/"


def _made(shape: Json) -> Answer:
    return replace(answers.of(shape), status=201)


def _wanted(os: str, release: str) -> tuple[str, str]:
    """What is selected, as it is kept. Invalid for what cannot be the name of an image."""
    try:
        full_name(f"{os.lower()}/{release}")
    except Invalid:
        message = f"{os}/{release} can be no image: {NAME_RULE}"
        raise Invalid(f"Invalid release: {message}.", fields={"release": [message]}) from None
    return os.lower(), release


async def listing(call: Call) -> object:
    house: House = call.services
    return [boot_source(one) for one in await house.services.database.reading(boot_sources.listing)]


async def create(call: Call) -> object:
    house: House = call.services
    url = _url(call.values.text("url"))

    def change(write: Write) -> BootSource:
        one = boot_sources.create(write, url=url)
        audit(write, call.request, call.user, f"added the boot source {one.url}")
        return one

    return _made(boot_source(await house.services.database.writing(change)))


async def read(call: Call) -> object:
    house: House = call.services
    return boot_source(await house.services.database.reading(_find, call.id))


async def update(call: Call) -> object:
    house: House = call.services
    url = _url(call.values.text("url")) if call.values.text("url") else ""

    def change(write: Write) -> BootSource:
        old = _find(write.sql, call.id)
        one = boot_sources.update(write, old.id, url=url or old.url)
        if one != old:
            audit(write, call.request, call.user, f"changed the boot source {old.url} to {one.url}")
        return one

    return boot_source(await house.services.database.writing(change))


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        gone = boot_sources.delete(write, _find(write.sql, call.id).id)
        audit(write, call.request, call.user, f"deleted the boot source {gone.url}")

    await house.services.database.writing(change)
    return None


async def selections(call: Call) -> object:
    house: House = call.services

    def ask(sql: sa.Connection) -> list[Selection]:
        return boot_sources.selections(sql, source_id=_find(sql, int(call.path["boot_source_id"])).id)

    return [boot_selection(one) for one in await house.services.database.reading(ask)]


async def select(call: Call) -> object:
    house: House = call.services
    values = call.values
    os, release = _wanted(values.text("os"), values.text("release"))

    def change(write: Write) -> Selection:
        source = _find(write.sql, int(call.path["boot_source_id"]))
        one = boot_sources.select(write, source.id, os=os, release=release, arches=values.texts("arches") or ("*",))
        audit(write, call.request, call.user, f"selected {os}/{release} of {source.url}")
        return one

    return _made(boot_selection(await house.services.database.writing(change)))


async def read_selection(call: Call) -> object:
    house: House = call.services
    return boot_selection(await house.services.database.reading(_selection, call))


async def change_selection(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> Selection:
        old = _selection(write.sql, call)
        os, release = _wanted(values.text("os") or old.os, values.text("release") or old.release)
        one = boot_sources.change_selection(
            write, old, os=os, release=release, arches=values.texts("arches") or old.arches
        )
        if one != old:
            audit(write, call.request, call.user, f"changed the selection of {old.os}/{old.release}")
        return one

    return boot_selection(await house.services.database.writing(change))


async def deselect(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _selection(write.sql, call)
        boot_sources.deselect(write, one)
        audit(write, call.request, call.user, f"selected {one.os}/{one.release} no more")

    await house.services.database.writing(change)
    return None


_KEYRING = (
    Param("keyring_filename", "text", _UNSIGNED, must_equal=()),
    Param("keyring_data", "text", _UNSIGNED, must_equal=()),
)
_URL_DOC = "The tree's address: what is before streams/v1/index.json."
_WANTED = (
    Param("arches", "text", "Architectures, like amd64; * is all.", repeated=True, longest=20),
    Param("subarches", "text", "There are none of a virtual machine.", repeated=True, must_equal=("*", "generic")),
    Param("labels", "text", "All are taken.", repeated=True, must_equal=("*", "release", "stable")),
)
_MANY = "boot-sources/{boot_source_id:int}/selections/"
_ONE = f"{_MANY}{{id}}/"

ROUTES = (
    Route(
        handler="BootSources",
        method="GET",
        path="boot-sources/",
        call=listing,
        who=Who.ADMIN,
        doc="List the boot sources.",
    ),
    Route(
        handler="BootSources",
        method="POST",
        path="boot-sources/",
        call=create,
        who=Who.ADMIN,
        doc="Add a tree of LXD images (simplestreams).",
        params=(Param("url", "text", _URL_DOC, required=True, longest=450), *_KEYRING),
    ),
    Route(
        handler="BootSource",
        method="GET",
        path="boot-sources/{id}/",
        call=read,
        who=Who.ADMIN,
        doc="Read a boot source.",
        model=_SOURCE,
    ),
    Route(
        handler="BootSource",
        method="PUT",
        path="boot-sources/{id}/",
        call=update,
        who=Who.ADMIN,
        doc="Change a boot source.",
        params=(Param("url", "text", _URL_DOC, longest=450), *_KEYRING),
        model=_SOURCE,
    ),
    Route(
        handler="BootSource",
        method="DELETE",
        path="boot-sources/{id}/",
        call=delete,
        who=Who.ADMIN,
        doc="Delete a boot source; images that came from it stay.",
        model=_SOURCE,
    ),
    Route(
        handler="BootSourceSelections",
        method="GET",
        path=_MANY,
        call=selections,
        who=Who.ADMIN,
        doc="List what is wanted of a boot source.",
        model=_SOURCE,
    ),
    Route(
        handler="BootSourceSelections",
        method="POST",
        path=_MANY,
        call=select,
        who=Who.ADMIN,
        doc="Want a release of a boot source.",
        params=(
            Param("os", "text", "The operating system.", required=True, longest=99, example="ubuntu"),
            Param("release", "text", "Its release, by name or title.", required=True, longest=99, example="noble"),
            *_WANTED,
        ),
        model=_SOURCE,
    ),
    Route(
        handler="BootSourceSelection",
        method="GET",
        path=_ONE,
        call=read_selection,
        who=Who.ADMIN,
        doc="Read a selection.",
        model=_SELECTION,
    ),
    Route(
        handler="BootSourceSelection",
        method="PUT",
        path=_ONE,
        call=change_selection,
        who=Who.ADMIN,
        doc="Change a selection.",
        params=(
            Param("os", "text", "The operating system.", longest=99),
            Param("release", "text", "Its release.", longest=99),
            *_WANTED,
        ),
        model=_SELECTION,
    ),
    Route(
        handler="BootSourceSelection",
        method="DELETE",
        path=_ONE,
        call=deselect,
        who=Who.ADMIN,
        doc="Want a release no more; its image stays.",
        model=_SELECTION,
    ),
)
