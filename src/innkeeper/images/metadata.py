"""The metadata that hosts want beside a disk, for disks that come without. Pure, and the same bytes every time."""

from __future__ import annotations

import io
import json
import tarfile

from innkeeper.model.image import Image, family

KERNEL_NAMES = {"amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "armhf": "armv7l", "ppc64el": "ppc64le"}


def document(image: Image) -> str:
    """metadata.yaml of an image. Strings are written as JSON has them, which YAML reads too."""
    kind = family(image.architecture)
    properties = {
        "os": image.osystem,
        "release": image.series,
        "architecture": kind,
        "description": image.title or image.name,
        "variant": "default",
    }
    lines = [
        f"architecture: {json.dumps(KERNEL_NAMES.get(kind, kind))}",
        f"creation_date: {max(1, int(image.created))}",  # LXD takes no 0
        "properties:",
        *(f"  {name}: {json.dumps(value)}" for name, value in properties.items()),
    ]
    return "\n".join(lines) + "\n"


def archive(text: str) -> bytes:
    """The tar archive of a metadata.yaml."""
    buffer, content = io.BytesIO(), text.encode()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo("metadata.yaml")
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
