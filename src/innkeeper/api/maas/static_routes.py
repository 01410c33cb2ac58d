"""Static routes between subnets: guests are told them with their network data."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.model import addresses as decide
from innkeeper.model.network import StaticRoute, Subnet
from innkeeper.store import networks, static_routes, subnets
from innkeeper.store.database import Write

_METRIC = Param("metric", "integer", "Its weight; the lowest wins. Default: 0.", minimum=0, maximum=2**31 - 1)


def _params(*, required: bool) -> tuple[Param, ...]:
    return (
        Param("source", "text", "The subnet that guests are on, by id, name or CIDR.", required=required),
        Param("destination", "text", "The subnet that they reach.", required=required),
        Param("gateway_ip", "text", "The address on the source that they reach it through.", required=required),
        _METRIC,
    )


def _checked(source: Subnet, destination: Subnet, gateway_ip: str) -> None:
    """Raises Invalid when such a route leads nowhere."""
    if source.id == destination.id:
        raise lookups.refused("destination", "it is the source: its guests are on it already")
    if (":" in source.cidr) != (":" in destination.cidr):
        raise lookups.refused("destination", f"{destination.cidr} is not of the address family of {source.cidr}")
    if not decide.holds(source.cidr, gateway_ip):
        raise lookups.refused("gateway_ip", f"{gateway_ip} is not on the source {source.cidr}")


async def listing(call: Call) -> object:
    house: House = call.services
    there, found = await house.services.database.reading(lambda sql: (lookups.wiring(sql), static_routes.listing(sql)))
    return [there.static_route(one) for one in found]


async def create(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, StaticRoute]:
        known = networks.known(write.sql)
        source = lookups.subnet_sent(known, values.text("source"), field="source")
        destination = lookups.subnet_sent(known, values.text("destination"), field="destination")
        gateway = lookups.address_sent(values.text("gateway_ip"), field="gateway_ip")
        _checked(source, destination, gateway)
        one = static_routes.create(
            write,
            source_id=source.id,
            destination_id=destination.id,
            gateway_ip=gateway,
            metric=values.integer("metric", 0),
        )
        text = f"made the static route from {source.cidr} to {destination.cidr} through {gateway}"
        audit(write, call.request, call.user, text)
        return lookups.wiring(write.sql), one

    there, one = await house.services.database.writing(change)
    return there.static_route(one)


async def read(call: Call) -> object:
    house: House = call.services
    there, one = await house.services.database.reading(
        lambda sql: (lookups.wiring(sql), static_routes.find(sql, call.id))
    )
    return there.static_route(one)


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> tuple[Wiring, StaticRoute]:
        one = static_routes.find(write.sql, call.id)
        known = networks.known(write.sql)
        ends = {"source": one.source_id, "destination": one.destination_id}
        for field in ends:
            if values.text(field):
                ends[field] = lookups.subnet_sent(known, values.text(field), field=field).id
        gateway = one.gateway_ip
        if values.text("gateway_ip"):
            gateway = lookups.address_sent(values.text("gateway_ip"), field="gateway_ip")
        there = subnets.of(write.sql, ends.values())
        _checked(there[ends["source"]], there[ends["destination"]], gateway)
        changed = static_routes.update(
            write,
            id=one.id,
            source_id=ends["source"],
            destination_id=ends["destination"],
            gateway_ip=gateway,
            metric=values.integer("metric", one.metric),
        )
        if changed != one:
            audit(write, call.request, call.user, f"changed the static route {one.id}")
        return lookups.wiring(write.sql), changed

    there, one = await house.services.database.writing(change)
    return there.static_route(one)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        static_routes.delete(write, id=call.id)
        audit(write, call.request, call.user, f"deleted the static route {call.id}")

    await house.services.database.writing(change)
    return None


_ALL, _ONE, _MODEL = "static-routes/", "static-routes/{id}/", "StaticRoute"
ROUTES = (
    Route(handler="StaticRoutes", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the static routes."),
    Route(
        handler="StaticRoutes",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a static route.",
        params=_params(required=True),
    ),
    Route(
        handler="StaticRoute",
        method="GET",
        path=_ONE,
        call=read,
        who=Who.USER,
        doc="Read a static route.",
        model=_MODEL,
    ),
    Route(
        handler="StaticRoute",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.ADMIN,
        doc="Change a static route.",
        params=_params(required=False),
        model=_MODEL,
    ),
    Route(
        handler="StaticRoute",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.ADMIN,
        doc="Delete a static route.",
        model=_MODEL,
    ),
)
