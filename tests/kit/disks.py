"""Small disks and archives, in the formats that images come in."""

from __future__ import annotations

import io
import struct
import tarfile

METADATA = b"architecture: x86_64\ncreation_date: 1\nproperties: {os: tiny, release: '1'}\n"


def qcow2(*, version: int = 3, backing: int = 0, incompatible: int = 0, salt: bytes = b"") -> bytes:
    """The header of a qcow2 disk; `backing`: where the name of a backing file is. `salt` makes it another one."""
    head = struct.pack(">4sIQI", b"QFI\xfb", version, backing, 0)
    return (head.ljust(72, b"\0") + incompatible.to_bytes(8, "big")).ljust(512, b"\0") + salt


def raw(size: int = 2**20, *, salt: bytes = b"") -> bytes:
    """A disk with the mark of a partition table."""
    return (bytes(510) + b"\x55\xaa" + salt).ljust(size, b"\0")


def archive(files: dict[str, bytes], *, mode: str = "w") -> bytes:
    """A tar archive; `mode` "w:gz" … a compressed one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unified(*, salt: bytes = b"", mode: str = "w") -> bytes:
    """An LXD image of a virtual machine in one file."""
    return archive({"metadata.yaml": METADATA, "rootfs.img": qcow2(salt=salt)}, mode=mode)
