"""A TLS double of LXD and a driver to it for every test that asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from innkeeper.hypervisors.lxd.driver import Lxd, connect
from tests.doubles.lxd import QUICK, LxdDouble


@pytest.fixture
async def double() -> AsyncIterator[LxdDouble]:
    async with LxdDouble() as running:
        yield running


@pytest.fixture
async def connected(double: LxdDouble) -> AsyncIterator[Callable[..., Awaitable[Lxd]]]:
    """A function that connects to the double, for the project given; closed at the end."""
    drivers: list[Lxd] = []

    async def to(project: str = "default", **options: object) -> Lxd:
        driver = await connect(double.target(project), **{"timeouts": QUICK, **options})  # type: ignore[arg-type]
        drivers.append(driver)
        return driver

    yield to
    for driver in drivers:
        await driver.close()


@pytest.fixture
async def driver(connected: Callable[..., Awaitable[Lxd]]) -> Lxd:
    return await connected()
