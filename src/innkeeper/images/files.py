"""The directory of images: each file under its SHA-256, and beside it what is still arriving. Call it in threads.

A name of 64 hexadecimal digits is a whole file, checked; everything else is on its way. So what was cut off is never
taken for an image, and the same file is kept once.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from innkeeper.errors import Conflict, InnkeeperError, Invalid

_BLOCK = 2**20


def path(directory: Path, sha256: str) -> Path:
    """Where the file of that SHA-256 is, or would be."""
    return directory / sha256


def arriving(directory: Path, name: str) -> Path:
    """Where a file is put together. `name` must not look like a SHA-256."""
    return directory / f"arriving-{name}"


def has(directory: Path, sha256: str, size: int) -> bool:
    """Whether the whole file is there; then it is counted as new, so that nobody tidies it away."""
    try:
        os.utime(path(directory, sha256))
        return path(directory, sha256).stat().st_size == size
    except FileNotFoundError:
        return False


def append(file: Path, content: bytes, *, at: int) -> None:
    """Write a piece at its place. InnkeeperError when what should be before it is not here, or the disk is full."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _told():
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < at:
                raise InnkeeperError(
                    f"The first {at} bytes are not in {file.parent} of this server.",
                    resolution="Set INNKEEPER_IMAGES to one directory that all servers share, and upload it again.",
                )
            os.ftruncate(descriptor, at)
            written = 0
            while written < len(content):
                written += os.pwrite(descriptor, content[written:], at + written)
        finally:
            os.close(descriptor)


def seal(file: Path, *, sha256: str) -> None:
    """Give a file that has arrived its name. Invalid, and the file is gone, when its content is another."""
    try:
        found = digest([file])
    except FileNotFoundError:  # somebody who sent the same last piece was first
        if path(file.parent, sha256).exists():
            return
        raise Conflict("What had arrived is gone: it was sent twice at once.", resolution="Send it again.") from None
    if found != sha256:
        file.unlink(missing_ok=True)
        raise Invalid(
            "What has arrived is not what was announced.",
            details=f"Its SHA-256 is {found}; announced was {sha256}.",
            resolution="Send it again.",
        )
    _settle(file, path(file.parent, sha256))


def keep(file: Path) -> tuple[str, int]:
    """Give a file that was made here its name; (SHA-256, size)."""
    found, size = digest([file]), file.stat().st_size
    _settle(file, path(file.parent, found))
    return found, size


def digest(files: Iterable[Path]) -> str:
    """The SHA-256 over the files, one after the other."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                total.update(block)
    return total.hexdigest()


def head(file: Path, length: int) -> bytes:
    """The first bytes."""
    with file.open("rb") as stream:
        return stream.read(length)


def tidy(directory: Path, *, wanted: set[str], older_than: float) -> list[str]:
    """Delete what no image has and nobody has touched for so many seconds; the names of what went."""
    if not directory.is_dir():
        return []
    limit, gone = time.time() - older_than, []
    for file in directory.iterdir():
        if file.name not in wanted and file.is_file() and file.stat().st_mtime < limit:
            file.unlink(missing_ok=True)
            gone.append(file.name)
    return gone


def _settle(file: Path, name: Path) -> None:
    """Rename; the content is on the disk before the name is."""
    with _told(), suppress(FileNotFoundError):  # gone: somebody else has just done the same
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.utime(file)
        file.replace(name)


@contextmanager
def _told() -> Iterator[None]:
    """A failure of the disk, as an error in words."""
    try:
        yield
    except OSError as error:
        raise InnkeeperError(
            "The images directory cannot be written.",
            details=f"{error.strerror or error}: {error.filename or 'a file in it'}.",
            resolution="Make room there, or set INNKEEPER_IMAGES to another directory.",
        ) from error
