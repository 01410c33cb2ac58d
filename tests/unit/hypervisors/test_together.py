"""Several requests at once: the first failure is told as itself, and a cancellation is never lost to it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.together import both, together


async def gives(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def fails() -> int:
    await asyncio.sleep(0)
    raise HostRefused("no")


async def breaks_when_cancelled() -> int:
    """As a connection does that is cut in the moment in which its caller is cancelled."""
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        raise HostUnreachable("cut") from None
    return 0


async def test_results_in_order() -> None:
    assert await together([gives(3), gives(1), gives(2)]) == [3, 1, 2]
    assert await both(gives(1), gives(2)) == (1, 2)


async def test_the_first_failure_as_itself() -> None:
    with pytest.raises(HostRefused, match="no"):
        await together([fails(), breaks_when_cancelled()])
    with pytest.raises(HostRefused, match="no"):
        await both(fails(), asyncio.sleep(30))


@pytest.mark.parametrize("how", ["together", "both"])
async def test_a_cancellation_is_not_lost_to_a_failure(how: str) -> None:
    made = (breaks_when_cancelled(), breaks_when_cancelled())
    work: Coroutine[Any, Any, Any] = together(made) if how == "together" else both(*made)
    task = asyncio.create_task(work)
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_around_it_is_a_time_limit() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await together([breaks_when_cancelled()])
