"""The server is killed at random moments while it composes and decomposes on a real LXD, which dies once as well.

Then the host's own API (instances, volumes, what it is still doing) is compared with all claim tables.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.databases import fresh_sqlite
from tests.kit.lab import Lab
from tests.kit.server import running
from tests.kit.until import until
from tests.laws.conftest import Site
from tests.laws.load import Load

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
NewSite = Callable[..., Site]
KILLS = 20
# Machines that are never started: 64 MB disks. The last one has no room anywhere.
FORMS = (
    {"memory": "1024", "storage": "root:0.064"},
    {"memory": "1024", "storage": "root:0.064,data:0.064"},
    {"memory": "1024", "storage": "root:0.064,data:0.064,more:0.1"},
    {"memory": "1024", "storage": "root:0.064,data:900000"},
)


@pytest.fixture
def lab() -> Iterator[Lab]:
    one = Lab()
    one.clean()
    try:
        yield one
        assert one.leftovers() == {}
    finally:
        one.clean()


@pytest.mark.parametrize("seed", [20])
async def test_nothing_is_lost_or_leaked_on_a_real_host(tmp_path: Path, new_site: NewSite, lab: Lab, seed: int) -> None:
    chosen = random.Random(seed)
    site = new_site(fresh_sqlite(tmp_path), per_host=4, poll_every=1.0)
    added = {"type": "lxd", "name": "lab", "power_address": lab.address, "password": lab.token(), "project": "kills"}
    with running(site.server):
        async with site.admin() as admin:
            ratios = {"cpu_over_commit_ratio": 10, "memory_over_commit_ratio": 10}
            host = int((await admin.post("vm-hosts/", **added, **ratios))["id"])
            load = Load(site, [host], seed, clients=4, forms=FORMS)
            working = asyncio.create_task(load.run())
            moments = [round(chosen.uniform(0.05, 1.2), 3) for _ in range(KILLS)]
            print(f"{seed=} {moments=}")
            cut = 0  # operations in flight when it died
            for number, moment in enumerate(moments):
                await asyncio.sleep(moment)
                site.server.kill()
                cut += len(site.accounts.open())
                if number == KILLS // 2:
                    await asyncio.to_thread(lab.command, "kill")
                    await asyncio.to_thread(lab.command, "start")
                await asyncio.to_thread(site.server.start)
            await asyncio.sleep(1.0)
            load.stop()
            await working
            await site.quiet(within=60)
            print(
                f"{cut=} {load.statuses=} {load.broken=} {load.longest=:.1f} "
                f"composes={len(site.accounts.of('compose'))}"
            )

            async def agreed() -> bool:
                return not await asyncio.to_thread(site.accounts.wrong, [lab])

            await until(agreed, within=5)
            assert cut >= KILLS // 2
            assert load.statuses[200] >= 5
            assert load.statuses[409] >= 1
            await admin.delete(f"vm-hosts/{host}/", decompose="true")
    assert site.accounts.wrong([lab]) == []
    await asyncio.to_thread(lab.lxc, "project", "delete", "kills")  # it stays with its host, and is empty
