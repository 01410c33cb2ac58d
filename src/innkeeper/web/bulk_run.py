"""How a batch is done: the API's call for each machine, a few at once, and what came of it is written down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.types import Message

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.errors import InnkeeperError, StillRunning
from innkeeper.model.machine import Machine
from innkeeper.store import batches
from innkeeper.store.batches import Item
from innkeeper.web.bulk_actions import Bulk
from innkeeper.web.calls import Trouble, perform

log = structlog.get_logger(__name__)
ON_A_HOST, AT_ONCE = 4, 16  # calls at a time


@dataclass(frozen=True, kw_only=True)
class Order:
    """A batch that is to be done: what, with which machines, for whom, and the request that it came with."""

    id: str
    bulk: Bulk
    title: str
    filled: Mapping[str, str]
    machines: Sequence[Machine]
    who: Actor
    request: Request

    @property
    def items(self) -> list[Item]:
        return [
            Item(position=position, system_id=one.system_id, hostname=one.hostname, host_id=one.host_id)
            for position, one in enumerate(self.machines)
        ]


async def submit(house: House, order: Order) -> None:
    """Write a batch down and have it done. The same one, sent again, is nothing new."""
    fresh = await house.services.database.writing(
        batches.create,
        id=order.id,
        action=order.bulk.name,
        title=order.title,
        user_id=order.who.user_id,
        owner=house.engine.me,
        items=order.items,
    )
    if fresh:
        house.send(_all(house, order))


async def _all(house: House, order: Order) -> None:
    everywhere = asyncio.Semaphore(AT_ONCE)
    on_host: dict[int | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(ON_A_HOST))

    async def one(item: Item, machine: Machine) -> None:
        async with on_host[item.host_id], everywhere:
            await _one(house, order, item, machine)

    async with asyncio.TaskGroup() as tasks:
        for item, machine in zip(order.items, order.machines, strict=True):
            tasks.create_task(one(item, machine))


async def _one(house: House, order: Order, item: Item, machine: Machine) -> None:
    database = house.services.database
    await database.patiently(batches.begin, order.id, item, owner=house.engine.me)
    error, operation = "", ""
    try:
        call = order.bulk.call(machine, order.filled)
        request = _standing(order.request)
        await perform(request, order.who, call.method, call.path, op=call.op, sent=call.sent)
    except StillRunning as running:
        operation = running.operation
        error = "" if operation else str(running)
    except InnkeeperError as refused:
        error = Trouble.of(refused, names={item.system_id: machine.hostname}).words
    except Exception:
        log.exception("a machine of a batch failed", batch=order.id, machine=item.system_id)
        error = "Internal error: the server's log tells more."
    await database.patiently(
        batches.end,
        order.id,
        item,
        error=error,
        operation=operation,
        title=order.title,
        actor=order.who.username,
    )


def _standing(request: Request) -> Request:
    """A request for a call that nobody waits for: the one that ordered it was answered long ago."""
    scope = {name: request.scope[name] for name in ("type", "app", "client", "path", "scheme") if name in request.scope}
    return Request(scope | {"method": "POST", "query_string": b"", "headers": []}, _silent)


async def _silent() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("nothing ever comes")
