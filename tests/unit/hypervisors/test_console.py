"""The console of a VM: both websockets, in an order that the host survives, and how it ends."""

from __future__ import annotations

import asyncio

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.base import Console
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.console import DoubleConsole
from tests.doubles.faults import Cut
from tests.doubles.lxd import LxdDouble
from tests.doubles.world import RUNNING
from tests.kit.until import until


async def opened(driver: Lxd, double: LxdDouble) -> tuple[Console, DoubleConsole]:
    """The console of a running VM, from both sides."""
    if ("default", "vm") not in double.world.instances:
        double.world.add_instance("vm")
    instance = double.world.instances["default", "vm"]
    instance["status_code"], instance["status"] = RUNNING
    console = await driver.console(name="vm")
    return console, list(double.consoles.values())[-1]


async def read(console: Console) -> bytes:
    async with asyncio.timeout(5):
        return await console.read()


async def test_both_websockets_the_control_first(driver: Lxd, double: LxdDouble) -> None:
    console, host = await opened(driver, double)
    assert host.story == ["control opened", "text opened"]
    assert not host.crashed
    await host.prints(b"hello")
    assert await read(console) == b"hello"
    await host.ends["text"].send_str("words")
    assert await read(console) == b"words"
    await console.write(b"ls\r")

    async def typed() -> bool:
        return host.typed == b"ls\r"

    await until(typed)
    for _ in range(2):
        await console.close()
    assert host.story[2:] == ["text closed", "control closed"]
    assert host.typed.startswith(b"ls\r\x0c")  # the guest draws anew, so that the host notices that we have gone
    assert await read(console) == b""
    with pytest.raises(HostUnreachable, match="console"):
        await console.write(b"x")

    async def listens_no_more() -> bool:
        return double.sockets == []

    await until(listens_no_more)


@pytest.mark.parametrize("action", ["instance-stopped", "instance-shutdown", "instance-restarted", "instance-deleted"])
async def test_it_ends_when_the_host_tells_that_the_vm_stops(driver: Lxd, double: LxdDouble, action: str) -> None:
    console, host = await opened(driver, double)
    double.emit(action, "/1.0/instances/other")
    double.emit("instance-updated", "/1.0/instances/vm")
    double.emit(action, "/1.0/instances/vm", "another-project")
    await host.prints(b"still here")
    assert await read(console) == b"still here"
    double.emit(action, "/1.0/instances/vm")
    await host.prints(b"last words")
    assert await read(console) == b"last words"
    assert await read(console) == b""
    await console.close()


@pytest.mark.parametrize("how", ["hung up", "events cut", "host gone"])
async def test_it_ends_when_the_host_is_not_heard_any_more(driver: Lxd, double: LxdDouble, how: str) -> None:
    console, host = await opened(driver, double)
    if how == "hung up":
        await host.ends["text"].close()
    elif how == "events cut":
        double.cut_events()
    else:
        for end in host.ends.values():
            end._req.transport.abort()  # type: ignore[union-attr]
        await double.stop()
    assert await read(console) == b""
    await console.close()


async def test_what_has_no_console(driver: Lxd, double: LxdDouble) -> None:
    for code, text in ((404, "not found"), (400, "not running")):
        with pytest.raises(HostRefused, match=text) as refused:
            await driver.console(name="vm")
        assert refused.value.code == code
        if code == 404:
            double.world.add_instance("vm")

    async def listens_no_more() -> bool:
        return double.sockets == []

    await until(listens_no_more)


async def test_without_its_text_the_control_is_closed(driver: Lxd, double: LxdDouble) -> None:
    await (await opened(driver, double))[0].close()
    id = f"00000000-0000-4000-9000-{len(double.world.operations):012d}"
    double.faults[f"GET /1.0/operations/{id}/websocket"] = Cut(skip=1)
    with pytest.raises(HostUnreachable):
        await driver.console(name="vm")
    half = double.consoles[id]

    async def closed() -> bool:
        return half.story == ["control opened", "control closed"] and double.sockets == []

    await until(closed)


async def test_an_open_console_keeps_no_stop_waiting(driver: Lxd, double: LxdDouble) -> None:
    console, _ = await opened(driver, double)
    async with asyncio.timeout(2):
        await driver.stop(name="vm", force=True, timeout=1)
    assert await read(console) == b""
    await console.close()
