"""Machines: list, read, change, delete, lock, owner data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import machine_parameters as parameters
from innkeeper.api.maas import machine_shapes, shapes
from innkeeper.api.maas.answers import Spool
from innkeeper.api.maas.compose import LEAST_MEMORY
from innkeeper.api.maas.lookups import FEW, domain_id, lookups, pool_id, shape, zone_id
from innkeeper.api.maas.machine_access import found, mine, unlocked
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Conflict, Forbidden, Invalid
from innkeeper.model.machine import Machine, Origin, deletable
from innkeeper.model.names import check_hostname
from innkeeper.operations import decompose, resize
from innkeeper.store import hosts, machine_stream, machines
from innkeeper.store.database import Write


def shape_one(sql: sa.Connection, system_id: str) -> shapes.Json:
    return shape(sql, machines.find(sql, system_id))


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_listing, call)


def _listing(sql: sa.Connection, call: Call) -> bytes | Spool:
    values = call.values
    seen_by = None if call.user.is_admin else call.user.user_id
    by_host = any(values.texts(name) for name in parameters.BY_HOST)
    known = lookups(sql, None if by_host else [])
    which = parameters.filter_of(values, known, seen_by=seen_by)
    if machine_stream.count(sql, which) > FEW:
        about, spool = lookups(sql, known=known).complete(), Spool()
        for piece in machine_shapes.encoded(machine_stream.stream(sql, which), about):
            spool.write(piece)
        return spool
    found = machines.listing(sql, which)
    return b"".join(machine_shapes.encoded(found, lookups(sql, found, known=known)))


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(lambda sql: shape(sql, found(call, sql)))


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> str:
        one = unlocked(mine(call, write.sql))
        wanted: dict[str, object] = {}
        hostname = values.text("hostname")
        if hostname and check_hostname(hostname) != one.hostname:
            wanted["hostname"] = _free(write, check_hostname(hostname))
        for field, find in (("zone", zone_id), ("pool", pool_id), ("domain", domain_id)):
            if values.text(field):
                wanted[f"{field}_id"] = find(write.sql, values.text(field))
        for field in ("description", "agent_name"):
            if field in values.sent:
                wanted[field] = values.text(field)
        wanted = {name: value for name, value in wanted.items() if value != getattr(one, name)}
        parameters.must_fit(values, one, hosts.find(write.sql, one.host_id).kind if one.host_id else "manual")
        if wanted:
            machines.update(write, one.system_id, **wanted)
            text = f"changed {one.hostname}: {', '.join(name.removesuffix('_id') for name in wanted)}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return _resize(write, call, one)

    if operation := await house.services.database.writing(change):
        await house.end(operation, call.request)
    return await house.services.database.reading(shape_one, call.path["system_id"])


def _resize(write: Write, call: Call, one: Machine) -> str:
    """Order other cores and memory, if that is what is sent; the operation, "" for none."""
    cores, memory = call.values.integer("cpu_count", one.cores), call.values.integer("memory", one.memory)
    if (cores, memory) == (one.cores, one.memory):
        return ""
    if memory != one.memory and memory < LEAST_MEMORY:
        message = f"a machine has {LEAST_MEMORY} MiB at least"
        raise Invalid(f"Invalid memory: {message}.", fields={"memory": [message]})
    text = f"resizes {one.hostname}: {one.cores} cores, {one.memory} MiB → {cores} cores, {memory} MiB"
    audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
    return resize.submit(write, one, cores=cores, memory=memory, actor=call.user.username, request=mark(call.request))


def _free(write: Write, hostname: str) -> str:
    if machines.taken(write.sql, hostname):
        message = f"there is a machine named {hostname!r} already"
        raise Invalid(f"Invalid hostname: {message}.", fields={"hostname": [message]})
    return hostname


async def delete(call: Call) -> object:
    house: House = call.services
    forced = call.values.boolean("force", False)

    def change(write: Write) -> str:
        one = unlocked(mine(call, write.sql))
        if not deletable(one, user_id=call.user.user_id, is_admin=call.user.is_admin):
            brief = f"{one.hostname} was composed by somebody else: you have it until you release it."
            raise Forbidden(brief, resolution="Release it; an administrator deletes it.")
        if one.origin == Origin.HOST:
            raise Conflict(f"{one.hostname} stands for a VM host.", resolution="Remove the VM host instead.")
        audit(write, call.request, call.user, f"deleted {one.hostname}", host_id=one.host_id, system_id=one.system_id)
        return decompose.submit(write, one, forced=forced, actor=call.user.username, request=mark(call.request))

    operation = await house.services.database.writing(change)
    if not forced:
        await house.end(operation, call.request)
    return None


async def lock(call: Call) -> object:
    return await _lock(call, locked=True)


async def unlock(call: Call) -> object:
    return await _lock(call, locked=False)


async def _lock(call: Call, *, locked: bool) -> object:
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = mine(call, write.sql)
        if one.locked != locked:
            machines.update(write, one.system_id, locked=locked)
            text = f"{'locked' if locked else 'unlocked'} {one.hostname}{parameters.why(call.values)}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


async def set_owner_data(call: Call) -> object:
    """Any key=value; an empty value removes the key. Works while commissioning, and survives it."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = mine(call, write.sql)
        data = dict(one.owner_data) | dict(call.values.other)
        data = {key: value for key, value in data.items() if value != ""}
        if data != dict(one.owner_data):
            machines.update(write, one.system_id, owner_data_json=msgspec.json.encode(data).decode())
            names = ", ".join(sorted(call.values.other))  # the names only: a value may be a secret
            text = f"set owner data of {one.hostname}: {names}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


_ALL, _ONE = "machines/", "machines/{system_id}/"


Handler = Callable[[Call], Awaitable[object]]


def _on(
    method: str,
    call: Handler,
    who: Who,
    doc: str,
    *,
    op: str | None = None,
    params: tuple[Param, ...] = (),
    other: bool = False,
) -> Route:
    return Route(
        handler="Machine",
        method=method,
        path=_ONE,
        op=op,
        call=call,
        who=who,
        doc=doc,
        params=params,
        other=other,
        model="Machine",
    )


ROUTES = (
    Route(
        handler="Machines",
        method="GET",
        path=_ALL,
        call=listing,
        who=Who.USER,
        doc="List machines.",
        params=parameters.LIST,
    ),
    _on("GET", read, Who.USER, "Read a machine."),
    _on("PUT", update, Who.OWNER, "Change a machine: only what is sent.", params=parameters.UPDATE),
    _on("DELETE", delete, Who.OWNER, "Destroy a machine and its own volumes.", params=parameters.DELETE),
    _on(
        "POST",
        lock,
        Who.OWNER,
        "Lock a machine: nothing powers, changes or deletes it.",
        op="lock",
        params=parameters.COMMENT,
    ),
    _on("POST", unlock, Who.OWNER, "Unlock a machine.", op="unlock", params=parameters.COMMENT),
    _on("POST", set_owner_data, Who.OWNER, "Set owner data.", op="set_owner_data", other=True),
    _on(
        "POST",
        set_owner_data,
        Who.OWNER,
        "Set owner data, under its newer name.",
        op="set_workload_annotations",
        other=True,
    ),
)
