"""200 composes at once for 50 slots, on a simulated host: exactly 50 are made, and reading goes on meanwhile."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import sqlalchemy as sa

from bench.house import Guest, guest, until_ready
from bench.reader import reading
from bench.table import Figure, median_ms, p95_ms
from innkeeper.hypervisors.simulated_world import GB, MIB, world
from innkeeper.store.database import Database
from innkeeper.store.tables import claim, machine, operation
from tests.kit.databases import fresh_postgres
from tests.kit.server import Server, running

COMPOSES, SLOTS = 200, 50
_CREATE = 0.05  # seconds that the host takes for an instance, as LXD does


async def measure() -> list[Figure]:
    """One process on SQLite, three on PostgreSQL."""
    with tempfile.TemporaryDirectory() as directory:
        figures = await _storm("SQLite", [_server(Path(directory), "one", None)])
    with tempfile.TemporaryDirectory() as directory, fresh_postgres() as url:
        servers = [_server(Path(directory), name, url) for name in ("one", "two", "three")]
        return figures + await _storm("PostgreSQL", servers)


def _server(directory: Path, name: str, url: str | None) -> Server:
    data = directory / name
    data.mkdir()
    hosts = directory / "hosts"
    hosts.mkdir(exist_ok=True)
    return Server(data, url=url, key_file=directory / "encryption.key", hosts=hosts)


async def _storm(where: str, servers: list[Server]) -> list[Figure]:
    hosts = servers[0].settings.simulated_hosts
    assert hosts is not None
    with world(hosts / "alpha.json") as state:
        state.cores, state.memory, state.pools = SLOTS, 1024 * 1024 * MIB, {"default": 10_000 * GB}
        state.create_seconds = _CREATE
    async with AsyncExitStack() as stack:
        stack.enter_context(running(*servers))
        clients = [await stack.enter_async_context(guest(server)) for server in servers]
        added = await clients[0].good("POST", "vm-hosts/", type="simulated", power_address="alpha")
        await until_ready(clients[0], added["id"])
        paths = ("vm-hosts/", f"machines/{added['host']['system_id']}/")
        async with reading(servers, paths) as seconds_of_reads:
            begin = time.perf_counter()
            answers = await asyncio.gather(*(_compose(clients[n % len(clients)], added["id"]) for n in range(COMPOSES)))
            took = time.perf_counter() - begin
        left = _leftovers(servers[0], hosts)
    times = seconds_of_reads()
    title = f"{COMPOSES} composes for {SLOTS} slots, {where} × {len(servers)}"
    told = ", ".join(f"{count} × {status}" for status, count in sorted(Counter(answers).items()))
    return [
        Figure(name=f"{title}: made", value=left.pop("made"), exactly=SLOTS, detail=f"{told} in {took:.1f} s"),
        Figure(name=f"{title}: leftovers", value=sum(left.values()), exactly=0, detail=_words(left)),
        Figure(
            name=f"{title}: reads p95",
            value=p95_ms(times),
            unit="ms",
            most=100,
            detail=f"{len(times)} reads, median {median_ms(times):.0f} ms, worst {max(times) * 1000:.0f} ms",
        ),
    ]


async def _compose(client: Guest, host_id: int) -> int:
    status, _ = await client.call("POST", f"vm-hosts/{host_id}/", op="compose", storage="root:8,data:1")
    return status


def _leftovers(server: Server, hosts: Path) -> dict[str, int]:
    """What was made, and what is there that belongs to none of it: on the host and in every table of claims."""
    with world(hosts / "alpha.json") as state:
        instances, volumes, making = len(state.instances), len(state.volumes), len(state.making)
    database = Database(server.settings.database_url)
    try:
        with database.read() as sql:
            composed = sa.select(sa.func.count()).where(machine.c.origin == "composed")
            ready = sql.scalar(composed.where(machine.c.status == 4)) or 0
            records = sql.scalar(composed) or 0
            claims = sql.scalar(sa.select(sa.func.count()).select_from(claim)) or 0
            open_ = sa.select(sa.func.count()).where(operation.c.state.in_(("running", "undoing")))
            unfinished = sql.scalar(open_) or 0
    finally:
        database.close()
    return {
        "made": ready,
        "instances": abs(instances - ready),
        "volumes": abs(volumes - ready),
        "half-made": making,
        "records": records - ready,
        "claims": abs(claims - ready),
        "operations": unfinished,
    }


def _words(left: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in left.items())
