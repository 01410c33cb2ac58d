"""Domains: labels of machines."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House
from innkeeper.api.maas import shapes
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import NotFound
from innkeeper.store import domains


async def listing(call: Call) -> object:
    house: House = call.services
    default = await house.services.database.reading(domains.default_id)
    found = await house.services.database.reading(domains.listing)
    return [shapes.domain(one, default=one.id == default) for one in found]


async def read(call: Call) -> object:
    house: House = call.services
    default = await house.services.database.reading(domains.default_id)
    try:
        one = await house.services.database.reading(domains.find, id=call.id)
    except NotFound:
        raise no_match("Domain") from None
    return shapes.domain(one, default=one.id == default)


ROUTES = (
    Route(handler="Domains", method="GET", path="domains/", call=listing, who=Who.USER, doc="List the domains."),
    Route(
        handler="Domain",
        method="GET",
        path="domains/{id}/",
        call=read,
        who=Who.USER,
        doc="Read a domain.",
        model="Domain",
    ),
)
