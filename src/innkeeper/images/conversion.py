"""Raw disks to qcow2, by qemu-img. The input's format is always said: guessing would let a raw disk pose as another."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from innkeeper.errors import Invalid, Misconfigured

PROGRAM = "qemu-img"


async def to_qcow2(source: Path, to: Path) -> None:
    """Write a raw disk as qcow2. Misconfigured when the program is missing, Invalid when it cannot read the disk."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise Misconfigured(
            f"A raw disk has to be converted, and {PROGRAM} is not installed on this server.",
            resolution="Install it (the package qemu-utils on Debian and Ubuntu), or upload the disk as qcow2.",
        )
    words = [program, "convert", "-f", "raw", "-O", "qcow2", str(source), str(to)]
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Invalid("The disk could not be converted to qcow2.", details=said.decode("utf-8", "replace").strip())
