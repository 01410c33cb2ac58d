"""PostgreSQL is stopped (as by a crash) for five seconds under load: nothing hangs, every operation ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.kit.databases import ROOT
from tests.kit.server import running
from tests.kit.until import until
from tests.laws.conftest import Site
from tests.laws.load import Load, sprinkle

pytestmark = pytest.mark.postgres
NewSite = Callable[..., Site]
AWAY = 5.0


class Cluster:
    """A PostgreSQL of this test's own, so that it disturbs nobody when it is stopped."""

    def __init__(self, name: str) -> None:
        self._name = name

    def command(self, word: str) -> str:
        lab = ROOT / "lab" / "postgres"
        done = subprocess.run([lab, word, self._name], check=True, capture_output=True, text=True, timeout=120)
        return done.stdout.strip()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    one = Cluster(f"away{os.getpid()}")
    one.command("up")
    yield one
    one.command("purge")


async def test_the_database_goes_away_under_load(new_site: NewSite, cluster: Cluster) -> None:
    site = new_site(cluster.command("url"), servers=2)
    with running(*site.servers):
        names = [site.host(cores=64, memory=2**38, create_seconds=0.3) for _ in range(2)]
        async with site.admin() as admin:
            ids = [int((await admin.post("vm-hosts/", type="simulated", power_address=one))["id"]) for one in names]
            for number, name in enumerate(names):
                sprinkle(site, name, seed=number, many=4)
            load = Load(site, ids, seed=3)
            working = asyncio.create_task(load.run())
            await asyncio.sleep(2.0)
            await asyncio.to_thread(cluster.command, "stop")
            stopped = time.monotonic()
            while time.monotonic() < stopped + AWAY:
                alive = await admin.call("GET", "/healthz")
                assert alive.status_code == 200
                ready = await admin.call("GET", "/readyz")
                assert (ready.status_code, "database" in ready.text) == (503, True)
                told = await admin.call("GET", "machines/")
                assert told.status_code == 503
                assert "database" in told.text
                assert "retry-after" not in told.headers
                await asyncio.sleep(0.3)
            await asyncio.to_thread(cluster.command, "start")
            await asyncio.sleep(2.0)
            load.stop()
            await asyncio.wait_for(working, 40)
            await site.quiet(within=40)
            assert (await admin.call("GET", "/readyz")).status_code == 200
            machine = await admin.compose(ids[0], storage="root:8,data:5")
            assert (await admin.get(f"machines/{machine}/"))["status_name"] == "Ready"
    print(f"{load.statuses=} {load.broken=} {load.longest=:.1f}")
    assert load.statuses[200] > 5
    assert load.statuses[500] == 0, "the database being away is no internal error"
    assert load.longest < 30
    assert site.accounts.wrong() == []
    reasons = {one.error.brief for one in site.accounts.of("compose") if one.error is not None}
    assert reasons <= {"The host refused.", "The connection to the host was cut."}, "only for what was done to it"


async def test_work_waits_for_the_database_and_does_not_fail(new_site: NewSite, cluster: Cluster) -> None:
    """A compose in the middle of its steps, a decompose, a refresh: they go on when the database is back."""
    site = new_site(cluster.command("url"))
    with running(site.server):
        name = site.host()
        async with site.admin() as admin:
            host = int((await admin.post("vm-hosts/", type="simulated", power_address=name))["id"])
            gone = await admin.compose(host, hostname="gone", storage="root:8,data:5")
            site.change(name, lambda world: setattr(world, "create_seconds", 1.5))
            orders = [
                admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1", storage="root:8,data:5"),
                admin.call("DELETE", f"machines/{gone}/"),
            ]
            tasks = [asyncio.create_task(one) for one in orders]

            async def making() -> bool:
                return bool(site.see(name).making)

            await until(making)
            await asyncio.to_thread(cluster.command, "stop")
            await asyncio.sleep(3.0)
            await asyncio.to_thread(cluster.command, "start")
            answers = await asyncio.wait_for(asyncio.gather(*tasks), 40)
            await site.quiet()
    assert {one.state for one in site.accounts.of("compose") + site.accounts.of("decompose")} == {"done"}
    assert [one.status_code for one in answers] == [200, 204]
    assert site.accounts.wrong() == []


async def test_a_server_ends_in_order_without_its_database(new_site: NewSite, cluster: Cluster) -> None:
    site = new_site(cluster.command("url"))
    with running(site.server):
        name = site.host(create_seconds=100.0)
        async with site.admin() as admin:
            host = int((await admin.post("vm-hosts/", type="simulated", power_address=name))["id"])
            composing = asyncio.create_task(admin.call("POST", f"vm-hosts/{host}/", op="compose"))

            async def making() -> bool:
                return bool(site.see(name).making)

            await until(making)
            cluster.command("stop")
            site.server.signal(signal.SIGTERM)
            await asyncio.to_thread(site.server.wait_dead, timeout=20)
            await asyncio.gather(composing, return_exceptions=True)
        assert "Traceback" not in site.server.log.read_text()
        cluster.command("start")
        site.release(name)
        site.server.start()
        await site.quiet()
    assert [one.state for one in site.accounts.of("compose")] == ["done"]
    assert site.accounts.wrong() == []


async def test_a_database_that_was_stopped_is_the_same_afterwards(new_site: NewSite, cluster: Cluster) -> None:
    """What was answered before the crash is there after it."""
    site = new_site(cluster.command("url"))
    with running(site.server):
        name = site.host()
        async with site.admin() as admin:
            host = int((await admin.post("vm-hosts/", type="simulated", power_address=name))["id"])
            made = {await admin.compose(host) for _ in range(5)}
            cluster.command("stop")
            cluster.command("start")

            async def ready() -> bool:
                return (await admin.call("GET", "/readyz")).status_code == 200

            await until(ready)
            shown = {one["system_id"] for one in await admin.get("machines/") if one["hostname"] != name}
    assert shown >= made
    assert site.accounts.database.ask(lambda sql: sql.scalar(sa.text("SELECT 1"))) == 1
    assert site.accounts.wrong() == []
