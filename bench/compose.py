"""A machine composed to Ready, HTTP included, beside the same VM made by bare LXD."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from bench.bare import Bare
from bench.house import Guest
from bench.table import QUICK, Figure, median_ms

ROUNDS = 8 if QUICK else 20
_OURS = ("volatile.", "user.innkeeper.", "image.")


async def measure(client: Guest, bare: Bare, *, host_id: int, crowd: int) -> list[Figure]:
    """The ratio of the medians; the two take turns, so that both meet the same host. `crowd`: VMs on it."""
    body = await _warm_up(client, bare, host_id=host_id)
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(ROUNDS):
        begin = time.perf_counter()
        made = await client.good("POST", f"vm-hosts/{host_id}/", op="compose", hostname=f"bench-ours-{number}")
        ours.append(time.perf_counter() - begin)
        await client.good("DELETE", f"machines/{made['system_id']}/")
        name = f"bench-bare-{number}"
        begin = time.perf_counter()
        await bare.create(body | {"name": name})
        theirs.append(time.perf_counter() - begin)
        await bare.delete(name)
    where = f", {crowd} VMs on the host" if crowd else ""
    spread = f"{median_ms(ours):.0f} ms ÷ {median_ms(theirs):.0f} ms, median of {ROUNDS}"
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [Figure(name=f"compose to Ready ÷ bare create{where}", value=ratio, most=2.5, aim=1.6, detail=spread)]


async def _warm_up(client: Guest, bare: Bare, *, host_id: int) -> dict[str, Any]:
    """One of each, unmeasured. The body that makes the same VM as a compose does: taken from one that it made."""
    made = await client.good("POST", f"vm-hosts/{host_id}/", op="compose", hostname="bench-pattern")
    machine = await client.good("GET", f"machines/{made['system_id']}/")
    if machine["status_name"] != "Ready":
        raise RuntimeError(f"composed and not Ready: {json.dumps(machine)[:500]}")
    body = await bare.pattern("bench-pattern", without=_OURS)
    await client.good("DELETE", f"machines/{made['system_id']}/")
    await bare.create(body | {"name": "bench-warm"})
    await bare.delete("bench-warm")
    return body
