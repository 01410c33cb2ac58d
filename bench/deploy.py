"""A machine deployed until its guest calls, beside the same guest launched by bare LXD and calling us: real boots."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench.bare import Address, Bare, connected, lab_env, lab_host, trust_token
from bench.house import Guest, guest, until_ready
from bench.table import QUICK, Figure
from innkeeper.model.image import Kind
from innkeeper.store import images
from innkeeper.store.opening import open_store
from tests.kit.server import Server, free_port, running

LAB = "lab1"  # the lab's host with the image of the tiny guest
PROJECT = "default"  # where the image and the network are
ROUNDS = 3 if QUICK else 5
LIMIT = 180.0  # seconds that a guest has
_OURS = ("volatile.", "user.innkeeper.", "image.", "user.meta-data")


async def measure() -> list[Figure]:
    """The ratio of the medians; the two take turns, so that both meet the same machine."""
    host, outside = lab_host(LAB), str(lab_env(LAB)["outside"])
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory), host="0.0.0.0")
        _image(server)
        with running(server):
            async with guest(server) as client, connected(host, project=PROJECT) as bare:
                return [await _measure(client, bare, host, outside=outside)]


def _image(server: Server) -> None:
    """The image that the lab gave its host."""
    server.key()
    database, _, _ = open_store(server.settings)
    database.transact(
        images.add, name="custom/tiny", architecture="amd64/generic", kind=Kind.ALIAS, source="tiny", complete=True
    )
    database.close()


async def _measure(client: Guest, bare: Bare, host: Address, *, outside: str) -> Figure:
    added = await client.good(
        "POST", "vm-hosts/", type="lxd", name="bench", power_address=host.address, password=trust_token(LAB)
    )
    await until_ready(client, added["id"])
    try:
        ours, theirs = await _rounds(client, bare, host_id=added["id"], outside=outside)
    finally:
        await client.good("DELETE", f"vm-hosts/{added['id']}/", decompose="true")
    ratio = statistics.median(ours) / statistics.median(theirs)
    detail = f"{statistics.median(ours):.2f} s ÷ {statistics.median(theirs):.2f} s, median of {ROUNDS}"
    return Figure(name="deploy to phone-home ÷ bare launch", value=ratio, most=1.15, detail=detail)


async def _rounds(client: Guest, bare: Bare, *, host_id: int, outside: str) -> tuple[list[float], list[float]]:
    form = {"hostname": "bench-guest", "memory": 1024, "storage": "root:1"}
    made = await client.good("POST", f"vm-hosts/{host_id}/", op="compose", **form)
    path = f"machines/{made['system_id']}/"
    alias = await bare.get("/1.0/images/aliases/tiny")
    ours: list[float] = []
    theirs: list[float] = []
    async with _listening(outside) as (url, called):
        for number in range(ROUNDS):
            begin = time.time()
            await client.good("POST", path, op="deploy", distro_series="tiny")
            await _until(client, path, "Deployed")
            ours.append(await _arrived(client, made["system_id"]) - begin)
            if not number:
                body = await bare.pattern("bench-guest", without=_OURS)
                body["source"] = {"type": "image", "fingerprint": alias["target"]}
                body["config"]["user.meta-data"] = f"phone-home-url: {url}\n"
            await client.good("POST", path, op="release")
            await _until(client, path, "Ready")
            called.clear()
            begin = time.perf_counter()
            await bare.create(body | {"name": "bench-bare"})
            await bare.power("bench-bare", "start")
            async with asyncio.timeout(LIMIT):
                await called.wait()
            theirs.append(time.perf_counter() - begin)
            await bare.power("bench-bare", "stop")
            await bare.delete("bench-bare")
    return ours, theirs


async def _arrived(client: Guest, system_id: str) -> float:
    """When its guest called last, epoch seconds."""
    told = await client.good("GET", "/api/v1/events", system_id=system_id, after=0, limit=1000)
    return float([one["at"] for one in told if one["what"] == "arrived"][-1])


async def _until(client: Guest, path: str, status: str) -> None:
    """Wait until a machine is that. Not asked often: where guests are emulated, each look takes from their boot."""
    async with asyncio.timeout(LIMIT):
        while (told := await client.good("GET", path))["status_name"] != status:
            if told["status_name"].startswith("Failed"):
                raise RuntimeError(f"{told['status_name']}: {told['status_message']}")
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def _listening(address: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Where a guest without us calls, and the event that says that it did."""
    called = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        called.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    port = free_port()
    listener: Any = await asyncio.start_server(hear, address, port)
    async with listener:
        yield f"http://{address}:{port}/", called
