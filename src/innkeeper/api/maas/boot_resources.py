"""Boot resources: the images that machines are deployed from."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import image_uploads
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.image_shapes import boot_resource, boot_resource_whole
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Invalid, NotFound
from innkeeper.model.host import Host
from innkeeper.model.image import Image, Kind, full_name, whole_architecture
from innkeeper.operations import forget_image, push_image, sync_images
from innkeeper.store import host_images, hosts, images, operations
from innkeeper.store.database import Write

_TYPES = {
    "uploaded": (Kind.UPLOADED,),
    "synced": (Kind.SYNCED,),
    "alias": (Kind.ALIAS,),
    "generated": (),
    "all": tuple(Kind),
}
# MAAS's words for what a file is, and LXD's. What is in it is looked at; only metadata cannot stand alone.
_FILETYPES = (
    *("tgz", "tbz", "txz", "ddbz2", "ddgz", "ddxz", "ddraw"),
    *("qcow2", "lxd-unified", "lxd-metadata", "lxd-disk"),
)
# Of MAAS too: a disk in a tar archive.
_PACKED_DISKS = ("ddtgz", "ddtbz", "ddtxz", "ddtar")
_MODEL = "BootResource"


def _find(sql: sa.Connection, id: int) -> Image:
    try:
        return images.find(sql, id)
    except NotFound:
        raise no_match(_MODEL) from None


def _host(sql: sa.Connection, text: str) -> Host:
    """A VM host by name or id. Invalid when there is none."""
    one = hosts.named(sql, text) or next((one for one in hosts.listing(sql) if str(one.id) == text), None)
    if one is None:
        message = f"there is no VM host {text!r}"
        raise Invalid(f"Invalid host: {message}.", fields={"host": [message]})
    return one


async def listing(call: Call) -> object:
    house: House = call.services
    kinds = _TYPES[call.values.text("type") or "all"]
    return [boot_resource(one) for one in await house.services.database.reading(images.listing, kinds=kinds)]


async def read(call: Call) -> object:
    house: House = call.services
    return boot_resource_whole(await house.services.database.reading(_find, call.id))


async def create(call: Call) -> object:
    if (filetype := call.values.text("filetype")) in _PACKED_DISKS:
        message = f"{filetype} is a disk in a tar archive; unpack it, and upload the disk (ddgz, ddxz, ddraw, qcow2)"
        raise Invalid(f"Invalid filetype: {message}.", fields={"filetype": [message]})
    if not call.values.text("alias"):
        return await image_uploads.create(call)
    for name in ("content", "sha256", "size", "filetype", "base_image"):
        if name in call.values.sent and not call.values.empty(name):
            message = "an alias has no files: the hosts have the image already"
            raise Invalid(f"Invalid {name}: {message}.", fields={name: [message]})
    house: House = call.services
    return await house.services.database.writing(_add_alias, call)


def _add_alias(write: Write, call: Call) -> Answer:
    values = call.values
    one = images.add(
        write,
        name=full_name(values.text("name")),
        architecture=whole_architecture(values.text("architecture")),
        kind=Kind.ALIAS,
        title=values.text("title"),
        source=values.text("alias"),
        complete=True,
    )
    audit(write, call.request, call.user, f"added the image {one.name}: {one.source} on the hosts")
    return image_uploads.made(one)


async def delete(call: Call) -> object:
    """Forget an image; what hosts have of it goes in operations of their own."""
    house: House = call.services

    def change(write: Write) -> None:
        one = _find(write.sql, call.id)
        on_hosts = host_images.of_image(write.sql, one.id)
        images.delete(write, one.id)
        for host_id, fingerprint in on_hosts if one.kind != Kind.ALIAS else ():
            forget_image.submit(
                write, host_id, fingerprint=fingerprint, actor=call.user.username, request=mark(call.request)
            )
        audit(write, call.request, call.user, f"deleted the image {one.name} for {one.architecture}")

    await house.services.database.writing(change)
    return None


async def push(call: Call) -> object:
    """Give an image to a host before somebody needs it there; it has it when this is answered."""
    house: House = call.services

    def change(write: Write) -> str:
        one = _find(write.sql, call.id)
        host = _host(write.sql, call.values.text("host"))
        audit(write, call.request, call.user, f"gave the image {one.name} to VM host {host.name}", host_id=host.id)
        return push_image.submit(write, host, one, actor=call.user.username, request=mark(call.request))

    await house.end(await house.services.database.writing(change), call.request)
    return boot_resource_whole(await house.services.database.reading(_find, call.id))


async def import_images(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> bool:
        id = sync_images.submit(write, actor=call.user.username, request=mark(call.request))
        if id:
            audit(write, call.request, call.user, "ordered the import of images")
        return bool(id)

    begun = await house.services.database.writing(change)
    return Answer(body="The import of images has begun." if begun else "An import of images runs already.")


async def is_importing(call: Call) -> object:
    house: House = call.services
    return bool(await house.services.database.reading(sync_images.running))


async def stop_import(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> int:
        open_ones = sync_images.running(write.sql)
        for id in open_ones:
            operations.cancel(write, id=id, actor=call.user.username)
        if open_ones:
            audit(write, call.request, call.user, "stopped the import of images")
        return len(open_ones)

    stopped = await house.services.database.writing(change)
    return Answer(body="The import of images stops." if stopped else "No import of images runs.")


_CREATE = (
    Param("name", "text", "SERIES or OS/SERIES; a bare name is custom/NAME.", required=True, longest=199),
    Param("architecture", "text", "Like amd64/generic.", required=True, longest=50),
    Param("title", "text", "A title, by which it is found too.", longest=200),
    Param(
        "filetype", "text", "What the file is; it is looked at in any case.", choices=("", *_FILETYPES, *_PACKED_DISKS)
    ),
    Param("sha256", "text", "The file's SHA-256; required when it comes in pieces.", longest=64),
    Param("size", "integer", "The file's bytes; required when it comes in pieces.", minimum=1, maximum=2**44),
    Param("content", "file", "The file itself, up to 64 MiB; larger ones come in pieces, to the file's upload_uri."),
    Param("base_image", "text", "Decides nothing: an image boots by itself.", longest=200),
    Param("alias", "text", "Of an image that hosts have under this alias already; then there is no file.", longest=200),
)

ROUTES = (
    Route(
        handler="BootResources",
        method="GET",
        path="boot-resources/",
        call=listing,
        who=Who.USER,
        doc="List the images.",
        params=(Param("type", "text", "Only those of this kind.", choices=("", *_TYPES)),),
    ),
    Route(
        handler="BootResources",
        method="POST",
        path="boot-resources/",
        call=create,
        who=Who.ADMIN,
        doc="Add an image, or a new version of one: an LXD image, a qcow2 or a raw disk; or the alias of one.",
        params=_CREATE,
    ),
    Route(
        handler="BootResources",
        method="POST",
        path="boot-resources/",
        op="import",
        call=import_images,
        who=Who.ADMIN,
        doc="Fetch what is selected of the boot sources.",
    ),
    Route(
        handler="BootResources",
        method="GET",
        path="boot-resources/",
        op="is_importing",
        call=is_importing,
        who=Who.USER,
        doc="Whether images are being fetched.",
    ),
    Route(
        handler="BootResources",
        method="POST",
        path="boot-resources/",
        op="stop_import",
        call=stop_import,
        who=Who.ADMIN,
        doc="Stop fetching images; those that have arrived stay.",
    ),
    Route(
        handler="BootResource",
        method="GET",
        path="boot-resources/{id}/",
        call=read,
        who=Who.USER,
        doc="Read an image.",
        model=_MODEL,
    ),
    Route(
        handler="BootResource",
        method="POST",
        path="boot-resources/{id}/",
        op="push",
        call=push,
        who=Who.ADMIN,
        doc="Give an image to a VM host before the first deploy there needs it.",
        params=(Param("host", "text", "The VM host, by name or id.", required=True, longest=200),),
        model=_MODEL,
    ),
    Route(
        handler="BootResource",
        method="DELETE",
        path="boot-resources/{id}/",
        call=delete,
        who=Who.ADMIN,
        doc="Delete an image, here and on the hosts that have it.",
        model=_MODEL,
    ),
    Route(
        handler="BootResourceFile",
        method="PUT",
        path="boot-resources/{id}/upload/{file_id:int}/",
        call=image_uploads.upload,
        who=Who.ADMIN,
        doc="Send the next piece of a file: the body, as it is.",
        params=(Param("piece", "file", "The body."),),
        raw="piece",
        model="BootResourceFile",
    ),
)
