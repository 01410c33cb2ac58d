"""What several tests of the API look at: audit events, a host's calls, a record's revision."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from innkeeper.model.machine import InstanceFacts, PowerState
from innkeeper.store import hosts, machines
from innkeeper.store.account_tables import api_key
from innkeeper.store.database import Write
from tests.kit.client import Client
from tests.kit.house import Inn
from tests.kit.until import until

POWER_CALLS = ("start", "stop", "shutdown")
_WATCHING = ("events", "instances", "describe", "leases", "images")  # what a watcher asks in its own time


def asked(house: Inn, name: str) -> dict[str, int]:
    """The calls that a simulated host got from others than its watcher."""
    return {call: number for call, number in house.see(name).calls.items() if call not in _WATCHING}


def revision(house: Inn, host_id: int) -> int:
    """How often the way to a host was changed."""
    return house.house.services.database.ask(hosts.find, host_id).revision


async def live(house: Inn, id: int) -> None:
    """Wait until a host's event stream is open: from then on nothing of it changes by itself."""

    async def is_live() -> bool:
        return bool((await house.admin.get(f"vm-hosts/{id}/"))["live_events"])

    await until(is_live)


def give(house: Inn, system_id: str, owner: Client) -> None:
    """Make somebody the owner of a machine: what allocating will do."""

    def change(write: Write) -> None:
        row = house.house.services.database.ask(_user_id, owner)
        machines.update(write, system_id, owner_id=row)

    house.house.services.database.transact(change)


def _user_id(sql: Any, owner: Client) -> int:
    assert owner.key
    token = owner.key.split(":")[1]
    return int(sql.scalar(sa.select(api_key.c.user_id).where(api_key.c.token == token)))


async def events(client: Client, *, after: int = 0, **which: Any) -> list[dict[str, Any]]:
    """All events after a cursor, oldest first."""
    found: list[dict[str, Any]] = []
    while page := await client.get("/api/v1/events", after=after, limit=1000, **which):
        found += page
        after = page[-1]["id"]
    return found


async def cursor(client: Client) -> int:
    """The id of the last event there is."""
    found = await events(client)
    return int(found[-1]["id"]) if found else 0


async def audits(client: Client, *, after: int = 0) -> list[str]:
    """The texts of the audit events after a cursor."""
    return [one["text"] for one in await events(client, after=after, kind="audit")]


def vm(name: str, *, project: str = "default", power: PowerState = PowerState.ON, **facts: Any) -> InstanceFacts:
    """An instance that somebody else made."""
    return InstanceFacts(name=name, project=project, power=power, **facts)


def place(house: Inn, host: str, *many: InstanceFacts) -> None:
    """Put instances on a simulated host, behind our back."""

    def change(world: Any) -> None:
        for one in many:
            world.instances[f"{one.project}/{one.name}"] = one
            world.tell("instance-created", one.project, one.name)

    house.change(host, change)


async def composed(house: Inn, id: int, **fields: Any) -> dict[str, Any]:
    """The machine that a compose makes."""
    system_id = await house.admin.compose(id, **fields)
    found: dict[str, Any] = await house.admin.get(f"machines/{system_id}/")
    return found


async def machine(house: Inn, **fields: Any) -> dict[str, Any]:
    """A machine composed on the first VM host, which is added when there is none."""
    hosts = await house.admin.get("vm-hosts/")
    return await composed(house, hosts[0]["id"] if hosts else await house.add_host(), **fields)


async def refusal(house: Inn, method: str, path: str, **fields: Any) -> tuple[int, Any]:
    """Status and body of a call that must fail."""
    answer = await house.admin.call(method, path, **fields)
    assert not answer.is_success, answer.text
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json() if is_json else answer.text
