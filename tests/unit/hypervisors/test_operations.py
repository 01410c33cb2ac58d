"""Waiting for the host's own operations: running long, failing, vanishing, on LXD and Incus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.lxd import operations, shapes
from innkeeper.hypervisors.lxd.client import Client, Connection, unobserved
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.lxd import QUICK, Cut, Garbage, LxdDouble, Refuse
from tests.doubles.world import sample

ID = "9e255332-9052-4bfb-b0c6-ee7f3f5c5747"
WAIT = f"GET /1.0/operations/{ID}/wait"
HERE = f"GET /1.0/operations/{ID}"


@pytest.fixture
async def client(double: LxdDouble) -> AsyncIterator[Client]:
    one = Client(Connection(double.target(), timeouts=QUICK, observe=unobserved))
    yield one
    await one.close()


def told(code: int, err: str = "") -> dict[str, object]:
    return {"id": ID, "status_code": code, "err": err, "resources": None}


async def finished(client: Client, limit: float = 5.0) -> bool:
    return await operations.finished(client, ID, what="create instance s3", limit=limit)


async def test_success(client: Client, double: LxdDouble) -> None:
    double.answers[f"/1.0/operations/{ID}/wait"] = told(200)
    assert await finished(client)
    assert double.requests == [f"{WAIT}?timeout=5"]


@pytest.mark.parametrize("code", [400, 401])
async def test_failure_and_cancellation_in_the_hosts_words(client: Client, double: LxdDouble, code: int) -> None:
    double.answers[f"/1.0/operations/{ID}/wait"] = told(code, "Failed creating instance record: no")
    with pytest.raises(HostRefused, match="create instance s3") as refused:
        await finished(client)
    assert (refused.value.details, refused.value.code) == ("Failed creating instance record: no", code)


async def test_real_failure_of_lxd(client: Client, double: LxdDouble) -> None:
    double.answers[f"/1.0/operations/{ID}/wait"] = sample("err-bad-key-wait")
    with pytest.raises(HostRefused, match=r"Unknown configuration key: limits\.bogus"):
        await finished(client)


async def test_incus_tells_a_failure_as_an_error(client: Client, double: LxdDouble) -> None:
    double.faults[WAIT] = Refuse(500, "Failed initializing instance: Unknown configuration key: limits.bogus")
    double.answers[f"/1.0/operations/{ID}"] = told(400, "Unknown configuration key: limits.bogus")
    with pytest.raises(HostRefused, match=r"limits\.bogus") as refused:
        await finished(client)
    assert refused.value.code == 400


async def test_incus_failure_that_is_forgotten_already(client: Client, double: LxdDouble) -> None:
    double.faults[WAIT] = Refuse(500, "no space left on device")
    with pytest.raises(HostRefused, match="no space left on device"):
        await finished(client)
    assert double.counted() == {WAIT: 1, HERE: 1}


async def test_incus_tells_the_end_of_the_time_as_an_error(client: Client, double: LxdDouble) -> None:
    double.faults[WAIT] = Refuse(500, "context deadline exceeded", times=1)
    double.answers[f"/1.0/operations/{ID}"] = told(103)
    double.answers[f"/1.0/operations/{ID}/wait"] = told(200)
    assert await finished(client)
    assert double.counted() == {WAIT: 2, HERE: 1}


async def test_vanished(client: Client, double: LxdDouble) -> None:
    double.faults[WAIT] = Refuse(404, "Operation not found")
    assert not await finished(client)


async def test_running_is_waited_for_again_and_not_for_ever(client: Client, double: LxdDouble) -> None:
    double.answers[f"/1.0/operations/{ID}/wait"] = told(103)  # at once, as when /wait is not understood
    begin = time.monotonic()
    with pytest.raises(HostUnreachable, match=r"did not finish in 0\.5 s: create instance s3") as busy:
        await finished(client, limit=0.5)
    assert "outcome is unknown" in busy.value.details
    assert time.monotonic() - begin < 2
    assert 2 <= double.counted()[WAIT] < 40


async def test_a_wait_that_is_cut_is_taken_up_again(client: Client, double: LxdDouble) -> None:
    double.answers[f"/1.0/operations/{ID}/wait"] = told(200)
    double.faults[WAIT] = Cut(times=1)
    assert await finished(client)


async def test_a_wait_answered_with_garbage(client: Client, double: LxdDouble) -> None:
    double.faults[WAIT] = Garbage()
    double.faults[HERE] = Garbage()
    with pytest.raises(HostRefused, match="not LXD"):
        await finished(client)


async def test_address_is_built_from_the_id(driver: Lxd, double: LxdDouble) -> None:
    """The double's answers carry `?project=` behind the operation's address, as clusters' do."""
    double.world.add_instance("vm")
    await driver.start(name="vm")
    (waited,) = [request for request in double.requests if "/wait" in request]
    assert waited.endswith("/wait?timeout=30")


async def test_settle_waits_for_what_the_host_does_with_that_name(driver: Lxd, double: LxdDouble) -> None:
    double.world.takes_seconds = 0.3
    for name in ("vm", "vm2"):
        double.world.add_instance(name)
    start = asyncio.create_task(driver.start(name="vm"))
    await asyncio.sleep(0.1)
    await driver.settle(name="v")
    await driver.settle(name="vm2")
    assert double.world.instances["default", "vm"]["status"] == "Stopped"
    await driver.settle(name="vm")
    assert double.world.instances["default", "vm"]["status"] == "Running"
    await start


async def test_settle_does_not_mind_how_it_ended(driver: Lxd, double: LxdDouble) -> None:
    double.world.takes_seconds = 0.2
    double.world.fails["Starting instance"] = "no"
    double.world.add_instance("vm")
    start = asyncio.create_task(driver.start(name="vm"))
    await asyncio.sleep(0.1)
    await driver.settle(name="vm")
    with pytest.raises(HostRefused):
        await start


@pytest.mark.parametrize("server", ["", "incus-"])
async def test_settle_reads_real_lists(driver: Lxd, double: LxdDouble, server: str) -> None:
    """A token's operation runs for ever and names nobody; that of s1 is found."""
    listed = sample(f"{server}operations")
    double.answers["/1.0/operations"] = listed
    await driver.settle(name="nobody")
    assert double.counted() == {"GET /1.0/operations": 1}
    (creating,) = [one for one in listed["running"] if one["class"] == "task"]
    double.answers[f"/1.0/operations/{creating['id']}/wait"] = {**creating, "status_code": 200}
    await driver.settle(name="s1")
    assert double.counted()[f"GET /1.0/operations/{creating['id']}/wait"] == 1


@pytest.mark.parametrize(
    ("url", "is_"),
    [
        ("/1.0/instances/vm", True),
        ("/1.0/instances/vm?project=p", True),
        ("/1.0/instances/vm/snapshots/snap0", True),
        ("/1.0/virtual-machines/vm", True),
        ("/1.0/instances/my-vm", False),
        ("/1.0/instances/vm-2", False),
        ("", False),
    ],
)
def test_what_an_operation_is_about(url: str, is_: bool) -> None:
    operation = shapes.Operation(
        id="x", resources={"instances": [url], "images": ["/1.0/images/vm"], "containers": None}
    )
    assert operations.names(operation, "vm") is is_
    assert not operations.names(shapes.Operation(id="x"), "vm")
    # Somebody's open console or shell ends when they close it: nothing waits for that.
    assert not operations.names(shapes.Operation(id="x", kind="websocket", resources={"instances": [url]}), "vm")
