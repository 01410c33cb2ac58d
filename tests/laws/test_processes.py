"""Three processes on one PostgreSQL: what one that dies was doing is done by another."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from innkeeper.hypervisors.simulated_world import Fault
from tests.kit.databases import fresh_postgres
from tests.kit.server import running
from tests.kit.until import until
from tests.laws.conftest import Site, make_site
from tests.laws.load import Load, sprinkle

pytestmark = pytest.mark.postgres
FORM = {"storage": "root:8,data:5"}


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Site]:
    """Three servers, not started."""
    with fresh_postgres() as url:
        made = make_site(tmp_path, url, servers=3)
        yield made
        made.accounts.close()


async def test_the_work_of_a_dead_process_is_finished_by_another(three: Site) -> None:
    first, *others = three.servers
    with running(first):
        async with three.admin(first) as admin:
            names = [three.host() for _ in range(2)]
            ids = [int((await admin.post("vm-hosts/", type="simulated", power_address=one))["id"]) for one in names]
            gone = await admin.compose(ids[0], hostname="gone", **FORM)
            for one in names:
                three.change(one, lambda world: setattr(world, "create_seconds", 100.0))
            tasks = [asyncio.create_task(admin.compose(id, hostname=f"web{n}", **FORM)) for n, id in enumerate(ids)]
            three.fault(names[0], Fault(call="delete", kind="delay", seconds=100.0))
            tasks.append(asyncio.create_task(admin.delete(f"machines/{gone}/")))

            async def all_at_work() -> bool:
                return sum(len(three.see(one).making) for one in names) == 2

            await until(all_at_work)
            with running(*others):  # all that runs was begun by the first one, which is the only one that dies
                first.kill()
                three.release(*names)
                answers = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(isinstance(one, httpx2.TransportError) for one in answers), answers
                await three.quiet(within=15)
                async with three.admin(others[0]) as other:
                    for number, id in enumerate(ids):
                        machine = await other.compose(id, hostname=f"web{number}", **FORM)
                        assert (await other.get(f"machines/{machine}/"))["status_name"] == "Ready"
                    assert (await other.call("GET", f"machines/{gone}/")).status_code == 404
                    hosts = await other.get("vm-hosts/")
                assert {one["state"] for one in hosts} == {"ready"}
    assert three.accounts.wrong() == []
    made = [event for name in names for event in three.see(name).events if event[1] == "instance-created"]
    assert sorted(event[3] for event in made) == ["gone", "web0", "web1"]
    assert all(one.crashes == 0 for one in three.accounts.of("compose")), "a step that was passed is forgiven"


async def test_a_process_that_stops_in_order_hands_over_at_once(three: Site) -> None:
    """SIGTERM: no waiting for the lease, no crash is counted."""
    first, second = three.servers[:2]
    with running(first, second):
        async with three.admin(second) as admin:
            name = three.host(create_seconds=1.0)
            id = int((await admin.post("vm-hosts/", type="simulated", power_address=name))["id"])
            tasks = [asyncio.create_task(admin.compose(id, hostname=f"web{n}", **FORM)) for n in range(6)]

            async def making() -> bool:
                return bool(three.see(name).making)

            await until(making)
            first.signal(signal.SIGTERM)
            assert len(set(await asyncio.gather(*tasks))) == 6
        await asyncio.to_thread(first.wait_dead)
        assert "Traceback" not in first.log.read_text()
    assert three.accounts.wrong() == []


@pytest.mark.parametrize("seed", [7])
async def test_processes_die_one_after_the_other_under_load(three: Site, seed: int) -> None:
    chosen = random.Random(seed)
    with running(*three.servers):
        async with three.admin() as admin:
            names = [three.host(cores=64, memory=2**38, create_seconds=0.1) for _ in range(2)]
            ids = [int((await admin.post("vm-hosts/", type="simulated", power_address=one))["id"]) for one in names]
        for number, name in enumerate(names):
            sprinkle(three, name, seed=seed + number, many=8)
        load = Load(three, ids, seed)
        working = asyncio.create_task(load.run())
        for _ in range(5):
            await asyncio.sleep(chosen.uniform(0.6, 1.2))
            victim = chosen.choice(three.servers)
            victim.kill()
            await asyncio.to_thread(victim.start)
        load.stop()
        await working
        await three.quiet()
    print(f"{load.statuses=} {load.broken=} {load.longest=:.1f}")
    assert load.statuses[200] > 10
    assert load.statuses.keys() <= {200, 204, 404, 409, 503}
    assert three.accounts.wrong() == []
