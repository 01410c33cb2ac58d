"""When the files of simulated hosts change: one look at a directory for all the hosts in it that somebody follows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from weakref import WeakKeyDictionary

EVERY = 0.1  # seconds between two looks
Version = tuple[int, int]  # of a file: it is replaced whenever it changes
NONE: Version = (0, 0)


class _Directory:
    """The files of one directory, looked at while somebody waits for one of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: dict[str, list[tuple[Version, asyncio.Future[Version]]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def change(self, name: str, known: Version) -> Version:
        future: asyncio.Future[Version] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append((known, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        return await future

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(EVERY)
            versions = {}
            with os.scandir(self._path) as found:
                for entry in found:
                    if entry.name in self._waiting:
                        stat = entry.stat()
                        versions[entry.name] = (stat.st_ino, stat.st_mtime_ns)
            for name in list(self._waiting):
                self._tell(name, versions.get(name, NONE))

    def _tell(self, name: str, now: Version) -> None:
        waiting = [(known, future) for known, future in self._waiting.pop(name) if not future.done()]
        for known, future in waiting:
            if known != now:
                future.set_result(now)
        still = [(known, future) for known, future in waiting if not future.done()]
        if still:
            self._waiting[name] = still


_DIRECTORIES: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Path, _Directory]] = WeakKeyDictionary()


async def change(path: Path, known: Version) -> Version:
    """Wait until a file is another version than the known one. Returns that version, NONE where there is no file."""
    mine = _DIRECTORIES.setdefault(asyncio.get_running_loop(), {})
    return await mine.setdefault(path.parent, _Directory(path.parent)).change(path.name, known)
