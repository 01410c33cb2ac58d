"""Domains: labels of machines. Innkeeper is no DNS server: what is said about records is kept for clients."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import refused, shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.api.maas.values import Values
from innkeeper.errors import NotFound
from innkeeper.model.names import check_domain
from innkeeper.store import domains
from innkeeper.store.database import Write
from innkeeper.store.domains import Domain

_DNS = "The network's own DNS answers names."
_COMMON = (
    Param("authoritative", "boolean", "Kept for clients: there is no zone of ours."),
    Param("ttl", "integer", "Kept for clients, in seconds.", minimum=1, maximum=604800),
    Param("forward_dns_servers", "text", f"{_DNS} Give a subnet its dns_servers.", must_equal=()),
)


def _find(sql: sa.Connection, id: int) -> Domain:
    try:
        return domains.find(sql, id=id)
    except NotFound:
        raise no_match("Domain") from None


def _values(values: Values) -> dict[str, Any]:
    """The columns that were sent."""
    found: dict[str, Any] = {}
    if values.text("name"):
        found["name"] = check_domain(values.text("name"))
    if values.boolean("authoritative") is not None:
        found["authoritative"] = values.boolean("authoritative")
    if "ttl" in values.sent:
        found["ttl"] = values.integer("ttl")
    return found


async def listing(call: Call) -> object:
    house: House = call.services
    return [shapes.domain(one) for one in await house.services.database.reading(domains.listing)]


async def create(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> Domain:
        one = domains.create(write, **_values(call.values))
        audit(write, call.request, call.user, f"made the domain {one.name}")
        return one

    return shapes.domain(await house.services.database.writing(change))


async def read(call: Call) -> object:
    house: House = call.services
    return shapes.domain(await house.services.database.reading(_find, call.id))


async def update(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> Domain:
        one = _find(write.sql, call.id)
        changed = domains.update(write, id=one.id, **_values(call.values))
        if changed != one:
            audit(write, call.request, call.user, f"changed the domain {one.name}")
        return changed

    return shapes.domain(await house.services.database.writing(change))


async def set_default(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> Domain:
        one = _find(write.sql, call.id)
        if one.is_default:
            return one
        audit(write, call.request, call.user, f"made {one.name} the default domain")
        return domains.set_default(write, id=one.id)

    return shapes.domain(await house.services.database.writing(change))


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _find(write.sql, call.id)
        domains.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the domain {one.name}")

    await house.services.database.writing(change)
    return None


_ALL, _ONE = "domains/", "domains/{id}/"
ROUTES = (
    Route(handler="Domains", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the domains."),
    Route(
        handler="Domains",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a domain.",
        params=(Param("name", "text", "The domain's name.", required=True, example="lab.example"), *_COMMON),
    ),
    Route(
        handler="Domains",
        method="POST",
        path=_ALL,
        op="set_serial",
        call=refused.refuse,
        who=Who.USER,
        doc="There is no zone file.",
        refused=_DNS,
    ),
    Route(handler="Domain", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read a domain.", model="Domain"),
    Route(
        handler="Domain",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.ADMIN,
        doc="Change a domain.",
        params=(Param("name", "text", "The domain's new name."), *_COMMON),
        model="Domain",
    ),
    Route(
        handler="Domain",
        method="POST",
        path=_ONE,
        op="set_default",
        call=set_default,
        who=Who.ADMIN,
        doc="Make a domain the default: new machines are in it.",
        model="Domain",
    ),
    Route(
        handler="Domain",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.ADMIN,
        doc="Delete a domain that no machine is in.",
        model="Domain",
    ),
)
