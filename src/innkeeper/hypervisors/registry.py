"""The kinds of hypervisors there are, and how to reach one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from innkeeper.errors import Invalid
from innkeeper.hypervisors import simulated
from innkeeper.hypervisors.base import Guard, Hypervisor, Target, unguarded
from innkeeper.hypervisors.lxd import driver as lxd_driver

Connect = Callable[[Target, Guard], Awaitable[Hypervisor]]

KINDS: dict[str, Connect] = {
    "lxd": lxd_driver.connect,  # Incus speaks the same API
    "simulated": simulated.connect,
}


async def connect(kind: str, target: Target, guard: Guard = unguarded) -> Hypervisor:
    """A driver for a host of that kind; nothing is sent yet. Invalid(type) for a kind that is not known."""
    if kind not in KINDS:
        message = f"{kind!r} is not a kind of VM host: {', '.join(sorted(KINDS))}"
        raise Invalid(f"{message}.", fields={"type": [message]})
    return await KINDS[kind](target, guard)
