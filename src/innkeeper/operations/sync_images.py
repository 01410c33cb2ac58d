"""Fetch what is selected of the boot sources. Each image is current only when all of it is here and checked.

One at a time in an installation. What was cut off goes on where it ended; what cannot be fetched is named at the end,
and everything else has arrived.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
import sqlalchemy as sa

from innkeeper.errors import Conflict, InnkeeperError, Invalid, recall
from innkeeper.images import contents, download, files, formats, simplestreams
from innkeeper.images.aside import aside
from innkeeper.images.simplestreams import Offer, Remote
from innkeeper.model.image import GENERIC, Image, Kind, Part, full_name
from innkeeper.operations.context import Work
from innkeeper.operations.saga import CANCELLED, Saga, Step
from innkeeper.store import boot_sources, images, operations
from innkeeper.store.boot_sources import BootSource, Selection
from innkeeper.store.database import Write
from innkeeper.store.operations import OPEN
from innkeeper.store.tables import operation

LOOK = 1.0  # seconds between two looks at whether it is still wanted


def submit(write: Write, *, actor: str, request: str = "") -> str:
    """Order an import. Returns the operation; "" when one runs already."""
    if running(write.sql):
        return ""
    return operations.submit(
        write,
        kind=SYNC_IMAGES.kind,
        first_step=SYNC_IMAGES.first,
        host_id=None,
        actor=actor,
        request=request,
    )


def running(sql: sa.Connection) -> list[str]:
    """The imports that have not ended."""
    query = sa.select(operation.c.id).where(operation.c.kind == SYNC_IMAGES.kind, operation.c.state.in_(OPEN))
    return list(sql.scalars(query))


@dataclass
class _Import:
    """One run: what it works with, and what it could not have."""

    work: Work
    client: aiohttp.ClientSession
    failures: list[str] = field(default_factory=list)
    looked: float = 0.0

    @contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """What fails in here is noted; the rest goes on."""
        try:
            yield
        except InnkeeperError as error:
            if error.brief == CANCELLED.brief:
                raise
            self.failures.append(f"{what}: {error.brief} {error.details}".strip())

    async def still(self) -> None:
        """Raise when it was cancelled meanwhile: a step that lasts must look itself."""
        if time.monotonic() - self.looked < LOOK:
            return
        self.looked = time.monotonic()
        if (await self.work.read(operations.find, self.work.operation.id)).cancelled:
            raise recall(CANCELLED)


async def fetch(work: Work) -> None:
    sources = await work.read(boot_sources.listing)
    wanted = await work.read(boot_sources.selections)
    async with download.session() as client:
        run = _Import(work, client)
        for source in sources:
            mine = [one for one in wanted if one.source_id == source.id]
            if mine:
                with run.trying(source.url):
                    await _source(run, source, mine)
    if run.failures:
        raise InnkeeperError(
            "Not all images could be fetched.", details="; ".join(run.failures), resolution="Import again."
        )


async def _source(run: _Import, source: BootSource, wanted: list[Selection]) -> None:
    index = await download.document(run.client, source.url + simplestreams.INDEX)
    offers: list[Offer] = []
    for path in simplestreams.documents(index):
        offers += simplestreams.offers(await download.document(run.client, source.url + path))
    for selection in wanted:
        found = simplestreams.chosen(offers, os=selection.os, release=selection.release, arches=selection.arches)
        name = f"{selection.os}/{selection.release}"
        if not found:
            run.failures.append(f"{name}: {source.url} has none for {', '.join(selection.arches)}")
        for offer in found:
            await run.still()
            with run.trying(f"{name} for {offer.family}"):
                await _image(run, source, offer)


async def _image(run: _Import, source: BootSource, offer: Offer) -> None:
    """Have the newest version of an image, unless it is here."""
    if offer.metadata is None or offer.disk is None:
        raise Invalid(f"It makes no virtual machine: {offer.refusal}.")
    parts = {Part.METADATA: offer.metadata, Part.DISK: offer.disk}
    one = await run.work.write(_announce, source, offer, parts)
    if one is None:
        return
    directory = run.work.services.settings.images_directory
    for part, remote in parts.items():
        await _file(run, one, source.url + remote.path, part, remote, version=offer.version)
    places = [files.path(directory, remote.sha256) for remote in parts.values()]
    await aside(contents.check_metadata, places[0])
    await aside(lambda: contents.check_disk(files.head(places[1], formats.HEAD), what="The disk"))
    made = [(str(part), remote.sha256, remote.size) for part, remote in parts.items()]
    fingerprint = await aside(files.digest, places)
    await run.work.write(images.install, one.id, version=offer.version, files=made, fingerprint=fingerprint)


def _announce(write: Write, source: BootSource, offer: Offer, parts: dict[Part, Remote]) -> Image | None:
    """The record of what will arrive; None when it is here."""
    name, architecture = full_name(f"{offer.os}/{offer.release}"), f"{offer.family}/{GENERIC}"
    one = images.named(write.sql, name=name, architecture=architecture)
    if one is not None and one.kind != Kind.SYNCED:
        raise Conflict(f"There is an image {name} already, and it is {one.kind}.")
    if one is None:
        one = images.add(write, name=name, architecture=architecture, kind=Kind.SYNCED, source=source.url)
    if one.complete and one.version == offer.version:
        return None
    images.update(write, one.id, title=offer.title, source=source.url)
    for part, remote in parts.items():
        images.announce(write, one.id, version=offer.version, filetype=part, sha256=remote.sha256, size=remote.size)
    return images.find(write.sql, one.id)


async def _file(run: _Import, one: Image, url: str, part: Part, remote: Remote, *, version: str) -> None:
    directory = run.work.services.settings.images_directory
    file = next(each for each in one.files if (each.version, each.filetype) == (version, part))
    if not await aside(files.has, directory, remote.sha256, remote.size):
        noted = time.monotonic()

        async def watch(have: int) -> None:
            nonlocal noted
            await run.still()
            if time.monotonic() - noted > LOOK:
                noted = time.monotonic()
                await run.work.write(images.note_progress, file.id, have)

        place = files.arriving(directory, remote.sha256)
        await download.fetch(run.client, url, place, size=remote.size, watch=watch)
        await aside(files.seal, place, sha256=remote.sha256)
    await run.work.write(images.note_progress, file.id, remote.size)


SYNC_IMAGES = Saga("sync_images", steps=(Step("fetch the images", fetch),))
