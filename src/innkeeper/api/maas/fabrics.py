"""Fabrics: VLANs that are switched together."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.model.network import Fabric
from innkeeper.store import fabrics, networks
from innkeeper.store.database import Write

_PARAMS = (
    Param("name", "text", "The fabric's name. Default: fabric-ID.", longest=256),
    Param("description", "text", "What it is for."),
    Param("class_type", "text", "Its class, which requests can ask for (fabric_class).", longest=256, example="10g"),
)


async def listing(call: Call) -> object:
    there = await lookups.read_wiring(call)
    return [there.fabric(one) for one in there.known.fabrics]


async def create(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, Fabric]:
        name = lookups.name_sent(values.text("name"), "fabric") if values.text("name") else ""
        one = fabrics.create(
            write,
            name=name,
            description=values.text("description"),
            class_type=values.text("class_type") or None,
        )
        audit(write, call.request, call.user, f"made the fabric {one.name}")
        return lookups.wiring(write.sql), one

    there, one = await house.services.database.writing(change)
    return there.fabric(one)


async def read(call: Call) -> object:
    there = await lookups.read_wiring(call)
    return there.fabric(lookups.fabric(there.known, call.path["id"]))


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, Fabric]:
        one = lookups.fabric(networks.known(write.sql), call.path["id"])
        changed = fabrics.update(
            write,
            id=one.id,
            name=lookups.name_sent(values.text("name"), "fabric", id=one.id) if values.text("name") else None,
            description=values.text("description") if "description" in values.sent else None,
            class_type=values.text("class_type") if "class_type" in values.sent else None,
        )
        if changed != one:
            audit(write, call.request, call.user, f"changed the fabric {one.name}")
        return lookups.wiring(write.sql), changed

    there, one = await house.services.database.writing(change)
    return there.fabric(one)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = lookups.fabric(networks.known(write.sql), call.path["id"])
        fabrics.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the fabric {one.name}")

    await house.services.database.writing(change)
    return None


_ALL, _ONE = "fabrics/", "fabrics/{id:text}/"
ROUTES = (
    Route(handler="Fabrics", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the fabrics."),
    Route(
        handler="Fabrics",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a fabric, with its untagged VLAN.",
        params=_PARAMS,
    ),
    Route(handler="Fabric", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read a fabric.", model="Fabric"),
    Route(
        handler="Fabric",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.ADMIN,
        doc="Change a fabric.",
        params=_PARAMS,
        model="Fabric",
    ),
    Route(
        handler="Fabric",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.ADMIN,
        doc="Delete a fabric that nothing is on, with its VLANs.",
        model="Fabric",
    ),
)
