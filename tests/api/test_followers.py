"""An open stream ends when who follows it is no longer who they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from innkeeper.api import followers
from innkeeper.api.auth import Actor
from innkeeper.api.followers import permitted
from innkeeper.errors import InnkeeperError, Unauthorized
from innkeeper.store.events import Event

EVE = Actor(user_id=7, username="eve", is_admin=True)


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "SURE", 0.0)


async def pages() -> AsyncGenerator[list[Event]]:
    for _ in range(5):
        await asyncio.sleep(0)
        yield []


@pytest.mark.parametrize(
    "then",
    [lambda: EVE, lambda: Actor(user_id=7, username="eve", is_admin=False), lambda: Unauthorized("The key is gone.")],
    ids=["the_same", "demoted", "gone"],
)
async def test_who_is_another_sees_no_more(then: Callable[[], Actor | InnkeeperError]) -> None:
    asked = 0

    async def again() -> Actor:
        nonlocal asked
        asked += 1
        now = EVE if asked < 3 else then()
        if isinstance(now, InnkeeperError):
            raise now
        return now

    seen = [page async for page in permitted(pages(), who=EVE, again=again)]
    assert len(seen) == (5 if then() == EVE else 2)
    assert asked == (5 if then() == EVE else 3)
