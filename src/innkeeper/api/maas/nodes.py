"""Calls on many machines (and devices) at once, and both in one list: MAAS calls them nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import device_shapes
from innkeeper.api.maas import machine_parameters as parameters
from innkeeper.api.maas.devices import is_registered
from innkeeper.api.maas.lookups import lookups, zone_id
from innkeeper.api.maas.machine_power import powered_by
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.refused import refuse
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Invalid
from innkeeper.store import machines
from innkeeper.store.database import Write
from innkeeper.store.machines import Filter


def _seen_by(call: Call) -> int | None:
    return None if call.user.is_admin else call.user.user_id


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_listing, call, devices=None)


async def list_allocated(call: Call) -> object:
    """The caller's own machines."""
    house: House = call.services
    return await house.services.database.reading(_listing, call, devices=False, own=True)


def _listing(sql: sa.Connection, call: Call, *, devices: bool | None, own: bool = False) -> bytes:
    about = lookups(sql)
    which = replace(parameters.filter_of(call.values, about, seen_by=_seen_by(call)), devices=devices)
    found = machines.listing(sql, which)
    mine = [one for one in found if not own or one.owner_id == call.user.user_id]
    return msgspec.json.encode([device_shapes.node(one, about) for one in mine])


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_read, call)


def _read(sql: sa.Connection, call: Call) -> object:
    which = Filter(system_ids=(call.path["system_id"],), seen_by=_seen_by(call), devices=None)
    for one in machines.listing(sql, which):
        return device_shapes.node(one, lookups(sql, [one]))
    raise no_match("Node")


def _set_zone(devices: bool | None) -> Callable[[Call], Awaitable[object]]:
    async def set_zone(call: Call) -> object:
        house: House = call.services
        await house.services.database.writing(_move, call, devices=devices)
        return None

    return set_zone


def _move(write: Write, call: Call, *, devices: bool | None) -> None:
    """Put all of them in the zone, or none: Invalid naming those that are not there."""
    zone, ids = zone_id(write.sql, call.values.text("zone")), set(call.values.texts("nodes"))
    found = machines.listing(write.sql, Filter(system_ids=tuple(ids), devices=devices))
    if unknown := sorted(ids - {one.system_id for one in found}):
        message = f"there is no {', '.join(unknown)}"
        raise Invalid(f"Invalid nodes: {message}.", fields={"nodes": [message]})
    for one in found:
        if one.zone_id != zone:
            machines.update(write, one.system_id, zone_id=zone)
            text = f"changed {one.hostname}: zone"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)


async def power_parameters(call: Call) -> object:
    """{system_id: parameters} of the machines that were asked for, or of all."""
    house: House = call.services

    def change(write: Write) -> dict[str, dict[str, str]]:
        found = machines.listing(write.sql, Filter(system_ids=call.values.texts("id")))
        for one in found:
            text = f"read the power parameters of {one.hostname}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return {one.system_id: powered_by(write.sql, one) for one in found}

    return await house.services.database.writing(change)


def _many(
    handler: str,
    method: str,
    op: str | None,
    call: Callable[[Call], Awaitable[object]],
    doc: str,
    *params: Param,
    who: Who = Who.USER,
    refused: str = "",
) -> Route:
    path = f"{handler.lower()}/"
    return Route(
        handler=handler, method=method, path=path, op=op, call=call, who=who, doc=doc, params=params, refused=refused
    )


_MAC = Param("mac_address", "text", "A MAC address.", required=True)
_MOVED = (
    Param("nodes", "text", "System ids.", required=True, repeated=True),
    Param("zone", "text", "The zone, by name or id.", required=True),
)
_COMPOSE = "A machine is composed on a VM host (vm-host compose), or by allocating one."
_COMES = "A VM becomes a machine when it is composed, or when its VM host is added."
ROUTES = (
    _many("Nodes", "GET", None, listing, "List machines and devices.", *parameters.LIST),
    _many("Nodes", "GET", "is_registered", is_registered, "Tell whether a MAC address is known.", _MAC),
    _many("Nodes", "POST", "set_zone", _set_zone(None), "Put machines in a zone.", *_MOVED, who=Who.ADMIN),
    Route(
        handler="Node",
        method="GET",
        path="nodes/{system_id}/",
        call=read,
        who=Who.USER,
        doc="Read a machine or a device.",
        model="Node",
    ),
    Route(
        handler="Node",
        method="DELETE",
        path="nodes/{system_id}/",
        call=refuse,
        who=Who.USER,
        doc="Nothing is deleted under this name.",
        refused="Delete it as what it is: machines/{system_id}/ or devices/{system_id}/.",
        model="Node",
    ),
    *(
        Route(
            handler="Node",
            method="GET",
            path="nodes/{system_id}/",
            op=op,
            call=refuse,
            who=Who.USER,
            doc=doc,
            refused=why,
            model="Node",
        )
        for op, doc, why in (
            (
                "power_parameters",
                "Power is a machine's.",
                "Ask the machine: machines/{system_id}/?op=power_parameters.",
            ),
            (
                "details",
                "No hardware is listed from inside.",
                "What the host says is in the machine's JSON: machines/{system_id}/.",
            ),
        )
    ),
    _many("Machines", "GET", "list_allocated", list_allocated, "List your own machines.", *parameters.LIST),
    _many("Machines", "GET", "is_registered", is_registered, "Tell whether a MAC address is known.", _MAC),
    _many(
        "Machines",
        "GET",
        "power_parameters",
        power_parameters,
        "Read how the power of machines is switched.",
        Param("id", "text", "Only of these, by system id.", repeated=True),
        who=Who.ADMIN,
    ),
    _many("Machines", "POST", "set_zone", _set_zone(False), "Put machines in a zone.", *_MOVED, who=Who.ADMIN),
    _many("Devices", "POST", "set_zone", _set_zone(True), "Put devices in a zone.", *_MOVED, who=Who.ADMIN),
    _many("Machines", "POST", "accept", refuse, "Nothing waits to be accepted.", refused=_COMES),
    _many("Machines", "POST", "accept_all", refuse, "Nothing waits to be accepted.", refused=_COMES),
    _many("Machines", "POST", "add_chassis", refuse, "No chassis is added.", refused=f"Add the VM host. {_COMES}"),
    _many("Machines", "POST", "clone", refuse, "No machine is cloned.", refused=_COMPOSE),
)
