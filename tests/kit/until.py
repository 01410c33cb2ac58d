"""Wait for something that happens by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(question: Callable[[], Awaitable[T]], *, within: float = 10.0, what: str = "") -> T:
    """Ask again and again until the answer is true (it is returned), for at most that many seconds; `what` names it."""
    deadline = time.monotonic() + within
    while not (answer := await question()):
        assert time.monotonic() < deadline, f"not within {within} s: {what} (last answer: {answer!r})"
        await asyncio.sleep(0.02)
    return answer
