"""Requests that wait: they hold nothing, they answer in time, and a client that hung up gets what it had asked for."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from tests.kit.accounts import Accounts
from tests.kit.client import oauth
from tests.kit.house import Inn, inn
from tests.kit.server import running
from tests.kit.until import until
from tests.laws.conftest import Site, make_site

CLIENTS, HOSTS, MEASURED = 300, 10, 3.0
THREADS = 40  # of the whole process
CONNECTIONS = 24


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    made = make_site(tmp_path, database_url, per_host=1, lease=5.0, beat=1.0)
    with running(*made.servers):
        yield made
    made.accounts.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    async with inn(tmp_path, compose_wait=1.0) as one:
        yield one


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    one = Accounts(f"sqlite:///{tmp_path / 'innkeeper.sqlite'}")
    yield one
    one.close()


def threads(site: Site) -> int:
    assert site.server.process is not None
    return len(list(Path(f"/proc/{site.server.process.pid}/task").iterdir()))


def connections(site: Site) -> int:
    """Connections to the database that the server has open."""
    assert site.server.process is not None
    found = 0
    for one in Path(f"/proc/{site.server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(one.readlink())
            found += target.endswith("/innkeeper.sqlite")
    if not site.url.startswith("sqlite"):
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        found = int(site.accounts.database.ask(lambda sql: sql.exec_driver_sql(query).scalar()) or 0)
    return found


async def test_hundreds_wait_without_thread_or_connection(site: Site) -> None:
    async with site.admin() as admin:
        # each host is busy with its first compose until we say so; the others queue behind it
        names = [site.host(cores=64, memory=2**37, create_seconds=100.0) for _ in range(HOSTS)]
        ids = [int((await admin.post("vm-hosts/", type="simulated", power_address=one))["id"]) for one in names]
        composing = [asyncio.create_task(admin.compose(ids[number % HOSTS])) for number in range(CLIENTS)]

        async def all_wait() -> bool:
            await asyncio.sleep(0.2)
            return len(site.accounts.open()) == CLIENTS

        await until(all_wait, within=60)
        times, most_threads, most_connections = [], 0, 0
        until_then = time.monotonic() + MEASURED
        while time.monotonic() < until_then:
            before = time.monotonic()
            assert (await admin.call("GET", "/healthz")).status_code == 200
            times.append(time.monotonic() - before)
            most_threads = max(most_threads, threads(site))
            most_connections = max(most_connections, connections(site))
            await asyncio.sleep(0.05)
        assert len(site.accounts.open()) == CLIENTS, "they did not wait while it was measured"
        site.release(*names)
        made = await asyncio.gather(*composing)
    assert most_threads <= THREADS
    assert most_connections <= CONNECTIONS
    assert statistics.median(times) < 0.1
    assert max(times) < 1.0
    assert len(set(made)) == CLIENTS
    assert site.accounts.wrong() == []


async def test_a_compose_that_takes_longer_than_a_request_may_is_answered_while_it_goes_on(
    house: Inn, accounts: Accounts
) -> None:
    host = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "create_seconds", 2.0))
    began = time.monotonic()
    machine = await house.admin.compose(host, hostname="web1")
    assert 0.9 < time.monotonic() - began < 2.0
    assert (await house.admin.get(f"machines/{machine}/"))["status_name"] == "Commissioning"
    same = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1")
    assert same.status_code == 400, "it was answered: to ask again is to ask for another one"
    assert "web1" in same.text

    async def ready() -> bool:
        return bool((await house.admin.get(f"machines/{machine}/"))["status_name"] == "Ready")

    await until(ready)
    assert accounts.wrong() == []


async def test_a_failure_after_the_answer_is_shown_and_the_claim_given_back(house: Inn, accounts: Accounts) -> None:
    host = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "create_seconds", 2.0))
    house.change("alpha", lambda world: world.faults.append(Fault(call="instance", kind="refuse")))
    machine = await house.admin.compose(host, hostname="web1", storage="root:8,data:5")

    async def failed() -> bool:
        return bool((await house.admin.get(f"machines/{machine}/"))["status_name"] == "Failed commissioning")

    await until(failed)
    shown = await house.admin.get(f"machines/{machine}/")
    assert "a fault on demand" in shown["status_message"]
    assert (await house.admin.get(f"vm-hosts/{host}/"))["limits"]["cores"]["claimed"] == 0
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert accounts.wrong() == []
    await house.admin.delete(f"machines/{machine}/")
    await house.admin.compose(host, hostname="web1")


async def hang_up(site: Site, host: int, **form: str) -> None:
    """Ask for a machine over a socket of our own, and close it as soon as the work has begun."""
    before = len(site.accounts.of("compose"))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    body = urlencode(form).encode()
    head = (
        f"POST /MAAS/api/2.0/vm-hosts/{host}/?op=compose HTTP/1.1\r\nHost: inn\r\nAuthorization: {oauth(site.key)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()

    async def begun() -> bool:
        return len(site.accounts.of("compose")) > before

    await until(begun)
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b"", "it was answered before it hung up"


@pytest.mark.parametrize("meanwhile", [0.0, 1.5], ids=["while it is made", "when it is made"])
async def test_a_client_that_hung_up_gets_the_same_machine(site: Site, meanwhile: float) -> None:
    async with site.admin() as admin:
        name = site.host(create_seconds=1.0)
        host = int((await admin.post("vm-hosts/", type="simulated", power_address=name))["id"])
        await hang_up(site, host, hostname="web1", cores="2")
        await asyncio.sleep(meanwhile)
        other = await admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1", cores=1)
        assert other.status_code == 400, "other wishes under that name are another machine"
        again = await admin.compose(host, hostname="web1", cores=2)
        assert [one.system_id for one in site.accounts.machines()] == [again]
        assert len(site.accounts.of("compose")) == 1
        assert (await admin.get(f"machines/{again}/"))["status_name"] == "Ready"
        refused = await admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1", cores=2)
        assert (refused.status_code, "web1" in refused.text) == (400, True)
    assert site.accounts.wrong() == []
