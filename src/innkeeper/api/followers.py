"""Who follows events over an open connection, for as long as they may see what they see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from innkeeper.api.auth import Actor
from innkeeper.errors import InnkeeperError
from innkeeper.store.events import Event

SURE = 2.0  # seconds for which it is believed who follows; a key or a session that ended sees nothing after that


async def permitted(
    pages: AsyncGenerator[list[Event]], *, who: Actor, again: Callable[[], Awaitable[Actor]]
) -> AsyncIterator[list[Event]]:
    """Pages of the feed until who follows is no longer who they were. `again`: asks who it is, as at the beginning."""
    clock = asyncio.get_running_loop().time
    sure = clock() + SURE
    async with aclosing(pages):
        async for page in pages:
            if clock() >= sure:
                try:
                    if await again() != who:
                        return
                except InnkeeperError:
                    return
                sure = clock() + SURE
            yield page
