"""The host's live events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from innkeeper.errors import HostChanged, HostRefused, HostUnreachable, HostUntrusted
from innkeeper.hypervisors.base import Change, HostEvent
from innkeeper.hypervisors.lxd import events
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import PowerState
from tests.doubles.lxd import LxdDouble, Refuse
from tests.doubles.world import DATA

FRAME = '{{"type": "lifecycle", "project": "p", "metadata": {{"action": "{}", "source": "{}", "context": {}}}}}'


async def opened(driver: Lxd) -> AsyncGenerator[HostEvent]:
    stream = driver.events()
    first = await anext(stream)
    assert (first.change, first.action) == (Change.OPENED, "opened")
    return stream


async def soon(stream: AsyncGenerator[HostEvent]) -> HostEvent:
    async with asyncio.timeout(2):
        return await anext(stream)


async def test_what_happens_on_the_host_is_told(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_instance("vm")
    stream = await opened(driver)
    await driver.start(name="vm")
    told = await soon(stream)
    assert told == HostEvent(
        change=Change.POWER, action="instance-started", project="default", instance="vm", power=PowerState.ON
    )
    await driver.stop(name="vm", force=True, timeout=1)
    assert (await soon(stream)).power is PowerState.OFF
    await stream.aclose()
    assert [request for request in double.requests if "events" in request] == [
        "GET /1.0/events?type=lifecycle&all-projects=true"
    ]


async def test_an_idle_stream_makes_no_requests(driver: Lxd, double: LxdDouble) -> None:
    stream = await opened(driver)
    double.requests.clear()
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0.3)
    assert double.requests == []
    double.emit("instance-created", "/1.0/instances/x")
    assert (await waiting).change is Change.INSTANCE
    await stream.aclose()


@pytest.mark.parametrize("how", ["cut", "stopped"])
async def test_a_cut_stream_is_noticed(driver: Lxd, double: LxdDouble, how: str) -> None:
    stream = await opened(driver)
    if how == "cut":
        double.cut_events()
    else:
        await double.stop()
    with pytest.raises(HostUnreachable, match="event stream"):
        await soon(stream)


async def test_a_silent_cut_is_noticed_by_the_heartbeat(
    driver: Lxd, double: LxdDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.hypervisors.lxd.client._HEARTBEAT", 0.2)
    stream = await opened(driver)
    (socket,) = double.sockets
    transport = socket._req.transport  # type: ignore[union-attr]
    transport.pause_reading()  # the other side is there and does not answer any more
    with pytest.raises(HostUnreachable, match="event stream"):
        await soon(stream)
    transport.abort()


async def test_a_closed_stream_ends_quietly(driver: Lxd, double: LxdDouble) -> None:
    stream = await opened(driver)
    await stream.aclose()
    await asyncio.sleep(0.05)
    assert double.sockets == []


async def test_restricted_certificate_hears_its_project(
    connected: Callable[..., Awaitable[Lxd]], double: LxdDouble
) -> None:
    double.world.add_project("maas")
    double.world.restricted = frozenset({"maas"})
    stream = await opened(await connected("maas"))
    double.emit("instance-created", "/1.0/instances/x?project=maas", "maas")
    assert (await soon(stream)).project == "maas"
    await stream.aclose()
    assert double.requests[-1] == "GET /1.0/events?type=lifecycle&project=maas"


async def test_streams_that_do_not_open(driver: Lxd, double: LxdDouble) -> None:
    double.faults["GET /1.0/events"] = Refuse(500, "no")
    with pytest.raises(HostRefused, match="HTTP status 500"):
        await anext(driver.events())
    del double.faults["GET /1.0/events"]
    double.world.trusted = False
    with pytest.raises(HostUntrusted):
        await anext(driver.events())
    await double.stop()
    with pytest.raises(HostUnreachable):
        await anext(driver.events())
    await double.change_certificate()
    with pytest.raises(HostChanged):
        await anext(driver.events())


async def test_garbage_on_the_stream(driver: Lxd, double: LxdDouble) -> None:
    stream = await opened(driver)
    double.send('{"type": "logging", "metadata": {"message": "x"}}')
    double.send("hello")
    with pytest.raises(HostRefused, match="not LXD"):
        await soon(stream)


def test_frames_of_real_servers() -> None:
    frames = (DATA / "events.jsonl").read_text().splitlines()
    told = [event for frame in frames for event in events.parsed(frame)]
    assert {event.project for event in told} == {"default"}
    assert [(event.change, event.action, event.instance) for event in told[:6]] == [
        (Change.STORAGE, "storage-volume-created", ""),
        (Change.INSTANCE, "instance-created", "s1"),
        (Change.INSTANCE, "instance-created", "s2"),
        (Change.POWER, "instance-started", "s1"),
        (Change.INSTANCE, "instance-updated", "s2"),
        (Change.INSTANCE, "instance-renamed", "s2r"),
    ]
    assert (told[6].action, told[6].instance) == ("instance-renamed", "s2")  # the old name is told as well
    assert {event.action: event.power for event in told if event.power} == {
        "instance-started": PowerState.ON,
        "instance-shutdown": PowerState.OFF,
        "instance-stopped": PowerState.OFF,
    }
    incus = (DATA / "incus-events.jsonl").read_text().splitlines()
    assert ("instance-started", "s1") in {(e.action, e.instance) for f in incus for e in events.parsed(f)}


@pytest.mark.parametrize(
    ("action", "source", "change", "instance"),
    [
        ("profile-updated", "/1.0/profiles/default", Change.INSTANCE, ""),
        ("instance-snapshot-created", "/1.0/instances/a/snapshots/s", Change.STORAGE, "a"),
        ("instance-exec", "/1.0/instances/a", Change.OTHER, "a"),
        ("instance-paused", "/1.0/instances/a%20b", Change.POWER, "a b"),
        ("storage-pool-created", "/1.0/storage-pools/p", Change.STORAGE, ""),
        ("network-created", "/1.0/networks/n", Change.NETWORK, ""),
        ("certificate-created", "/1.0/certificates/x", Change.OTHER, ""),
        ("instance-created", "", Change.INSTANCE, ""),
    ],
)
def test_what_an_event_is_about(action: str, source: str, change: Change, instance: str) -> None:
    (told,) = events.parsed(FRAME.format(action, source, "null"))
    assert (told.change, told.instance, told.project) == (change, instance, "p")


def test_project_of_events_without_one() -> None:
    bare = '{"type": "lifecycle", "metadata": {"action": "instance-created", "source": "/1.0/instances/a?project=q"}}'
    assert events.parsed(bare)[0].project == "q"
    assert events.parsed(bare.replace("?project=q", ""))[0].project == "default"
