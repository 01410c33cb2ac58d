"""Changes that a host carries out as operations of its own: sent, waited for, found again."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.lxd import failures, shapes
from innkeeper.hypervisors.lxd.client import Client, path

_STEP = 30.0  # seconds a single wait lasts: a cut is noticed, and no proxy or firewall forgets the connection

# Seconds that an operation may take before its outcome is called unknown.
LONG, SHORT = 600.0, 120.0


async def done(
    client: Client, method: str, address: str, body: object = None, *, what: str, limit: float = SHORT
) -> bool:
    """Send a change and wait for it. False: the host forgot the operation before it told its outcome (look then).

    HostRefused with the host's words when it failed, HostUnreachable when it still runs after `limit` seconds.
    """
    operation = await client.change(method, address, body)
    return not operation or await finished(client, operation, what=what, limit=limit)


async def gone(client: Client, address: str, *, what: str) -> None:
    """Delete what is at an address, and see to it that it is gone. Gone already is success."""
    try:
        if await done(client, "DELETE", address, what=what, limit=LONG):
            return
        failure = failures.vanished(client.address, what)
    except HostRefused as refused:
        failure = refused
    if failure.code != 404 and await client.find(address, dict[str, object]) is not None:
        raise failure from None


async def finished(client: Client, operation: str, *, what: str, limit: float) -> bool:
    """Wait for a host operation by its id; outcomes as of `done`.

    The address is built from the id: the one in an answer may carry a query, and /wait behind that is ignored.
    """
    deadline = time.monotonic() + limit
    while (left := deadline - time.monotonic()) > 0:
        step = math.ceil(min(left, _STEP))
        try:
            told = await client.get(path("operations", operation, "wait", timeout=step), shapes.Operation, wait=step)
        except HostRefused as refused:
            # LXD: 404 when it is gone. Incus: also the failure itself, and the end of the time, as an error.
            again = await client.find(path("operations", operation), shapes.Operation)
            if again is None:
                if refused.code == 404:
                    return False
                raise
            told = again
        if told.status_code == shapes.SUCCESS:
            return True
        if told.status_code in shapes.FAILURES:
            raise failures.refused(told.err, told.status_code, what=what)
        await asyncio.sleep(0.02)  # a server that answers a wait at once must not make us spin
    raise failures.busy(client.address, what, limit)


async def settle(client: Client, *, project: str, name: str) -> bool:
    """Wait for all that the host still does with an instance of that name. One request when that is nothing.

    True when something of it succeeded; the host remembers what ended for some seconds.
    """
    listed = await client.get(
        path("operations", recursion=1, project=project), dict[str, list[shapes.Operation] | None]
    )
    succeeded = False
    for operation in (operation for operations in listed.values() for operation in operations or []):
        if not names(operation, name):
            continue
        if operation.status_code < shapes.SUCCESS:
            with suppress(HostRefused):  # it failed, so it has ended
                succeeded |= await finished(client, operation.id, what=f"what it does with {name}", limit=LONG)
        succeeded |= operation.status_code == shapes.SUCCESS
    return succeeded


def names(operation: shapes.Operation, name: str) -> bool:
    """Whether an operation works on the instance of that name: its address may carry a query or go on.

    An open console or shell is an operation too, and works on nothing: it ends when somebody closes it.
    """
    if operation.kind == "websocket":
        return False
    urls = [url for kind in ("instances", "containers") for url in (operation.resources or {}).get(kind) or []]
    return any(url.partition("?")[0].split("/")[3:4] == [name] for url in urls)
