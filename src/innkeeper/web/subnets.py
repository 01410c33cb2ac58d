"""A subnet: how full it is, what each piece is used for, who has each address; its ranges and routes."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.model import addresses as decide
from innkeeper.model.network import Subnet
from innkeeper.store import events, ip_ranges, seen_addresses, static_routes, subnet_use, subnets, users
from innkeeper.store.addresses import Address
from innkeeper.store.subnet_use import Use
from innkeeper.web import live, subnet_forms
from innkeeper.web.ip_ranges import NOUN as RANGE
from innkeeper.web.ip_ranges import RangeRow
from innkeeper.web.nouns import Inn, number
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.static_routes import NOUN as ROUTE
from innkeeper.web.static_routes import RouteRow, route_rows
from innkeeper.web.tables import Listing, sliced
from innkeeper.web.wires import Wire, wires

router = APIRouter(include_in_schema=False)
router.include_router(subnet_forms.router)
PAGE = 100  # addresses of one page
MOST = 100  # pieces that are shown
WORDS = {
    decide.GATEWAY: "gateway",
    decide.DNS: "DNS server",
    decide.RESERVED: "reserved range",
    decide.DYNAMIC: "dynamic range (DHCP)",
    decide.ASSIGNED: "in use",
}
_HOW = {None: "reserved", "auto": "given", "static": "fixed", "dhcp": "by DHCP", "link_up": "seen"}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a subnet. `words`: what it is used for; none: it is free."""

    first: str
    last: str
    count: int
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An address that somebody has. `who`: in words, when it is no machine that may be named; `how`: how they got it.

    `mine`: whether who looks may give it back.
    """

    ip: str
    system_id: str
    machine: str
    interface: str
    who: str
    how: str
    mine: bool


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All of a subnet's page. `pieces`: the first ones of those of `use`."""

    subnet: Subnet
    wire: Wire
    use: Use
    pieces: list[Piece]
    taken: Listing[Taken]
    ranges: list[RangeRow]
    routes: list[RouteRow]


def taken_by(one: Address, who: Actor) -> Taken:
    """Whose an address is, for who looks: another user's machine has no name for a user."""
    known = who.is_admin or one.owner_id in (None, who.user_id)
    reserved = one.id != 0 and one.link_id is None
    if one.system_id:
        words = "" if known else "another user's machine"
    elif reserved:
        named = f"reserved by {one.username or 'nobody'}" if known else "reserved by another user"
        words = named + (f" for {one.hostname}" if one.hostname and known else "")
    else:
        words = f"{one.interface} of a VM host"
    return Taken(
        ip=one.ip,
        system_id=one.system_id if known else "",
        machine=one.machine if known else "",
        interface=one.interface if known else "",
        who=words,
        how=_HOW.get(one.mode, "") if one.id else "seen there",
        mine=reserved and (who.is_admin or one.owner_id == who.user_id),
    )


def _shown(sql: sa.Connection, request: Request, who: Actor, key: str, page: int) -> Shown:
    one = subnets.find(sql, number(key))
    around = subnets.overlapping(sql, one)
    use = subnet_use.of_one(sql, one, around)
    within = {each.id: each for each in around}
    ranges = [each for each in ip_ranges.within(sql, around) if decide.meets(each, one.cidr)]
    taken = [taken_by(each, who) for each in seen_addresses.of_subnet(sql, one, around)]
    owners = {each.id: each.username for each in users.listing(sql)}
    return Shown(
        subnet=one,
        wire=wires(sql).wire(one.vlan_id),
        use=use,
        pieces=[
            Piece(
                first=decide.text(each.first, one.cidr),
                last=decide.text(each.last, one.cidr),
                count=each.count,
                words=tuple(WORDS[purpose] for purpose in each.purposes),
            )
            for each in use.pieces[:MOST]
        ],
        taken=sliced(taken, request=request, page=page, size=PAGE),
        ranges=[RangeRow.of(each, within[each.subnet_id], owners, who) for each in ranges],
        routes=[each for each in route_rows(sql, static_routes.listing(sql)) if one.id in (each.source.id, each.to.id)],
    )


@router.get("/subnets/{key}")
async def show(request: Request, inn: Inn, who: SignedIn, key: str, page: int = 1) -> Response:
    """One subnet."""

    def ask(sql: sa.Connection) -> tuple[int, Shown]:
        return events.last(sql), _shown(sql, request, who, key, page)

    cursor, shown = await inn.services.database.reading(ask)
    named = shown.subnet.name not in ("", shown.subnet.cidr)
    return render(
        request,
        "subnet.html",
        title=f"Subnet {shown.subnet.cidr}" + (f" ({shown.subnet.name})" if named else ""),
        actor=who,
        shown=shown,
        one=shown.subnet,
        wire=shown.wire,
        range_noun=RANGE,
        route_noun=ROUTE,
        live=live.address(cursor=cursor),
    )
