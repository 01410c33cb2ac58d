"""Clients that only read, in a process of their own, so that what they wait for is the server and not our own storm.

`python -m bench.reader PATH... BASE...`: reads these paths of each server in turn until its standard input ends; the
key is in BENCH_KEY. It prints a line when it begins, and at the end the seconds of every read as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from bench.house import Guest, calls
from tests.kit.server import Server

_PAUSE = 0.02  # seconds between two reads: a person with a page open, not another storm


@asynccontextmanager
async def reading(servers: Sequence[Server], paths: Sequence[str]) -> AsyncIterator[Callable[[], list[float]]]:
    """Have these paths read while the block lasts. What is given tells the seconds of every read, afterwards."""
    bases = [server.base for server in servers]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.reader",
        *paths,
        *bases,
        env=os.environ | {"BENCH_KEY": servers[0].key()},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    told: list[float] = []
    try:
        await process.stdout.readline()
        yield lambda: told
    finally:
        last, _ = await process.communicate(b"")
        told += json.loads(last)


async def _read(client: Guest, paths: list[str]) -> None:
    while True:
        for path in paths:
            await client.good("GET", path)
            await asyncio.sleep(_PAUSE)


async def _main(words: list[str]) -> None:
    paths = [word for word in words if "://" not in word]
    async with AsyncExitStack() as stack:
        bases = [word for word in words if "://" in word]
        clients = [await stack.enter_async_context(calls(base, os.environ["BENCH_KEY"])) for base in bases]
        for client in clients:
            for path in paths:
                await client.good("GET", path)
            client.times.clear()
        print("reading", flush=True)
        tasks = [asyncio.create_task(_read(client, paths)) for client in clients]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps([seconds for client in clients for seconds in client.times]))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
