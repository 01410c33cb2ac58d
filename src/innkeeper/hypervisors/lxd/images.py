"""Images of an LXD or Incus host: found, given, deleted. A project without images of its own has those of "default"."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlencode

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.lxd import failures, operations, shapes
from innkeeper.hypervisors.lxd.client import Client, Upload, path
from innkeeper.hypervisors.lxd.marks import mark, marked, marks
from innkeeper.model.image import ImageFacts, ImageSpec

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HALF_AN_ANSWER = "unexpected end of JSON input"
_TRIES = 5
_SLOWEST = 2**20  # bytes a second: an upload that is slower than that is given up


async def listing(client: Client, *, project: str) -> tuple[ImageFacts, ...]:
    """All images that a project sees. One request."""
    found = await client.get(path("images", recursion=1, project=project), list[shapes.Image])
    return tuple(_facts(image) for image in found)


async def find(client: Client, *, name: str, project: str) -> ImageFacts | None:
    """An image by its fingerprint or an alias, or None."""
    if not _FINGERPRINT.fullmatch(name):
        alias = await client.find(path("images", "aliases", name, project=project), shapes.ImageAlias)
        if alias is None:
            return None
        name = alias.target
    found = await client.find(path("images", name, project=project), shapes.Image)
    return None if found is None else _facts(found)


async def push(client: Client, spec: ImageSpec, *, project: str) -> None:
    """Give the host an image; see `base.Hypervisor.push_image`. The host checks the fingerprint."""
    if await find(client, name=spec.fingerprint, project=project):
        return
    what = f"push image {spec.fingerprint[:12]}"
    address = path("images", project=project)
    limit = operations.LONG + spec.size / _SLOWEST
    try:
        done = await operations.done(client, "POST", address, _upload(spec, limit=limit), what=what, limit=limit)
    except HostRefused:
        if await find(client, name=spec.fingerprint, project=project):  # somebody else was giving it, and came first
            return
        raise
    if not done and not await find(client, name=spec.fingerprint, project=project):
        raise failures.vanished(client.address, what)


async def delete(client: Client, *, fingerprint: str, installation: str, project: str) -> None:
    """Delete an image that carries the installation's mark; any other is left alone."""
    found = await client.find(path("images", fingerprint, project=project), shapes.Image)
    if found is None or not installation or mark(found.properties, "installation") != installation:
        return
    address = path("images", fingerprint, project=project)
    await operations.gone(client, address, what=f"delete image {fingerprint[:12]}")


async def unpacked(client: Client, create: Callable[[], Awaitable[bool]]) -> bool:
    """Make an instance of an image: one at a time on a host, and again when its server trips over itself.

    LXD 5.0 reads half an answer of its own qemu-img when it makes several instances of images at once (none of 16 with
    2 at once failed, 2 of 32 with 4, 8 of 32 with 8; other processes and people make some too). What failed has left
    nothing behind.
    """
    async with client.unpacking:
        for _ in range(_TRIES - 1):
            try:
                return await create()
            except HostRefused as refused:
                if _HALF_AN_ANSWER not in refused.details:
                    raise
        return await create()


def _upload(spec: ImageSpec, *, limit: float) -> Upload:
    told = {"public": "false", "fingerprint": spec.fingerprint, "properties": urlencode(marked(spec.tags))}
    names = ("metadata", "rootfs.img") if len(spec.paths) == 2 else ("",)
    if not names[0]:
        told["filename"] = f"{spec.fingerprint[:12]}.tar"
    # LXD reads the one, Incus the other
    headers = {f"X-{server}-{name}": value for server in ("LXD", "Incus") for name, value in told.items()}
    parts = tuple(zip(names, map(Path, spec.paths), strict=True))
    return Upload(headers=headers, parts=parts, limit=limit)


def _facts(image: shapes.Image) -> ImageFacts:
    return ImageFacts(
        fingerprint=image.fingerprint,
        aliases=tuple(alias.name for alias in image.aliases or ()),
        machine=image.type == "virtual-machine",
        size=image.size,
        tags=marks(image.properties),
    )
