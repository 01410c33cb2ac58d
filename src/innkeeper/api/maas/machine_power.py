"""The power of machines: on, off, asked of the host, and how it is switched."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import machine_parameters as parameters
from innkeeper.api.maas.machine_access import found, mine, unlocked
from innkeeper.api.maas.machines import Handler, shape_one
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Conflict
from innkeeper.model.lifecycle import POWERLESS, Status
from innkeeper.model.machine import Machine, PowerState
from innkeeper.operations import power
from innkeeper.operations.saga import Saga
from innkeeper.store import hosts, machines
from innkeeper.store.database import Write, now


async def power_on(call: Call) -> object:
    return await _power(call, power.POWER_ON)


async def power_off(call: Call) -> object:
    return await _power(call, power.POWER_OFF, force=call.values.text("stop_mode") == "hard")


async def _power(call: Call, saga: Saga, *, force: bool = False) -> object:
    house: House = call.services

    def change(write: Write) -> str:
        one = unlocked(mine(call, write.sql))
        _has_power(one)
        text = f"{saga.kind} {one.hostname}{parameters.why(call.values)}"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return power.submit(write, saga, one, force=force, actor=call.user.username, request=mark(call.request))

    await house.outcome(await house.services.database.writing(change), call.request)
    return await house.services.database.reading(shape_one, call.path["system_id"])


def _has_power(one: Machine) -> None:
    if one.host_id is None:
        raise Conflict(f"{one.hostname} stands for a VM host; its power is not ours to switch.")
    if one.status in POWERLESS:
        raise Conflict(f"{one.hostname} is {Status(one.status).label}; its power cannot be switched now.")


async def query_power_state(call: Call) -> object:
    """Ask the host itself, and keep what it says."""
    house: House = call.services
    database = house.services.database
    one = await database.reading(lambda sql: found(call, sql))
    if one.host_id is None:
        return {"state": str(one.power_state)}
    asked_at = await database.reading(now)
    host = await house.services.connections.to(one.host_id)
    facts = await host.instance(name=one.instance)
    state = facts.power if facts else PowerState.UNKNOWN
    if state != one.power_state:
        await database.writing(power.seen, one.system_id, state=state, asked_at=asked_at)
    return {"state": str(state)}


async def power_parameters(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> dict[str, str]:
        one = machines.find(write.sql, call.path["system_id"])
        text = f"read the power parameters of {one.hostname}"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return powered_by(write.sql, one)

    return await house.services.database.writing(change)


def powered_by(sql: sa.Connection, one: Machine) -> dict[str, str]:
    """How the power of a machine is switched; {} for the record of a VM host."""
    if one.host_id is None:
        return {}
    address = hosts.find(sql, one.host_id).address
    return {"power_address": address, "project": one.project, "instance_name": one.instance}


def _on(method: str, op: str, call: Handler, who: Who, doc: str, params: tuple[Param, ...] = ()) -> Route:
    return Route(
        handler="Machine",
        method=method,
        path="machines/{system_id}/",
        op=op,
        call=call,
        who=who,
        doc=doc,
        params=params,
        model="Machine",
    )


ROUTES = (
    _on("POST", "power_on", power_on, Who.OWNER, "Power a machine on.", parameters.POWER_ON),
    _on("POST", "power_off", power_off, Who.OWNER, "Power a machine off.", parameters.POWER_OFF),
    _on("GET", "query_power_state", query_power_state, Who.USER, "Ask the host for the power state."),
    _on("GET", "power_parameters", power_parameters, Who.ADMIN, "Read how the power is switched."),
)
