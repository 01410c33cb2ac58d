"""Subnets, and what their addresses are used for."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.api.auth import Actor, Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas import network_shapes as shapes
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.api.maas.shapes import Json
from innkeeper.api.maas.subnet_parameters import CREATE, UPDATE, columns, vlan_id
from innkeeper.model import addresses as decide
from innkeeper.model.addresses import Span
from innkeeper.model.network import Subnet
from innkeeper.store import addresses, ip_ranges, networks, seen_addresses, subnets
from innkeeper.store.addresses import Address
from innkeeper.store.database import Write


async def listing(call: Call) -> object:
    there = await lookups.read_wiring(call)
    return [there.subnet(one.id) for one in there.known.subnets]


async def create(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, Subnet]:
        cidr = lookups.cidr_sent(values.text("cidr"))
        found = columns(values, cidr)
        one = subnets.create(write, cidr=cidr, vlan_id=vlan_id(write, values), **found)
        audit(write, call.request, call.user, f"made the subnet {one.cidr}")
        return lookups.wiring(write.sql), one

    there, one = await house.services.database.writing(change)
    return there.subnet(one.id)


async def read(call: Call) -> object:
    there = await lookups.read_wiring(call)
    return there.subnet(lookups.subnet(there.known, call.path["id"]).id)


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, Subnet]:
        one = lookups.subnet(networks.known(write.sql), call.path["id"])
        cidr = lookups.cidr_sent(values.text("cidr")) if values.text("cidr") else one.cidr
        found = columns(values, cidr, before=one)
        on = vlan_id(write, values, before=one)
        changed = subnets.update(write, id=one.id, cidr=cidr, vlan_id=on, **found)
        if changed != one:
            audit(write, call.request, call.user, f"changed the subnet {one.cidr}")
        return lookups.wiring(write.sql), changed

    there, one = await house.services.database.writing(change)
    return there.subnet(one.id)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = lookups.subnet(networks.known(write.sql), call.path["id"])
        subnets.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the subnet {one.cidr}")

    await house.services.database.writing(change)
    return None


@dataclass(frozen=True, kw_only=True)
class _Use:
    """A subnet, all of it in pieces, and who has which address."""

    subnet: Subnet
    pieces: list[Span]
    taken: list[Address]


def _use(sql: sa.Connection, id: str) -> _Use:
    one = lookups.subnet(networks.known(sql), id)
    around = subnets.overlapping(sql, one)
    used = decide.used(one, ip_ranges.within(sql, around), addresses.in_use(sql, one, around))
    pieces = decide.divide(decide.usable(one.cidr), used)
    return _Use(subnet=one, pieces=pieces, taken=seen_addresses.of_subnet(sql, one, around))


async def _read_use(call: Call) -> _Use:
    house: House = call.services
    return await house.services.database.reading(_use, call.path["id"])


async def reserved_ip_ranges(call: Call) -> object:
    use = await _read_use(call)
    return shapes.spans(use.subnet, [one for one in use.pieces if one.purposes], purposes=True)


async def unreserved_ip_ranges(call: Call) -> object:
    use = await _read_use(call)
    return shapes.spans(use.subnet, [one for one in use.pieces if not one.purposes], purposes=False)


async def statistics(call: Call) -> object:
    use = await _read_use(call)
    found = shapes.statistics(use.subnet, use.pieces)
    if call.values.boolean("include_ranges", False):
        found["ranges"] = shapes.spans(use.subnet, use.pieces, purposes=True)
    if call.values.boolean("include_suggestions", False):
        free = [one for one in use.pieces if not one.purposes]
        suggested = free[0] if free and use.subnet.gateway_ip is None else None
        largest = max(free, key=lambda one: one.count, default=None)
        found["suggested_gateway"] = decide.text(suggested.first, use.subnet.cidr) if suggested else None
        found["suggested_dynamic_range"] = shapes.spans(use.subnet, [largest], purposes=False)[0] if largest else None
    return found


async def ip_addresses(call: Call) -> object:
    use = await _read_use(call)
    users, summaries = call.values.boolean("with_username", True), call.values.boolean("with_summary", True)
    return [_address(one, call.user, users=users, summaries=summaries) for one in use.taken]


def _address(one: Address, actor: Actor, *, users: bool, summaries: bool) -> Json:
    """Whose machine it is is told to who may see the machine."""
    moment = shapes.moment(one.created)
    found: Json = {"ip": one.ip, "alloc_type": shapes.alloc(one)[0], "created": moment, "updated": moment}
    if not (actor.is_admin or one.owner_id in (None, actor.user_id)):
        return found
    if users and one.username:
        found["user"] = one.username
    if summaries and one.system_id:
        found["node_summary"] = {
            "system_id": one.system_id,
            "node_type": 0,
            "hostname": one.machine,
            "fqdn": f"{one.machine}.{one.domain}",
            "is_container": False,
            "via": one.interface,
        }
    return found


_ALL, _ONE = "subnets/", "subnets/{id:path}/"
_WITH = (
    Param("with_username", "boolean", "Whether to tell whose they are. Default: true."),
    Param("with_summary", "boolean", "Whether to tell the machines that have them. Default: true."),
    Param("with_node_summary", "boolean", "Its other name.", alias_of="with_summary"),
)
_STATISTICS = (
    Param("include_ranges", "boolean", "Whether to list all pieces of it with their purpose."),
    Param("include_suggestions", "boolean", "Whether to suggest a gateway and a dynamic range."),
)


def _op(op: str, call: object, doc: str, params: tuple[Param, ...] = ()) -> Route:
    return Route(
        handler="Subnet",
        method="GET",
        path=_ONE,
        op=op,
        call=call,  # type: ignore[arg-type]
        who=Who.USER,
        doc=doc,
        params=params,
        model="Subnet",
    )


ROUTES = (
    Route(handler="Subnets", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the subnets."),
    Route(
        handler="Subnets",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a subnet.",
        params=CREATE,
    ),
    Route(handler="Subnet", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read a subnet.", model="Subnet"),
    Route(
        handler="Subnet",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.ADMIN,
        doc="Change a subnet. What is on it goes with it to another VLAN.",
        params=UPDATE,
        model="Subnet",
    ),
    Route(
        handler="Subnet",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.ADMIN,
        doc="Delete a subnet that nobody has an address in.",
        model="Subnet",
    ),
    _op("ip_addresses", ip_addresses, "List the addresses that are taken.", _WITH),
    _op("reserved_ip_ranges", reserved_ip_ranges, "List what is used, and what for."),
    _op("unreserved_ip_ranges", unreserved_ip_ranges, "List what is free."),
    _op("statistics", statistics, "Tell how full it is.", _STATISTICS),
)
