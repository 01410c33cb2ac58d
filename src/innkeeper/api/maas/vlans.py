"""VLANs, under both of MAAS's spellings: by fabric and vid, and by id."""

from __future__ import annotations

from typing import Any

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.model.names import check_label
from innkeeper.model.network import Vlan
from innkeeper.model.network_names import Networks
from innkeeper.store import networks, vlans
from innkeeper.store.database import Write

MOST_VID, MTU_MIN, MTU_MAX = 4094, 552, 65535
_RACK = "Innkeeper runs no DHCP server: addresses come from the network's own DHCP, or are static."
_COMMON = (
    Param("name", "text", "The VLAN's name. Default: vlan-VID.", longest=256),
    Param("description", "text", "What it is for."),
    Param("mtu", "integer", "Its MTU; 0 or empty says nothing. Default: 1500.", minimum=0, maximum=MTU_MAX),
    Param("dhcp_on", "boolean", "Whether the network gives addresses itself: guests ask it for one."),
    Param("space", "text", "The space that it is in, by name or id; empty or undefined: none."),
    Param("primary_rack", "text", _RACK, must_equal=()),
    Param("secondary_rack", "text", _RACK, must_equal=()),
    Param("relay_vlan", "text", _RACK, must_equal=()),
)
_VID = Param("vid", "integer", "Its tag on the wire.", required=True, minimum=0, maximum=MOST_VID)
_UPDATE = (
    Param("vid", "integer", "A new tag.", minimum=0, maximum=MOST_VID),
    Param("_vid", "integer", "python-libmaas's name for it.", alias_of="vid"),
    Param("fabric", "text", "Another fabric that it goes to, by name or id."),
    Param("fabric_id", "text", "python-libmaas's name for it.", alias_of="fabric"),
    *_COMMON,
)


def _find(known: Networks, call: Call) -> Vlan:
    if "id" in call.path:
        return lookups.vlan(known, call.id)
    return lookups.vlan_at(known, call.path["fabric_id"], call.path["vid"])


def _values(call: Call, known: Networks) -> dict[str, Any]:
    """The columns that were sent."""
    values = call.values
    found: dict[str, Any] = {}
    if values.text("name"):
        found["name"] = check_label(values.text("name"))
    if "description" in values.sent:
        found["description"] = values.text("description")
    if mtu := values.integer("mtu"):
        if mtu < MTU_MIN:
            raise lookups.refused("mtu", f"{mtu} is too small: at least {MTU_MIN}")
        found["mtu"] = mtu
    if values.boolean("dhcp_on") is not None:
        found["dhcp_on"] = values.boolean("dhcp_on")
    if "space" in values.sent:
        found["space_id"] = lookups.space_sent(known, values.text("space"))
    return found


async def listing(call: Call) -> object:
    there = await lookups.read_wiring(call)
    return there.fabric(lookups.fabric(there.known, call.path["fabric_id"]))["vlans"]


async def create(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> tuple[Wiring, Vlan]:
        known = networks.known(write.sql)
        fabric = lookups.fabric(known, call.path["fabric_id"])
        one = vlans.create(write, fabric_id=fabric.id, vid=call.values.integer("vid", 0), **_values(call, known))
        audit(write, call.request, call.user, f"made the VLAN {one.name} (vid {one.vid}) in the fabric {fabric.name}")
        return lookups.wiring(write.sql), one

    there, one = await house.services.database.writing(change)
    return there.vlan(one.id)


async def read(call: Call) -> object:
    there = await lookups.read_wiring(call)
    return there.vlan(_find(there.known, call).id)


async def update(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> tuple[Wiring, Vlan]:
        known = networks.known(write.sql)
        one = _find(known, call)
        values = _values(call, known)
        if (vid := call.values.integer("vid")) is not None:
            values["vid"] = vid
        if call.values.text("fabric"):
            values["fabric_id"] = lookups.fabric_sent(known, call.values.text("fabric")).id
        changed = vlans.update(write, id=one.id, **values)
        if changed != one:
            audit(write, call.request, call.user, f"changed the VLAN {one.name} (id {one.id})")
        return lookups.wiring(write.sql), changed

    there, one = await house.services.database.writing(change)
    return there.vlan(one.id)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _find(networks.known(write.sql), call)
        vlans.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the VLAN {one.name} (id {one.id})")

    await house.services.database.writing(change)
    return None


def _one(handler: str, path: str) -> tuple[Route, ...]:
    return (
        Route(handler=handler, method="GET", path=path, call=read, who=Who.USER, doc="Read a VLAN.", model="VLAN"),
        Route(
            handler=handler,
            method="PUT",
            path=path,
            call=update,
            who=Who.ADMIN,
            doc="Change a VLAN.",
            params=_UPDATE,
            model="VLAN",
        ),
        Route(
            handler=handler,
            method="DELETE",
            path=path,
            call=delete,
            who=Who.ADMIN,
            doc="Delete a VLAN that nothing is on.",
            model="VLAN",
        ),
    )


_ALL = "fabrics/{fabric_id}/vlans/"
ROUTES = (
    Route(handler="Vlans", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the VLANs of a fabric."),
    Route(
        handler="Vlans",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a VLAN in a fabric.",
        params=(_VID, *_COMMON),
    ),
    *_one("Vlan", "fabrics/{fabric_id}/vlans/{vid}/"),
    *_one("VlanById", "vlans/{id}/"),
)
