"""Images in an installation without an upload: their files are written where a server keeps them."""

from __future__ import annotations

import hashlib

from innkeeper.model.image import Image, Kind, Part
from innkeeper.operations.context import Services
from innkeeper.store import images
from innkeeper.store.database import Write


def add_image(
    services: Services, name: str = "custom/tiny", *, content: bytes = b"an image", architecture: str = "amd64/generic"
) -> Image:
    """A complete image of one unified file with that content (another version of it when it is there)."""
    sha256 = hashlib.sha256(content).hexdigest()
    directory = services.settings.images_directory
    directory.mkdir(parents=True, exist_ok=True)
    (directory / sha256).write_bytes(content)

    def write_down(write: Write) -> Image:
        there = images.named(write.sql, name=name, architecture=architecture)
        one = there or images.add(write, name=name, architecture=architecture, kind=Kind.UPLOADED)
        version = f"{len(one.files) + int(one.version or 0):08}"
        files = [(str(Part.UNIFIED), sha256, len(content))]
        images.install(write, one.id, version=version, files=files, fingerprint=sha256)
        return images.find(write.sql, one.id)

    return services.database.transact(write_down)


def receive(services: Services, *, version: str, files: dict[str, bytes], name: str = "custom/tiny") -> Image:
    """A set of files (by type) that has arrived and was not looked at yet."""
    directory = services.settings.images_directory
    directory.mkdir(parents=True, exist_ok=True)

    def write_down(write: Write) -> Image:
        there = images.named(write.sql, name=name, architecture="amd64/generic")
        one = there or images.add(write, name=name, architecture="amd64/generic", kind=Kind.UPLOADED)
        for filetype, content in files.items():
            sha256, size = hashlib.sha256(content).hexdigest(), len(content)
            (directory / sha256).write_bytes(content)
            file = images.announce(write, one.id, version=version, filetype=filetype, sha256=sha256, size=size)
            images.received(write, file.id, before=0, now=size)
        return images.find(write.sql, one.id)

    return services.database.transact(write_down)
