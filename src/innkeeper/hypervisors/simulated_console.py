"""The serial console of a simulated host's VM: what the host's file says was printed, and an echo of what is typed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.simulated_world import World, world
from innkeeper.model.machine import PowerState

LOOK = 0.05  # how often the file is looked at for more text, seconds


class SimulatedConsole:
    """See `base.Console`. Shows what is printed from its opening on, as a serial line does."""

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key
        self._open = True
        with world(path) as state:
            if not _runs(state, key):
                raise HostRefused("The instance does not run.", code=400)
            state.consoles[key] = state.consoles.get(key, 0) + 1
            self._seen = len(state.printed.get(key, ""))

    async def read(self) -> bytes:
        while True:
            with world(self._path) as state:
                if not state.up:
                    raise HostUnreachable(f"The console at {state.name} was cut.", details="The host went down.")
                fresh = state.printed.get(self._key, "")[self._seen :]
                runs = _runs(state, self._key)
            if fresh:
                self._seen += len(fresh)
                return fresh.encode()
            if not runs:
                return b""
            await asyncio.sleep(LOOK)

    async def write(self, data: bytes) -> None:
        with world(self._path) as state:
            if not _runs(state, self._key):
                raise HostUnreachable(f"The console at {state.name} was cut.", details="The instance stopped.")
            typed = data.decode(errors="replace").replace("\r", "\r\n")
            state.printed[self._key] = state.printed.get(self._key, "") + typed

    async def close(self) -> None:
        if self._open:
            self._open = False
            with world(self._path) as state:
                state.consoles[self._key] = state.consoles.get(self._key, 1) - 1


def _runs(state: World, key: str) -> bool:
    there = state.instances.get(key)
    return there is not None and there.power is PowerState.ON
