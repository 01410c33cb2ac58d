"""Events, cuts and counts, on a real LXD."""

from __future__ import annotations

import asyncio
import time

import pytest

from innkeeper.errors import HostUnreachable
from innkeeper.hypervisors.base import Change, HostEvent
from innkeeper.hypervisors.lxd.client import Exchange, Timeouts
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import InstanceSpec, PowerState
from tests.live.conftest import Connected, Lab
from tests.live.vms import machine, opened, power, soon

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("clean")]
GB = 10**9


async def test_events_of_what_is_done_behind_our_back(lab: Lab, driver: Lxd, spec: InstanceSpec) -> None:
    stream = await opened(driver)
    name = spec.name

    async def told(action: str) -> HostEvent:
        """The event, within 2 s of the command's end; others (a DHCP lease, a disk) may come between."""
        async with asyncio.timeout(2):
            async for event in stream:
                if event.action == action and event.instance == name:
                    return event
        raise AssertionError("the stream ended")

    await lab.lxc("init", name, "--empty", "--vm", "-s", lab.pool, "-d", "root,size=1GiB", "-c", "limits.memory=256MiB")
    assert (await told("instance-created")).change is Change.INSTANCE
    await lab.lxc("config", "set", name, "user.note", "x")  # not while it runs: that needs an agent in the guest
    assert (await told("instance-updated")).change is Change.INSTANCE
    await lab.lxc("start", name)
    assert (await told("instance-started")).power is PowerState.ON
    await lab.lxc("stop", "--force", name)
    assert (await told("instance-stopped")).power is PowerState.OFF
    await lab.lxc("rename", name, f"{name}-2")
    assert (await told("instance-renamed")).change is Change.INSTANCE
    name = f"{name}-2"
    await lab.lxc("delete", name)
    assert (await told("instance-deleted")).change is Change.INSTANCE
    await stream.aclose()


async def test_idle_stream_makes_no_requests_and_outlives_its_heartbeat(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.hypervisors.lxd.client._HEARTBEAT", 0.5)
    seen: list[Exchange] = []
    stream = await opened(await connected(observe=seen.append))
    with pytest.raises(TimeoutError):
        await soon(stream, seconds=2.5)
    assert seen == []
    await stream.aclose()


async def test_restart_of_the_server(lab: Lab, driver: Lxd, made: InstanceSpec) -> None:
    stream = await opened(driver)
    await lab.run("stop")
    try:
        with pytest.raises(HostUnreachable, match="event stream"):
            await soon(stream, seconds=5)
        with pytest.raises(HostUnreachable, match="Connection refused"):
            await driver.identify()
        with pytest.raises(HostUnreachable):
            await driver.start(name=made.name)
    finally:
        await lab.run("start")
    assert (await driver.identify()).trusted
    assert await power(driver, made) is PowerState.OFF


async def test_host_that_hangs(lab: Lab, connected: Connected) -> None:
    driver = await connected(timeouts=Timeouts(connect=1.0, answer=1.0, change=1.0))
    await driver.identify()
    await lab.run("cut")
    try:
        begin = time.monotonic()
        with pytest.raises(HostUnreachable, match="No answer in time"):
            await driver.describe()
        assert time.monotonic() - begin < 5
    finally:
        await lab.run("mend")
    assert (await driver.identify()).trusted
    await asyncio.sleep(2)  # TCP tries again, and the connections that were given up can say goodbye


async def test_requests_of_compose_and_refresh(connected: Connected, spec: InstanceSpec) -> None:
    seen: list[Exchange] = []
    driver = await connected(observe=seen.append)
    await driver.describe()
    described = len(seen)
    seen.clear()
    await driver.create(spec)
    await driver.instance(name=spec.name)
    assert len(seen) == 5
    seen.clear()
    await driver.describe()
    assert len(seen) == described  # a VM more is no request more
    seen.clear()
    await driver.delete(name=spec.name, machine=machine(spec))
    assert len(seen) == 4
