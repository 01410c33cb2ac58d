"""What a file is, by its first bytes. Pure.

A disk image is looked at before any host sees it: qcow2 can name other files (a backing file, a data file), and who
opens such an image opens those of the host.
"""

from __future__ import annotations

import struct
from enum import StrEnum

HEAD = 1024  # bytes that are enough to tell


class Format(StrEnum):
    """Formats that are told apart. RAW: a disk with a partition table."""

    TAR = "tar archive"
    GZIP = "gzip"
    XZ = "xz"
    BZIP2 = "bzip2"
    ZSTD = "zstd"
    QCOW2 = "qcow2 disk"
    RAW = "raw disk"
    SQUASHFS = "squashfs"
    ISO = "ISO 9660"
    VMDK = "VMDK disk"
    VHDX = "VHDX disk"
    UNKNOWN = "unknown"


COMPRESSED = frozenset((Format.GZIP, Format.XZ, Format.BZIP2))
DISKS = frozenset((Format.QCOW2, Format.RAW))
_MAGIC = (
    (0, b"QFI\xfb", Format.QCOW2),
    (0, b"\x1f\x8b", Format.GZIP),
    (0, b"\xfd7zXZ\x00", Format.XZ),
    (0, b"BZh", Format.BZIP2),
    (0, b"\x28\xb5\x2f\xfd", Format.ZSTD),
    (0, b"hsqs", Format.SQUASHFS),
    (0, b"KDMV", Format.VMDK),
    (0, b"vhdxfile", Format.VHDX),
    (257, b"ustar", Format.TAR),
    (512, b"EFI PART", Format.RAW),
    (510, b"\x55\xaa", Format.RAW),
)
_QCOW2 = struct.Struct(">4sIQ")  # magic, version, offset of the backing file's name
_EXTERNAL_DATA = 1 << 2  # bit of the incompatible features


def of(head: bytes) -> Format:
    """The format of a file that begins with these bytes (HEAD of them, or all there are)."""
    return next((format for at, magic, format in _MAGIC if head.startswith(magic, at)), Format.UNKNOWN)


def flaw_of_qcow2(head: bytes) -> str:
    """Why a qcow2 image is not taken; "" if it stands alone."""
    if len(head) < 104:
        return "it is cut off"
    _, version, backing = _QCOW2.unpack_from(head)
    if version not in (2, 3):
        return f"it is qcow2 of the unknown version {version}"
    if backing:
        return "it has a backing file; flatten it: qemu-img convert -O qcow2 OLD NEW"
    if version == 3 and int.from_bytes(head[72:80], "big") & _EXTERNAL_DATA:
        return "its data are in another file; flatten it: qemu-img convert -O qcow2 OLD NEW"
    return ""
