"""Make an uploaded set of files what hosts take: looked at, unpacked, converted. Then it is the image's current set.

Until then the image stays as it was; a set that is of no use is forgotten.
"""

from __future__ import annotations

from pathlib import Path

from innkeeper.errors import ErrorRecord, Invalid
from innkeeper.images import contents, conversion, files, metadata
from innkeeper.images.aside import aside
from innkeeper.images.formats import Format
from innkeeper.model.image import Image, ImageFile, Part
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import images, operations
from innkeeper.store.database import Write

Made = tuple[str, str, int]  # filetype, SHA-256, bytes


def submit(write: Write, image_id: int, *, version: str, actor: str, request: str = "") -> str:
    """Order a set that has arrived to be made ready. Returns the operation."""
    return operations.submit(
        write,
        kind=PREPARE_IMAGE.kind,
        first_step=PREPARE_IMAGE.first,
        host_id=None,
        arguments={"image": image_id, "version": version},
        actor=actor,
        request=request,
    )


async def prepare(work: Work) -> None:
    """Repeated, it finds the set current and is done."""
    version = work.arguments["version"]
    image = await work.read(images.find, work.arguments["image"])
    if image.complete and image.version == version:
        return
    uploaded = {file.filetype: file for file in image.files if file.version == version}
    made = await _make(work, image, uploaded)
    directory = work.services.settings.images_directory
    fingerprint = await aside(files.digest, [files.path(directory, sha256) for _, sha256, _ in made])
    await work.write(images.install, image.id, version=version, files=made, fingerprint=fingerprint)


async def _make(work: Work, image: Image, uploaded: dict[str, ImageFile]) -> list[Made]:
    directory = work.services.settings.images_directory
    told = uploaded.get(Part.METADATA)
    disk = next((file for file in uploaded.values() if file is not told), None)
    if disk is None:
        raise Invalid(f"The image {image.name} has no disk.")
    source = files.path(directory, disk.sha256)
    format, compressed = await aside(contents.kind_of, source)
    if format == Format.TAR and told is None:
        await aside(contents.check_unified, source)
        return [(Part.UNIFIED, disk.sha256, disk.size)]
    if format == Format.TAR:
        raise Invalid("An archive was sent where a disk has to be.")
    if told is not None:
        await aside(contents.check_metadata, files.path(directory, told.sha256))
        first: Made = (Part.METADATA, told.sha256, told.size)
    else:
        first = await aside(_describe, work, image)
    if format == Format.QCOW2 and not compressed:
        await aside(_check, source)
        return [first, (Part.DISK, disk.sha256, disk.size)]
    return [first, await _disk(work, source, format, compressed=compressed)]


def _describe(work: Work, image: Image) -> Made:
    """Metadata for a disk that came without."""
    file = files.arriving(work.services.settings.images_directory, f"{work.operation.id}-metadata")
    files.append(file, metadata.archive(metadata.document(image)), at=0)
    return (Part.METADATA, *files.keep(file))


async def _disk(work: Work, source: Path, format: Format, *, compressed: bool) -> Made:
    """A disk unpacked and converted. What is made on the way is gone at the end."""
    directory = work.services.settings.images_directory
    plain = files.arriving(directory, f"{work.operation.id}-plain")
    made = files.arriving(directory, f"{work.operation.id}-disk")
    try:
        if compressed:
            await aside(contents.unpack, source, plain)
            source = plain
        if format == Format.RAW:
            await conversion.to_qcow2(source, made)
            source = made
        else:
            await aside(_check, source)
        return (Part.DISK, *await aside(files.keep, source))
    finally:
        await aside(_remove, plain, made)


def _check(disk: Path) -> None:
    contents.check_disk(files.head(disk, 512), what="The disk")


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def forget(write: Write, work: Work, _error: ErrorRecord) -> None:
    """The set was of no use. (It may be current: then only the last word on it was lost.)"""
    image = next((one for one in images.listing(write.sql) if one.id == work.arguments["image"]), None)
    if image is not None and not (image.complete and image.version == work.arguments["version"]):
        images.drop_set(write, image.id, version=work.arguments["version"])


PREPARE_IMAGE = Saga("prepare_image", steps=(Step("make it ready for hosts", prepare),), abandon=forget)
