"""What is inside an uploaded file: an image that hosts take, or a disk. Call it in threads: it reads all of it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

from innkeeper.errors import Invalid
from innkeeper.images import files, formats
from innkeeper.images.formats import COMPRESSED, DISKS, Format

METADATA, ROOT = "metadata.yaml", "rootfs.img"
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError)


def format_of(file: Path) -> Format:
    """What a file is, by its first bytes."""
    return formats.of(files.head(file, formats.HEAD))


def inner_format(file: Path) -> Format:
    """What is compressed in a file. Invalid for a broken one."""
    with _opened(file) as stream:
        try:
            return formats.of(stream.read(formats.HEAD))
        except _BROKEN as error:
            raise Invalid("The file is broken.", details=str(error)) from None


def unpack(file: Path, to: Path) -> None:
    """Write what is compressed in a file to another. Invalid for a broken one."""
    with _opened(file) as stream, to.open("wb") as out:
        try:
            shutil.copyfileobj(stream, out, 2**20)
        except _BROKEN as error:
            to.unlink(missing_ok=True)
            raise Invalid("The file is broken.", details=str(error)) from None


def check_unified(file: Path) -> None:
    """Whether a tar archive is an image of a virtual machine: metadata.yaml and rootfs.img. Invalid says why not."""
    inside = members(file, keep={METADATA, ROOT})
    if METADATA not in inside:
        raise Invalid(
            "The archive is no LXD image: it has no metadata.yaml.",
            details="A tar of a root file system, which MAAS installs with curtin, makes no virtual machine here.",
            resolution="Upload a disk image (qcow2 or raw), or an LXD image of a virtual machine (lxc image export).",
        )
    if ROOT not in inside:
        raise Invalid(
            "The archive is an LXD image of a container: it has no rootfs.img.",
            resolution="Export the image of a virtual machine: lxc image copy … --vm, then lxc image export.",
        )
    check_disk(inside[ROOT], what=ROOT)


def check_metadata(file: Path) -> None:
    """Whether a tar archive is the metadata of a split image. Invalid says why not."""
    if METADATA not in members(file, keep={METADATA}):
        raise Invalid("The metadata archive has no metadata.yaml.", resolution="Upload LXD's lxd.tar.xz here.")


def check_disk(head: bytes, *, what: str) -> None:
    """Whether a disk, of which this is the beginning, is qcow2 that stands alone. Invalid says why not."""
    if (format := formats.of(head)) != Format.QCOW2:
        raise Invalid(f"{what} is no qcow2 disk but {format}.", resolution="Convert it: qemu-img convert -O qcow2.")
    if flaw := formats.flaw_of_qcow2(head):
        raise Invalid(f"{what} is not taken: {flaw}.")


def members(file: Path, *, keep: set[str]) -> dict[str, bytes]:
    """Of these members of an archive, compressed or not, the first bytes. Invalid when it is no archive."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(file, "r|*") as tar:
            for entry in tar:
                name = entry.name.removeprefix("./")
                if name in keep and entry.isfile():
                    stream = tar.extractfile(entry)
                    found[name] = stream.read(formats.HEAD) if stream else b""
                if keep <= found.keys():
                    break
    except _BROKEN as error:
        raise Invalid("The archive cannot be read.", details=str(error)) from None
    return found


def _opened(file: Path) -> IO[bytes]:
    match format_of(file):
        case Format.GZIP:
            return cast(IO[bytes], gzip.open(file))
        case Format.XZ:
            return lzma.open(file)
        case Format.BZIP2:
            return bz2.open(file)
        case other:
            raise Invalid(f"The file is {other}, not compressed.")


def kind_of(file: Path) -> tuple[Format, bool]:
    """(What a file is or holds, whether it is compressed). Invalid, in words, for what makes no machine."""
    outer = format_of(file)
    inner = inner_format(file) if outer in COMPRESSED else outer
    if inner == Format.TAR or inner in DISKS:
        return inner, outer in COMPRESSED
    words = {
        Format.SQUASHFS: "a squashfs is a root file system; it makes no virtual machine",
        Format.ZSTD: "zstd cannot be read here; decompress it first",
        Format.ISO: "an installer ISO is no disk image",
        Format.UNKNOWN: "it has neither a partition table nor the marks of any format that is known",
    }
    why = words.get(inner, f"a {inner} has to be converted: qemu-img convert -O qcow2 OLD NEW")
    raise Invalid(
        f"The file is no image of a virtual machine: {why}.",
        resolution="Upload an LXD image (one file, or metadata and disk), a qcow2 disk, or a raw disk.",
    )
