"""Give a host an image, once: as an operation of its own, or as a step of another (`on_host`).

Who is giving it is written down first, so that of several operations one pushes and the others wait for it; and so
that whatever arrives on the host is accounted for, whenever a process dies. Hosts know an image by its content.
"""

from __future__ import annotations

import asyncio

from innkeeper.errors import Conflict, InnkeeperError
from innkeeper.hypervisors.base import Hypervisor
from innkeeper.model.host import Host
from innkeeper.model.image import Image, ImageSpec, Kind, Part
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import host_images, hosts, images, operations
from innkeeper.store.database import Write
from innkeeper.store.host_images import Turn

LOOK = 0.3  # seconds until who waits for another's push looks again


async def on_host(work: Work, image_id: int) -> str:
    """The fingerprint under which the operation's host has an image, pushed now if it has not. Repeatable.

    Leaves nothing to undo: what a host has is accounted for, and goes when it is not used. Raises HostFailure,
    NotFound for an image that is gone, Conflict for an alias that the host does not know.
    """
    image = await work.read(images.find, image_id)
    host = await work.host()
    if image.kind == Kind.ALIAS:
        return await _by_alias(work, host, image)
    if not image.complete:
        raise Conflict(f"The image {image.name} has not arrived yet.", resolution="Try again when it has.")
    me = {"fingerprint": image.fingerprint, "operation_id": work.operation.id}
    while True:
        turn = await work.write(host_images.take_turn, work.host_id, image_id, **me)
        if turn == Turn.MINE:
            await host.push_image(_spec(work, image))
            await work.write(host_images.pushed, work.host_id, image_id, **me)
            return image.fingerprint
        if turn == Turn.THERE:
            if await host.image(name=image.fingerprint):
                return image.fingerprint
            await work.write(host_images.lost, work.host_id, image_id, fingerprint=image.fingerprint)
        else:
            await asyncio.sleep(LOOK)


async def _by_alias(work: Work, host: Hypervisor, image: Image) -> str:
    found = await host.image(name=image.source)
    if found is None:
        raise Conflict(
            f"The host has no image under the alias {image.source!r}.",
            details=f"The image {image.name} is an alias: it has to be on the host already.",
            resolution=f"Import it there under this alias, or upload {image.name} as an image.",
        )
    if not found.machine:
        raise Conflict(f"The image under the alias {image.source!r} on the host is one of containers.")
    return found.fingerprint


def _spec(work: Work, image: Image) -> ImageSpec:
    """The files to send. InnkeeperError when this server does not see them."""
    unified = image.part(Part.UNIFIED)
    parts = [unified] if unified else [image.part(Part.METADATA), image.part(Part.DISK)]
    files = [file for file in parts if file is not None]
    directory = work.services.settings.images_directory
    missing = [file.sha256 for file in files if not (directory / file.sha256).is_file()]
    if missing or not files:
        raise InnkeeperError(
            f"This server does not have the files of the image {image.name}.",
            details=f"Not in {directory}: {', '.join(missing)}.",
            resolution="Set INNKEEPER_IMAGES to one directory that all servers share, or add the image again.",
        )
    return ImageSpec(
        fingerprint=image.fingerprint,
        paths=tuple(str(directory / file.sha256) for file in files),
        size=sum(file.size for file in files),
        tags=(("image", str(image.id)), ("installation", work.services.uuid), ("operation", work.operation.id)),
    )


def submit(write: Write, host: Host, image: Image, *, actor: str, request: str = "") -> str:
    """Order a host to be given an image before somebody needs it. Returns the operation."""
    hosts.lock_for_work(write, host.id)
    return operations.submit(
        write,
        kind=PUSH_IMAGE.kind,
        first_step=PUSH_IMAGE.first,
        host_id=host.id,
        arguments={"image": image.id},
        actor=actor,
        request=request,
    )


async def push(work: Work) -> None:
    await on_host(work, work.arguments["image"])


PUSH_IMAGE = Saga("push_image", steps=(Step("push the image", push),))
