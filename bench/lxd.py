"""The figures that need a real LXD: an Innkeeper that knows the lab's host, on SQLite."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench import compose, refresh
from bench.bare import Bare, at_once, connected, lab_host, trust_token
from bench.house import guest, until_ready
from bench.table import Figure
from tests.kit.server import Server, running

PROJECT = "bench"
CROWD = 200
# An empty VM that is only there. Without a network, so that 200 of them are made quickly.
_BYSTANDER: dict[str, Any] = {
    "type": "virtual-machine",
    "source": {"type": "none"},
    "profiles": [],
    "config": {"limits.cpu": "1", "limits.memory": "64MiB"},
    "devices": {"root": {"type": "disk", "path": "/", "pool": "default", "size": "10MiB"}},
}


async def measure() -> list[Figure]:
    """Compose on an empty host and on one with 200 VMs, and a refresh of the latter."""
    host = lab_host()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory))
        async with connected(host, project=PROJECT) as bare, connected(host, project=PROJECT, connections=4) as broad:
            await bare.make_project()
            try:
                with running(server):
                    async with guest(server) as client:
                        added = await client.good(
                            "POST",
                            "vm-hosts/",
                            type="lxd",
                            power_address=host.address,
                            project=PROJECT,
                            password=trust_token(),
                            cpu_over_commit_ratio=10,
                            memory_over_commit_ratio=10,
                        )
                        host_id = added["id"]
                        await until_ready(client, host_id)
                        figures += await compose.measure(client, bare, host_id=host_id, crowd=0)
                        await _fill(broad)
                        figures += await refresh.measure(client, bare, host, host_id=host_id, project=PROJECT)
                        figures += await compose.measure(client, bare, host_id=host_id, crowd=CROWD)
                        await client.good("DELETE", f"vm-hosts/{host_id}/")
            finally:
                await broad.delete_project()
    return figures


async def _fill(bare: Bare) -> None:
    await at_once(bare.create(_BYSTANDER | {"name": f"bench-{number}"}) for number in range(CROWD))
