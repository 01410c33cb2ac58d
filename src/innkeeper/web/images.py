"""Images: the list with the hosts that have each, one with its files, given to a host, made the default, deleted."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.errors import InnkeeperError, StillRunning
from innkeeper.model.host import Host
from innkeeper.model.image import Image, ImageFile, Kind, Part, family, meant
from innkeeper.operations import sync_images
from innkeeper.store import configuration, events, host_images, hosts, images
from innkeeper.store.host_images import OnHost
from innkeeper.web import forms, live
from innkeeper.web.calls import NONE, Trouble, check_typed, perform
from innkeeper.web.nouns import Inn, number
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage, SignedIn

router = APIRouter(include_in_schema=False, prefix="/images")
PATIENCE = 2.0  # seconds that one waits for a host; then the operation is shown
KINDS = {Kind.UPLOADED: "uploaded", Kind.SYNCED: "fetched", Kind.ALIAS: "alias on hosts"}

PARTS = {Part.UNIFIED: "metadata and disk in one", Part.METADATA: "metadata", Part.DISK: "disk"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """An image with the hosts that have it. `default`: what a deployment gets that names no image."""

    one: Image
    default: bool
    on: tuple[OnHost, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.one.current)

    @property
    def arriving(self) -> tuple[ImageFile, ...]:
        """Files of a set that is not current: of a new version, or of the first one."""
        return tuple(file for file in self.one.files if not (self.one.complete and file.version == self.one.version))

    @property
    def kind(self) -> str:
        return KINDS[self.one.kind]

    def has(self, host_id: int) -> OnHost | None:
        """What a host has of its current version."""
        mine = (each for each in self.on if each.host_id == host_id and each.fingerprint == self.one.fingerprint)
        return next(mine, None)


def rows(sql: sa.Connection, fallback: str) -> list[Row]:
    """All images, by name. Five queries."""
    on, default = host_images.everywhere(sql), configuration.default_image(sql, fallback)
    found = sorted(images.listing(sql), key=lambda one: (one.name, one.architecture))
    return [Row(one=one, default=_is_default(one, found, default), on=tuple(on.get(one.id, ()))) for one in found]


def _is_default(one: Image, known: list[Image], default: str) -> bool:
    """Whether the name of the default image means that one on its architecture."""
    fitting = [each for each in known if family(each.architecture) == family(one.architecture)]
    return bool(default) and meant(fitting, default) == [one]


def _row(sql: sa.Connection, fallback: str, key: str) -> Row:
    one = images.find(sql, number(key))
    return next(row for row in rows(sql, fallback) if row.one.id == one.id)


@router.get("")
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    """All images, live."""
    fallback = inn.services.settings.default_image

    def ask(sql: sa.Connection) -> tuple[int, list[Row], list[str]]:
        return events.last(sql), rows(sql, fallback), sync_images.running(sql)

    cursor, found, syncs = await inn.services.database.reading(ask)
    return render(
        request,
        "images.html",
        title="Images",
        actor=who,
        rows=found,
        syncs=syncs,
        live=live.address(cursor=cursor),
    )


@router.get("/{key}")
async def page(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
    return await _page(request, inn, who, key)


async def _page(request: Request, inn: Inn, who: Actor, key: str, trouble: Trouble = NONE) -> Response:
    fallback = inn.services.settings.default_image

    def ask(sql: sa.Connection) -> tuple[int, Row, list[Host]]:
        return events.last(sql), _row(sql, fallback, key), hosts.listing(sql)

    cursor, row, there = await inn.services.database.reading(ask)
    return render(
        request,
        "image.html",
        title=f"Image {row.one.name}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        row=row,
        parts_of=PARTS,
        hosts=sorted(there, key=lambda one: one.name),
        live=live.address(cursor=cursor),
    )


@router.post("/{key}/push")
async def push(request: Request, inn: Inn, who: AdminPage, key: str) -> Response:
    """Give it to a host before somebody needs it there."""
    host = str((await forms.read(request)).get("host", ""))
    path = f"boot-resources/{number(key)}/"
    try:
        await perform(request, who, "POST", path, op="push", sent=[("host", host)], patience=PATIENCE)
    except StillRunning as running:
        return done(f"/operations/{running.operation}", f"The image is on its way to {host}.")
    except InnkeeperError as error:
        return await _page(request, inn, who, key, Trouble.of(error))
    return done(f"/images/{key}", f"{host} has the image.")


@router.post("/{key}/default")
async def make_default(request: Request, inn: Inn, who: AdminPage, key: str) -> Response:
    """What is deployed where no image is named."""
    one = await inn.services.database.reading(images.find, number(key))
    for name, value in ((configuration.OSYSTEM, one.osystem), (configuration.SERIES, one.series)):
        await perform(request, who, "POST", "maas/", op="set_config", sent=[("name", name), ("value", value)])
    return done(f"/images/{key}", f"{one.name} is deployed from now on where no image is named.")


@router.get("/{key}/delete")
async def ask_delete(request: Request, inn: Inn, who: AdminPage, key: str) -> Response:
    return await _delete(request, inn, who, key)


@router.post("/{key}/delete")
async def delete(request: Request, inn: Inn, who: AdminPage, key: str) -> Response:
    one = await inn.services.database.reading(images.find, number(key))
    try:
        check_typed(await forms.read(request), one.name)
        await perform(request, who, "DELETE", f"boot-resources/{one.id}/")
    except InnkeeperError as error:
        return await _delete(request, inn, who, key, Trouble.of(error))
    return done("/images", f"The image {one.name} was deleted.")


async def _delete(request: Request, inn: Inn, who: Actor, key: str, trouble: Trouble = NONE) -> Response:
    fallback = inn.services.settings.default_image

    def ask(sql: sa.Connection) -> tuple[Row, list[str]]:
        row = _row(sql, fallback, key)
        return row, images.deploying(sql, row.one.id)

    row, busy = await inn.services.database.reading(ask)
    one = row.one
    goes = [f"The image {one.name} for {one.architecture}" + (", with its files here." if one.files else ".")]
    if row.on and one.kind != Kind.ALIAS:
        goes.append(f"Its copies on {', '.join(each.host for each in row.on)}.")
    stays = ["Machines that were deployed from it."]
    if one.kind == Kind.ALIAS:
        stays.append(f"The image that hosts have under the alias {one.source}.")
    return render(
        request,
        "delete.html",
        title=f"Delete the image {one.name}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        what=f"the image {one.name}",
        goes=goes,
        stays=stays,
        held=f"The image {one.name} is being deployed on {', '.join(busy)}." if busy else "",
        back=f"/images/{one.id}",
        typed=one.name,
    )
