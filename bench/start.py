"""How soon a server answers, how much memory it holds, and how soon the command line does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.house import guest
from bench.table import QUICK, Figure, median_ms
from tests.kit.server import Server

ROUNDS = 5 if QUICK else 10
_IDLE = 3.0  # seconds: the watchers have had their look
_MAAS = str(Path(sys.executable).with_name("maas"))


async def measure() -> list[Figure]:
    """Starts on an empty directory and on a known one; memory and commands with one simulated host."""
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory), hosts=Path(directory))
        try:
            first = await asyncio.to_thread(_start, server)
            server.stop()
            again = await asyncio.to_thread(_start, server)
            memory = await _memory(server)
            commands = await asyncio.to_thread(_commands, server, Path(directory, "profiles.json"))
        finally:
            server.kill()
    return [
        Figure(name="server start to first answer, new database", value=first, unit="s", most=3),
        Figure(name="server start to first answer", value=again, unit="s", most=3),
        Figure(
            name="memory of an idle server", value=memory, unit="MB", most=150, detail="resident, 1 host, 1 machine"
        ),
        Figure(
            name="maas admin vm-host read 1",
            value=median_ms(commands),
            unit="ms",
            most=250,
            detail=f"whole command, median of {ROUNDS}, worst {max(commands) * 1000:.0f} ms",
        ),
    ]


def _start(server: Server) -> float:
    begin = time.perf_counter()
    server.start()
    return time.perf_counter() - begin


async def _memory(server: Server) -> float:
    """Megabytes that the server's process holds after some requests and some idling."""
    async with guest(server) as client:
        added = await client.good("POST", "vm-hosts/", type="simulated", power_address="alpha")
        await client.good("POST", f"vm-hosts/{added['id']}/", op="compose")
        for _ in range(20):
            await client.good("GET", "vm-hosts/")
            await client.good("GET", "machines/")
    await asyncio.sleep(_IDLE)
    assert server.process is not None
    return _resident(server.process.pid)


def _resident(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kib) * 1024 / 1e6


def _commands(server: Server, profiles: Path) -> list[float]:
    """Seconds of a whole command, from the start of its process to its end."""
    environment = os.environ | {"INNKEEPER_PROFILES": str(profiles)}
    login = [_MAAS, "login", "admin", f"{server.base}/MAAS/", server.key()]
    subprocess.run(login, env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        command = [_MAAS, "admin", "vm-host", "read", "1"]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begin)
    return seconds
