"""Tags: words on machines and devices that people put there themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import msgspec
import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import device_shapes, shapes
from innkeeper.api.maas.lookups import lookups
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Invalid, NotFound
from innkeeper.store import machines, tags
from innkeeper.store.database import Write
from innkeeper.store.machines import Filter
from innkeeper.store.tags import Tag

_NO_DEFINITION = "Nothing here is evaluated: put the tag on machines with update-nodes."
_NO_OPTIONS = "A VM boots its own kernel, with the options of its image: give them in its user data."
_COMMENT = Param("comment", "text", "What it means.")
_DEFINITION = Param("definition", "text", _NO_DEFINITION, must_equal=())
_KERNEL_OPTS = Param("kernel_opts", "text", _NO_OPTIONS, must_equal=())


def _shape(one: Tag) -> shapes.Json:
    uri = f"{shapes.API}/tags/{quote(one.name)}/"
    return {"name": one.name, "definition": "", "comment": one.comment, "kernel_opts": "", "resource_uri": uri}


def _find(sql: sa.Connection, name: str) -> Tag:
    try:
        return tags.find(sql, name)
    except NotFound:
        raise no_match("Tag") from None


async def listing(call: Call) -> object:
    house: House = call.services
    return [_shape(one) for one in await house.services.database.reading(tags.listing)]


async def create(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> Tag:
        one = tags.create(write, name=call.values.text("name"), comment=call.values.text("comment"))
        audit(write, call.request, call.user, f"made the tag {one.name}")
        return one

    return _shape(await house.services.database.writing(change))


async def read(call: Call) -> object:
    house: House = call.services
    return _shape(await house.services.database.reading(_find, call.path["name"]))


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> Tag:
        one = _find(write.sql, call.path["name"])
        comment = values.text("comment") if "comment" in values.sent else None
        changed = tags.update(write, one, name=values.text("name") or None, comment=comment)
        if changed != one:
            named = "" if changed.name == one.name else f": its name is {changed.name}"
            audit(write, call.request, call.user, f"changed the tag {one.name}{named}")
        return changed

    return _shape(await house.services.database.writing(change))


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _find(write.sql, call.path["name"])
        tags.delete(write, one)
        audit(write, call.request, call.user, f"deleted the tag {one.name}")

    await house.services.database.writing(change)
    return None


async def update_nodes(call: Call) -> object:
    """Taking it off a machine that is gone is done already; putting it on one is a mistake."""
    house: House = call.services
    on, off = set(call.values.texts("add")), set(call.values.texts("remove"))

    def change(write: Write) -> shapes.Json:
        one = _find(write.sql, call.path["name"])
        named = Filter(system_ids=(*on, *off), devices=None)
        there = {each.system_id: each.hostname for each in machines.listing(write.sql, named)} if on or off else {}
        if unknown := sorted(on - there.keys()):
            message = f"there is no machine or device {', '.join(unknown)}"
            raise Invalid(f"Invalid add: {message}.", fields={"add": [message]})
        added, removed = tags.put(write, one.name, on=on, off=off)
        for system_ids, what in ((added, f"put the tag {one.name} on"), (removed, f"took the tag {one.name} off")):
            for system_id in system_ids:
                audit(write, call.request, call.user, f"{what} {there.get(system_id, system_id)}", system_id=system_id)
        return {"added": len(added), "removed": len(removed)}

    return await house.services.database.writing(change)


async def rebuild(call: Call) -> object:
    raise Invalid("There is nothing to rebuild.", details=_NO_DEFINITION)


def _carriers(devices: bool | None) -> Callable[[Call], Awaitable[object]]:
    async def carriers(call: Call) -> object:
        house: House = call.services
        return await house.services.database.reading(_with, call, devices=devices)

    return carriers


def _with(sql: sa.Connection, call: Call, *, devices: bool | None) -> bytes:
    one, about = _find(sql, call.path["name"]), lookups(sql)
    seen_by = None if call.user.is_admin else call.user.user_id
    found = machines.listing(sql, Filter(tags=(one.name,), seen_by=seen_by, devices=devices))
    return msgspec.json.encode([device_shapes.node(each, about) for each in found])


async def controllers(call: Call) -> object:
    house: House = call.services
    await house.services.database.reading(_find, call.path["name"])
    return []


def _one(
    method: str,
    call: Callable[[Call], Awaitable[object]],
    doc: str,
    *params: Param,
    who: Who = Who.USER,
    op: str | None = None,
) -> Route:
    path = "tags/{name}/"
    return Route(
        handler="Tag", method=method, path=path, op=op, call=call, who=who, doc=doc, params=params, model="Tag"
    )


_NODES = (
    Param("add", "text", "System ids to put it on.", repeated=True),
    Param("remove", "text", "System ids to take it off.", repeated=True),
    _DEFINITION,
    Param("rack_controller", "text", "There are no rack controllers.", must_equal=()),
)
ROUTES = (
    Route(handler="Tags", method="GET", path="tags/", call=listing, who=Who.USER, doc="List the tags."),
    Route(
        handler="Tags",
        method="POST",
        path="tags/",
        call=create,
        who=Who.ADMIN,
        doc="Make a tag.",
        params=(Param("name", "text", "Its name.", required=True), _COMMENT, _DEFINITION, _KERNEL_OPTS),
    ),
    _one("GET", read, "Read a tag."),
    _one(
        "PUT",
        update,
        "Change a tag.",
        Param("name", "text", "Its new name, also on the machines that have it."),
        _COMMENT,
        _DEFINITION,
        _KERNEL_OPTS,
        who=Who.ADMIN,
    ),
    _one("DELETE", delete, "Delete a tag, and take it off all machines.", who=Who.ADMIN),
    _one(
        "POST",
        update_nodes,
        "Put a tag on machines and devices, or take it off.",
        *_NODES,
        who=Who.ADMIN,
        op="update_nodes",
    ),
    _one("POST", rebuild, "Refused: tags have no definitions here.", who=Who.ADMIN, op="rebuild"),
    _one("GET", _carriers(None), "List the machines and devices that have a tag.", op="nodes"),
    _one("GET", _carriers(False), "List the machines that have a tag.", op="machines"),
    _one("GET", _carriers(True), "List the devices that have a tag.", op="devices"),
    _one("GET", controllers, "Empty: there are no rack controllers.", op="rack_controllers"),
    _one("GET", controllers, "Empty: there are no region controllers.", op="region_controllers"),
)
