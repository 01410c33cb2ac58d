"""Instances of images: one at a time on a host, and again when LXD trips over itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.lxd import images
from innkeeper.hypervisors.lxd.client import Client, Connection, Timeouts, unobserved
from tests.doubles.lxd import LxdDouble

HALF = HostRefused("The host refused.", details="Failed: unexpected end of JSON input", code=400)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with LxdDouble() as double:
        one = Client(Connection(double.target(), timeouts=Timeouts(), observe=unobserved))
        yield one
        await one.close()


class Creates:
    """Creates that fail so often first; how many were under way at once."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.calls, self.now, self.most = list(failures), 0, 0, 0

    async def __call__(self) -> bool:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        if self.failures:
            raise self.failures.pop(0)
        return True


async def test_one_at_a_time_whoever_asks(client: Client) -> None:
    creates = Creates()
    others = [client.guarded(lambda: None) for _ in range(4)]
    assert all(await asyncio.gather(*(images.unpacked(one, creates) for one in [client, *others])))
    assert (creates.calls, creates.most) == (5, 1)


async def test_half_an_answer_is_asked_for_again(client: Client) -> None:
    creates = Creates(HALF, HALF)
    assert await images.unpacked(client, creates)
    assert creates.calls == 3


async def test_not_for_ever(client: Client) -> None:
    creates = Creates(*[HALF] * 20)
    with pytest.raises(HostRefused, match="refused"):
        await images.unpacked(client, creates)
    assert creates.calls == 5


async def test_another_refusal_is_final(client: Client) -> None:
    creates = Creates(HostRefused("The host refused.", details="No space left", code=400))
    with pytest.raises(HostRefused):
        await images.unpacked(client, creates)
    assert creates.calls == 1
