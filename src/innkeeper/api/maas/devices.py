"""Devices: names with NICs that are no machine of ours. Juju makes one for every container in a machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import device_shapes, shapes
from innkeeper.api.maas import machine_parameters as parameters
from innkeeper.api.maas.lookups import domain_id, lookups, zone_id
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.refused import refuse
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Invalid, NotFound
from innkeeper.model.machine import Machine, Origin
from innkeeper.model.names import check_hostname, check_mac
from innkeeper.store import devices, machines
from innkeeper.store.database import Write
from innkeeper.store.machines import Filter


def _seen_by(call: Call) -> int | None:
    return None if call.user.is_admin else call.user.user_id


def _found(call: Call, sql: sa.Connection) -> Machine:
    """The device of the path, if the caller may see it."""
    which = Filter(system_ids=(call.path["system_id"],), devices=True, seen_by=_seen_by(call))
    found = machines.listing(sql, which)
    if not found:
        raise no_match("Device")
    return found[0]


def _mine(call: Call, sql: sa.Connection) -> Machine:
    """The device of the path, if the caller may change it."""
    one = _found(call, sql)
    call.permit(owner_id=one.owner_id)
    return one


def _shape(sql: sa.Connection, one: Machine) -> shapes.Json:
    found = machines.find(sql, one.system_id)
    return device_shapes.device(found, lookups(sql, [found]))


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_listing, call)


def _listing(sql: sa.Connection, call: Call) -> bytes:
    about = lookups(sql)
    which = replace(parameters.filter_of(call.values, about, seen_by=_seen_by(call)), devices=True)
    return msgspec.json.encode([device_shapes.device(one, about) for one in machines.listing(sql, which)])


async def is_registered(call: Call) -> object:
    """Whether a NIC with that MAC is known, of whatever it is."""
    house: House = call.services
    which = Filter(macs=(check_mac(call.values.text("mac_address")),), devices=None)
    return bool(await house.services.database.reading(machines.listing, which))


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(lambda sql: _shape(sql, _found(call, sql)))


async def create(call: Call) -> object:
    house: House = call.services
    values = call.values
    macs = tuple(check_mac(text, field="mac_addresses") for text in values.texts("mac_addresses"))

    def change(write: Write) -> shapes.Json:
        one = devices.create(
            write,
            macs=macs,
            hostname=_hostname(write.sql, values.text("hostname")),
            description=values.text("description"),
            domain_id=domain_id(write.sql, values.text("domain")) if values.text("domain") else None,
            zone_id=zone_id(write.sql, values.text("zone")) if values.text("zone") else None,
            parent=_parent(call, write.sql),
            owner_id=call.user.user_id,
        )
        audit(write, call.request, call.user, f"made the device {one.hostname}", system_id=one.system_id)
        return _shape(write.sql, one)

    return await house.services.database.writing(change)


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> shapes.Json:
        one = _mine(call, write.sql)
        wanted: dict[str, object] = {}
        if values.text("hostname") and values.text("hostname").lower() != one.hostname:
            wanted["hostname"] = _hostname(write.sql, values.text("hostname"))
        for field, find in (("domain", domain_id), ("zone", zone_id)):
            if values.text(field):
                wanted[f"{field}_id"] = find(write.sql, values.text(field))
        if "description" in values.sent:
            wanted["description"] = values.text("description")
        if "parent" in values.sent:
            wanted["parent"] = _parent(call, write.sql)
        wanted = {name: value for name, value in wanted.items() if value != getattr(one, name)}
        if wanted:
            machines.update(write, one.system_id, **wanted)
            text = f"changed the device {one.hostname}: {', '.join(name.removesuffix('_id') for name in wanted)}"
            audit(write, call.request, call.user, text, system_id=one.system_id)
        return _shape(write.sql, one)

    return await house.services.database.writing(change)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _mine(call, write.sql)
        machines.delete(write, one.system_id)
        audit(write, call.request, call.user, f"deleted the device {one.hostname}", system_id=one.system_id)

    await house.services.database.writing(change)
    return None


async def set_owner_data(call: Call) -> object:
    """Any key=value; an empty value removes the key."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = _mine(call, write.sql)
        data = {key: value for key, value in (dict(one.owner_data) | dict(call.values.other)).items() if value}
        if data != dict(one.owner_data):
            machines.update(write, one.system_id, owner_data_json=msgspec.json.encode(data).decode())
            text = f"set owner data of {one.hostname}: {', '.join(sorted(call.values.other))}"
            audit(write, call.request, call.user, text, system_id=one.system_id)
        return _shape(write.sql, one)

    return await house.services.database.writing(change)


def _hostname(sql: sa.Connection, text: str) -> str:
    """A free host name, or "" for none; Invalid."""
    name = check_hostname(text) if text else ""
    if name and machines.taken(sql, name):
        message = f"there is a machine or device named {name!r} already"
        raise Invalid(f"Invalid hostname: {message}.", fields={"hostname": [message]})
    return name


def _parent(call: Call, sql: sa.Connection) -> str:
    """The machine that the device is in, or "" for none; Invalid when the caller sees no such machine."""
    system_id = call.values.text("parent")
    if not system_id:
        return ""
    try:
        one = machines.find(sql, system_id)
        seen = call.user.is_admin or one.owner_id in (None, call.user.user_id)
    except NotFound:
        seen = False
    if not seen or one.origin == Origin.DEVICE:
        message = f"there is no machine {system_id!r}"
        raise Invalid(f"Invalid parent: {message}.", fields={"parent": [message]})
    return system_id


_DESCRIPTION = Param("description", "text", "What it is.")
_DOMAIN = Param("domain", "text", "The domain, by name or id.")
_ZONE = Param("zone", "text", "The zone, by name or id.")
_PARENT = Param("parent", "text", "The machine that it is in: it goes when that goes.")
_MAC = Param("mac_address", "text", "A MAC address.", required=True)


def _one(
    method: str,
    call: Callable[[Call], Awaitable[object]],
    who: Who,
    doc: str,
    *params: Param,
    op: str | None = None,
    other: bool = False,
) -> Route:
    return Route(
        handler="Device",
        method=method,
        path="devices/{system_id}/",
        op=op,
        call=call,
        who=who,
        doc=doc,
        params=params,
        other=other,
        model="Device",
    )


ROUTES = (
    Route(
        handler="Devices",
        method="GET",
        path="devices/",
        call=listing,
        who=Who.USER,
        doc="List devices.",
        params=parameters.LIST,
    ),
    Route(
        handler="Devices",
        method="GET",
        path="devices/",
        op="is_registered",
        call=is_registered,
        who=Who.USER,
        doc="Tell whether a MAC address is known.",
        params=(_MAC,),
    ),
    Route(
        handler="Devices",
        method="POST",
        path="devices/",
        call=create,
        who=Who.USER,
        doc="Make a device.",
        params=(
            Param("mac_addresses", "text", "A NIC for each.", required=True, repeated=True),
            Param("hostname", "text", "Its name. Default: two random words."),
            _DESCRIPTION,
            _DOMAIN,
            _ZONE,
            _PARENT,
        ),
    ),
    _one("GET", read, Who.USER, "Read a device."),
    _one(
        "PUT",
        update,
        Who.OWNER,
        "Change a device: only what is sent.",
        Param("hostname", "text", "A new name."),
        _DESCRIPTION,
        _DOMAIN,
        _ZONE,
        _PARENT,
    ),
    _one("DELETE", delete, Who.OWNER, "Delete a device."),
    *(
        Route(
            handler="Device",
            method="POST",
            path="devices/{system_id}/",
            op=f"restore_{what}_configuration",
            call=refuse,
            who=Who.USER,
            doc="There is no other configuration.",
            refused="Its NICs are changed one by one: link_subnet, disconnect.",
            model="Device",
        )
        for what in ("networking", "default")
    ),
    _one("POST", set_owner_data, Who.OWNER, "Set owner data.", op="set_owner_data", other=True),
    _one(
        "POST",
        set_owner_data,
        Who.OWNER,
        "Set owner data, under its newer name.",
        op="set_workload_annotations",
        other=True,
    ),
)
