"""A refresh of a host with 200 VMs, read and stored, beside the same bare requests over one connection."""

from __future__ import annotations

import statistics
import time

from bench.bare import Address, Bare
from bench.house import Guest
from bench.table import QUICK, Figure, median_ms
from innkeeper.hypervisors.base import Target
from innkeeper.hypervisors.lxd import driver
from innkeeper.hypervisors.lxd.client import Exchange

ROUNDS = 5 if QUICK else 15


async def measure(client: Guest, bare: Bare, host: Address, *, host_id: int, project: str) -> list[Figure]:
    """The ratio of the medians; the two take turns."""
    requests = await requests_of_a_refresh(host, project=project)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS + 1):
        begin = time.perf_counter()
        await client.good("POST", f"vm-hosts/{host_id}/", op="refresh")
        ours.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for path in requests:
            await bare.get(path)
        theirs.append(time.perf_counter() - begin)
    ours, theirs = ours[1:], theirs[1:]  # the first of each is to warm up
    detail = f"{median_ms(ours):.0f} ms ÷ {median_ms(theirs):.0f} ms for {len(requests)} requests, median of {ROUNDS}"
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [Figure(name="refresh of 200 VMs ÷ bare requests", value=ratio, most=2, aim=1.3, detail=detail)]


async def requests_of_a_refresh(host: Address, *, project: str) -> list[str]:
    """The paths that our driver asks for when it reads the whole host: it tells each."""
    seen: list[Exchange] = []
    credentials, pin = host.target
    target = Target(address=f"https://{host.address}", project=project, credentials=credentials, server_certificate=pin)
    lxd = await driver.connect(target, observe=seen.append)
    try:
        await lxd.describe()
        await lxd.instances()
    finally:
        await lxd.close()
    return [one.path for one in seen]
