"""Small words for the live tests of the driver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from innkeeper.hypervisors.base import Change, HostEvent
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import InstanceSpec, PowerState


def machine(spec: InstanceSpec) -> str:
    return dict(spec.tags)["machine"]


async def power(driver: Lxd, spec: InstanceSpec) -> PowerState:
    told = await driver.instance(name=spec.name)
    assert told is not None
    return told.power


async def opened(driver: Lxd) -> AsyncGenerator[HostEvent]:
    stream = driver.events()
    assert (await soon(stream)).change is Change.OPENED
    return stream


async def soon(stream: AsyncGenerator[HostEvent], seconds: float = 2.0) -> HostEvent:
    async with asyncio.timeout(seconds):
        return await anext(stream)
