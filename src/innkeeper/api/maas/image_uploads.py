"""Uploads of images: announced by POST, sent with it or in pieces by PUT, and made ready when all of it is here."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import replace

from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import answers
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.image_shapes import boot_resource_whole
from innkeeper.api.maas.routes import Call, no_match
from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.images import files
from innkeeper.images.aside import aside
from innkeeper.model.image import Image, ImageFile, Kind, arrived, full_name, set_for, whole_architecture
from innkeeper.operations import prepare_image
from innkeeper.store import images
from innkeeper.store.database import Write

_SHA256 = re.compile(r"[0-9a-f]{64}")


async def create(call: Call) -> object:
    """Announce a file, of a new image or a new version of one; take it at once when it was sent, or is here already."""
    house: House = call.services
    values = call.values
    name, architecture = full_name(values.text("name")), whole_architecture(values.text("architecture"))
    filetype, content = values.text("filetype") or "tgz", values.file("content")
    sha256, size = _announced(call, content)

    def announce(write: Write) -> ImageFile:
        one = images.named(write.sql, name=name, architecture=architecture)
        if one is not None and one.kind != Kind.UPLOADED:
            raise Conflict(f"The image {name} is {one.kind}.", resolution="Delete it first, or choose another name.")
        version = set_for(one, filetype, day=time.strftime("%Y%m%d", time.gmtime()))
        if one is None:
            one = images.add(write, name=name, architecture=architecture, kind=Kind.UPLOADED)
        if values.text("title"):
            images.update(write, one.id, title=values.text("title"))
        audit(write, call.request, call.user, f"uploads the image {name} for {architecture}, {size} bytes")
        return images.announce(write, one.id, version=version, filetype=filetype, sha256=sha256, size=size)

    file = await house.services.database.writing(announce)
    directory = house.services.settings.images_directory
    if await aside(files.has, directory, sha256, size):
        await _came(call, file)
    elif content is not None:
        await _store(call, file, content)
    one = await house.services.database.reading(images.find, file.image_id)
    return made(one)


def made(one: Image) -> Answer:
    """The answer of a POST: the image, with its sets of files."""
    return replace(answers.of(boot_resource_whole(one)), status=201)


async def upload(call: Call) -> object:
    """Take the next piece of a file."""
    house: House = call.services
    try:
        file = await house.services.database.reading(images.file, call.id, int(call.path["file_id"]))
    except NotFound:
        raise no_match("BootResourceFile") from None
    piece = call.values.file("piece") or b""
    if file.complete:
        raise Conflict("All of this file is here already.")
    if not piece:
        raise Invalid("The body is empty; it must hold the next piece of the file.")
    if file.received + len(piece) > file.size:
        raise Invalid(
            f"That is more than was announced: {file.size} bytes, of which {file.size - file.received} are missing."
        )
    await _store(call, file, piece)
    return Answer(body="OK")


def _announced(call: Call, content: bytes | None) -> tuple[str, int]:
    """SHA-256 and size of what will come; both must be said, unless it is here."""
    sha256, size = call.values.text("sha256").lower(), call.values.integer("size")
    if content is not None:
        found = hashlib.sha256(content).hexdigest()
        if sha256 and sha256 != found:
            _wrong("sha256", f"the content's SHA-256 is {found}")
        if size is not None and size != len(content):
            _wrong("size", f"the content has {len(content)} bytes")
        if not content:
            _wrong("content", "it is empty")
        return found, len(content)
    if not _SHA256.fullmatch(sha256):
        _wrong("sha256", "it is required, 64 hexadecimal digits, when the content comes in pieces")
    if size is None or size < 1:
        _wrong("size", "it is required, in bytes, when the content comes in pieces")
    assert size is not None
    return sha256, size


def _wrong(field: str, message: str) -> None:
    raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})


async def _store(call: Call, file: ImageFile, piece: bytes) -> None:
    """Write a piece where it belongs; the last one is followed by the check of the whole."""
    house: House = call.services
    place = files.arriving(house.services.settings.images_directory, str(file.id))
    await asyncio.to_thread(files.append, place, piece, at=file.received)
    if file.received + len(piece) < file.size:
        await house.services.database.writing(_note, file, file.received + len(piece))
        return
    try:
        await aside(files.seal, place, sha256=file.sha256)
    except Invalid:
        await house.services.database.writing(images.drop_set, file.image_id, version=file.version)
        raise
    await _came(call, file)


def _note(write: Write, file: ImageFile, received: int) -> None:
    if not images.received(write, file.id, before=file.received, now=received):
        raise Conflict("This piece was sent twice at once.", resolution="Look at the file's progress, and go on.")


async def _came(call: Call, file: ImageFile) -> None:
    """All of a file is here. When its set is whole, wait until hosts could have it; raises why they never will."""
    house: House = call.services

    def change(write: Write) -> str:
        _note(write, file, file.size)
        one = images.find(write.sql, file.image_id)
        if not arrived(each for each in one.files if each.version == file.version):
            return ""
        actor, request = call.user.username, mark(call.request)
        return prepare_image.submit(write, one.id, version=file.version, actor=actor, request=request)

    if id := await house.services.database.writing(change):
        await house.outcome(id, call.request)
