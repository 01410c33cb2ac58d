"""A server that is told to stop: whoever waits hears how things stand, and nothing is left to complain about."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx2

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.kit.client import Client
from tests.kit.server import Server
from tests.kit.until import until


async def test_streams_end_and_waiters_are_answered(server: Server, tmp_path: Path) -> None:
    async with httpx2.AsyncClient(base_url=server.base, timeout=60) as http:
        admin = Client(http, server.key())
        made = await admin.post("vm-hosts/", type="simulated", power_address="alpha")

        async def live() -> bool:
            return bool((await admin.get(f"vm-hosts/{made['id']}/"))["live_events"])

        await until(live)
        with world(tmp_path / "hosts" / "alpha.json") as alpha:
            alpha.faults.append(Fault(call="create", kind="delay", seconds=30))
        stream = asyncio.create_task(admin.call("GET", "/api/v1/events/stream", after=0))
        compose = asyncio.create_task(admin.call("POST", f"vm-hosts/{made['id']}/", op="compose", hostname="web1"))

        async def waiting() -> bool:
            return bool(await admin.get("/api/v1/operations", open_only="true"))

        await until(waiting)
        begun = time.monotonic()
        await asyncio.to_thread(server.stop)
        assert time.monotonic() - begun < 4  # neither waited for nor cut off after the server's patience of 5 s
        assert (await stream).text.startswith(": open")
        answer = await compose
        assert (answer.status_code, "system_id" in answer.json()) == (200, True)
    log = server.log.read_text()
    assert "Innkeeper is up" in log
    assert "destroyed" not in log
    assert "Traceback" not in log
    # The next process goes on, and the machine that was promised is there.
    server.start()
    async with httpx2.AsyncClient(base_url=server.base, timeout=60) as http:
        admin = Client(http, server.key())

        async def ready() -> bool:
            return (await admin.get(f"machines/{answer.json()['system_id']}/"))["status_name"] == "Ready"

        await until(ready, within=20)
