"""Spaces. The pseudo space "undefined" (-1) is there whenever a VLAN is in none; nobody can change it."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Conflict
from innkeeper.model.network import UNDEFINED, Space
from innkeeper.store import networks, spaces
from innkeeper.store.database import Write

_NAME = Param("name", "text", "The space's name. Default: space-ID.", longest=256)
_DESCRIPTION = Param("description", "text", "What it is for.")


async def listing(call: Call) -> object:
    there = await lookups.read_wiring(call)
    pseudo = there.undefined()
    return ([pseudo] if pseudo else []) + [there.space(one) for one in there.known.spaces]


async def create(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, Space]:
        name = lookups.name_sent(values.text("name"), "space") if values.text("name") else ""
        one = spaces.create(write, name=name, description=values.text("description"))
        audit(write, call.request, call.user, f"made the space {one.name}")
        return lookups.wiring(write.sql), one

    there, one = await house.services.database.writing(change)
    return there.space(one)


async def read(call: Call) -> object:
    there = await lookups.read_wiring(call)
    one = lookups.space(there.known, call.path["id"])
    found = there.undefined() if one is None else there.space(one)
    if found is None:
        raise no_match("Space")
    return found


def _real(write: Write, call: Call) -> Space:
    one = lookups.space(networks.known(write.sql), call.path["id"])
    if one is None:
        raise Conflict(
            f"The space {UNDEFINED!r} is where VLANs without a space are: it stays as it is.",
            resolution="Make a space, and put VLANs into it.",
        )
    return one


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, Space]:
        one = _real(write, call)
        name = lookups.name_sent(values.text("name"), "space", id=one.id) if values.text("name") else None
        description = values.text("description") if "description" in values.sent else None
        changed = spaces.update(write, id=one.id, name=name, description=description)
        if changed != one:
            audit(write, call.request, call.user, f"changed the space {one.name}")
        return lookups.wiring(write.sql), changed

    there, one = await house.services.database.writing(change)
    return there.space(one)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _real(write, call)
        spaces.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the space {one.name}")

    await house.services.database.writing(change)
    return None


_ALL, _ONE = "spaces/", "spaces/{id:text}/"
ROUTES = (
    Route(handler="Spaces", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the spaces."),
    Route(
        handler="Spaces",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a space.",
        params=(_NAME, _DESCRIPTION),
    ),
    Route(handler="Space", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read a space.", model="Space"),
    Route(
        handler="Space",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.ADMIN,
        doc="Change a space.",
        params=(_NAME, _DESCRIPTION),
        model="Space",
    ),
    Route(
        handler="Space",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.ADMIN,
        doc="Delete a space that no VLAN is in.",
        model="Space",
    ),
)
