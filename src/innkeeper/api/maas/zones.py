"""Zones."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import NotFound
from innkeeper.model.names import check_label
from innkeeper.store import zones
from innkeeper.store.database import Write
from innkeeper.store.zones import Zone

_NAME = Param("name", "text", "The zone's name.", required=True)
_NEW_NAME = Param("name", "text", "The zone's new name.")
_DESCRIPTION = Param("description", "text", "What it is for.")


def _find(sql: sa.Connection, name: str) -> Zone:
    try:
        return zones.find(sql, name=name)
    except NotFound:
        raise no_match("Zone") from None


async def listing(call: Call) -> object:
    house: House = call.services
    return [shapes.zone(one) for one in await house.services.database.reading(zones.listing)]


async def create(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> Zone:
        name = check_label(call.values.text("name"))
        one = zones.create(write, name=name, description=call.values.text("description"))
        audit(write, call.request, call.user, f"made the zone {one.name}")
        return one

    return shapes.zone(await house.services.database.writing(change))


async def read(call: Call) -> object:
    house: House = call.services
    return shapes.zone(await house.services.database.reading(_find, call.path["name"]))


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> Zone:
        one = _find(write.sql, call.path["name"])
        name = check_label(values.text("name")) if values.text("name") else None
        description = values.text("description") if "description" in values.sent else None
        changed = zones.update(write, id=one.id, name=name, description=description)
        if changed != one:
            audit(write, call.request, call.user, f"changed the zone {one.name}")
        return changed

    return shapes.zone(await house.services.database.writing(change))


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        zones.delete(write, id=_find(write.sql, call.path["name"]).id)
        audit(write, call.request, call.user, f"deleted the zone {call.path['name']}")

    await house.services.database.writing(change)
    return None


ROUTES = (
    Route(handler="Zones", method="GET", path="zones/", call=listing, who=Who.USER, doc="List the zones."),
    Route(
        handler="Zones",
        method="POST",
        path="zones/",
        call=create,
        who=Who.ADMIN,
        doc="Make a zone.",
        params=(_NAME, _DESCRIPTION),
    ),
    Route(handler="Zone", method="GET", path="zones/{name}/", call=read, who=Who.USER, doc="Read a zone."),
    Route(
        handler="Zone",
        method="PUT",
        path="zones/{name}/",
        call=update,
        who=Who.ADMIN,
        doc="Change a zone.",
        params=(_NEW_NAME, _DESCRIPTION),
    ),
    Route(
        handler="Zone",
        method="DELETE",
        path="zones/{name}/",
        call=delete,
        who=Who.ADMIN,
        doc="Delete a zone that nothing uses.",
    ),
)
