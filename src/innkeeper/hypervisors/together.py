"""Several requests at once.

Not with a TaskGroup: before Python 3.13 one that is cancelled while a request fails tells of the failure only, and
whoever answers failures and goes on is never ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def together(requests: Iterable[Awaitable[T]]) -> list[T]:
    """The results in order. The first failure ends the others and is raised; a cancellation always flies."""
    tasks = [asyncio.ensure_future(request) for request in requests]
    if not tasks:
        return []
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((task for task in tasks if task in done and task.exception() is not None), None)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [failed.result()] if failed else [task.result() for task in tasks]


async def both(one: Awaitable[T], other: Awaitable[U]) -> tuple[T, U]:
    """Two of different kinds; failures as of `together`."""
    requests: tuple[Awaitable[Any], Awaitable[Any]] = (one, other)
    first, second = await together(requests)
    return first, second
