"""Static routes between subnets: the list, one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.model.network import StaticRoute, Subnet
from innkeeper.store import events, networks, static_routes, subnets
from innkeeper.web import live
from innkeeper.web.nouns import Choices, Field, Inn, Noun, Seen, add_forms, number
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.wires import subnet_choices

router = APIRouter(include_in_schema=False)
PLACE = "/static-routes"


@dataclass(frozen=True, kw_only=True)
class RouteRow:
    """A route with the subnets that it leads from and to."""

    one: StaticRoute
    source: Subnet
    to: Subnet

    @property
    def name(self) -> str:
        return f"from {self.source.cidr} to {self.to.cidr}"


def route_rows(sql: sa.Connection, found: Iterable[StaticRoute]) -> list[RouteRow]:
    """Routes with their subnets; one query."""
    there = {one.id: one for one in subnets.listing(sql)}
    return [RouteRow(one=one, source=there[one.source_id], to=there[one.destination_id]) for one in found]


def _choices(sql: sa.Connection) -> dict[str, Choices]:
    choices = subnet_choices(networks.known(sql))
    return {"source": choices, "destination": choices}


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    row = route_rows(sql, [static_routes.find(sql, number(key))])[0]
    return Seen(
        title=row.name,
        back=PLACE,
        values={
            "source": f"id:{row.source.id}",
            "destination": f"id:{row.to.id}",
            "gateway_ip": row.one.gateway_ip,
            "metric": row.one.metric,
        },
        choices=_choices(sql),
        stays=("Both subnets. Machines that are deployed keep the route that they were told.",),
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    source = query.get("source", "")
    back = f"/subnets/{source}" if source.isdigit() else PLACE
    return Seen(title="", back=back, values={"source": f"id:{source}", "metric": 0}, choices=_choices(sql))


NOUN = Noun(
    word="static route",
    place=PLACE,
    many="static-routes/",
    one="static-routes/{key}/",
    about="Machines on the source are told of it when they are deployed.",
    fields=(
        Field(name="source", label="Source: the subnet that machines are on", kind="choice"),
        Field(name="destination", label="Destination: the subnet that they reach", kind="choice"),
        Field(name="gateway_ip", label="Gateway", required=True, help="An address on the source."),
        Field(name="metric", label="Metric", kind="number", help="The lowest one wins."),
    ),
    find=_find,
    blank=_blank,
)


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    """All routes."""

    def ask(sql: sa.Connection) -> tuple[int, list[RouteRow]]:
        return events.last(sql), route_rows(sql, static_routes.listing(sql))

    cursor, rows = await inn.services.database.reading(ask)
    return render(
        request,
        "static_routes.html",
        title="Static routes",
        actor=who,
        noun=NOUN,
        rows=rows,
        live=live.address(cursor=cursor),
    )


add_forms(router, NOUN)
