"""The serial lines of simulated machines: what their guests print, and who has them open."""

from __future__ import annotations

from typing import Any

from tests.api.facts import machine
from tests.kit.house import Inn
from tests.kit.until import until


async def running(house: Inn, **fields: Any) -> str:
    """A machine that runs; its system_id."""
    made = await machine(house, **fields)
    await house.admin.post(made["resource_uri"], op="power_on")
    return str(made["system_id"])


def prints(house: Inn, instance: str, text: str) -> None:
    """The guest prints something."""

    def change(world: Any) -> None:
        key = f"default/{instance}"
        world.printed[key] = world.printed.get(key, "") + text

    house.change("alpha", change)


def connections(house: Inn, instance: str) -> int:
    """How many consoles of an instance its host has open."""
    return house.see("alpha").consoles.get(f"default/{instance}", 0)


async def let_go(house: Inn, instance: str) -> None:
    async def closed() -> bool:
        return connections(house, instance) == 0

    await until(closed)


async def is_open(house: Inn, instance: str) -> None:
    async def opened() -> bool:
        return connections(house, instance) == 1

    await until(opened)
