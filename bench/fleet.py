"""A large site: 1,250 simulated hosts with 20,000 machines, read and composed on all the time."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.house import Guest, guest
from bench.site import HOSTS, MACHINES, build
from bench.table import QUICK, Figure, median_ms, p95_ms
from innkeeper.store.database import Database
from innkeeper.store.tables import host
from tests.kit.server import Server, running

RATE = 30  # requests a second
SECONDS = 10 if QUICK else 30
PAGE = 100
_PAGES = "/api/v1/machines"
_WHOLE = 3  # times that the whole list is read


async def measure() -> list[Figure]:
    """Built, started, quiet; then the load, and the whole list."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = Server(directory / "data", hosts=directory / "hosts", refresh_every=3600.0)
        build(server)
        with running(server):
            await until_watched(server)
            async with guest(server) as client:
                load = _Load(
                    client, [one["system_id"] for one in (await client.good("GET", _PAGES, limit=1000))["machines"]]
                )
                await load.run()
                whole = [await _timed(lambda: client.fetch("machines/")) for _ in range(_WHOLE)]
            memory = _peak(server)
    return [*load.figures(), *_list_figures(whole, memory)]


@dataclass
class _Load:
    """Requests at a steady rate, whether or not the earlier ones have been answered."""

    client: Guest
    system_ids: list[str]
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    chosen: random.Random = field(default_factory=lambda: random.Random(1))
    made: int = 0

    async def run(self) -> None:
        tasks = []
        begin = time.perf_counter()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(self._one()))
        await asyncio.gather(*tasks)

    async def _one(self) -> None:
        kinds = {"one machine": 60, "page": 15, "one host": 15, "compose": 10}
        (kind,) = self.chosen.choices([*kinds], [*kinds.values()])
        host = self.chosen.randint(1, HOSTS)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "one machine": lambda: self.client.fetch(f"machines/{self.chosen.choice(self.system_ids)}/"),
            "page": lambda: self.client.fetch(_PAGES, after=self.chosen.randrange(MACHINES - PAGE), limit=PAGE),
            "one host": lambda: self.client.fetch(f"vm-hosts/{host}/"),
            "compose": lambda: self.client.good("POST", f"vm-hosts/{host}/", op="compose", storage="root:8"),
        }
        self.seconds[kind].append(await _timed(calls[kind]))
        self.made += kind == "compose"

    def figures(self) -> list[Figure]:
        title = f"{HOSTS:,} hosts, {MACHINES:,} machines, {RATE} requests/s"
        reads = self.seconds["one machine"] + self.seconds["one host"]
        pages, composes = self.seconds["page"], self.seconds["compose"]
        return [
            _figure(f"{title}: one read p95", reads, 30),
            _figure(f"{title}: page of {PAGE} p95", pages, 100),
            _figure(f"{title}: compose p95", composes, None),
        ]


def _figure(name: str, seconds: list[float], most: float | None) -> Figure:
    detail = f"{len(seconds)} of them, median {median_ms(seconds):.0f} ms, worst {max(seconds) * 1000:.0f} ms"
    return Figure(name=name, value=p95_ms(seconds), unit="ms", most=most, detail=detail)


def _list_figures(whole: list[float], memory: int) -> list[Figure]:
    shown = ", ".join(f"{one:.2f}" for one in whole)
    return [
        Figure(name=f"whole list of {MACHINES:,} machines", value=min(whole), unit="s", most=1.5, detail=shown),
        Figure(name="memory of the server, at most", value=memory / 1e6, unit="MB", most=400),
    ]


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    begin = time.perf_counter()
    await call()
    return time.perf_counter() - begin


async def until_watched(server: Server, *, count: int = HOSTS) -> None:
    """Every host has been read once by its watcher, and its events are listened to."""
    database = Database(server.settings.database_url)
    query = sa.select(sa.func.count()).where(host.c.live)
    async with asyncio.timeout(300):
        while True:
            if database.ask(lambda sql: sql.scalar(query)) == count:
                break
            await asyncio.sleep(0.5)
    database.close()


def _peak(server: Server) -> int:
    """The most memory that the server's process had, in bytes."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
