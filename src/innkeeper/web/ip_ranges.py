"""IP ranges: addresses that are not given at random. The list, one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.model import addresses as decide
from innkeeper.model.network import IpRange, Subnet
from innkeeper.store import events, ip_ranges, networks, subnets, users
from innkeeper.web import live
from innkeeper.web.nouns import Choices, Field, Inn, Noun, Seen, add_forms, number
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import sliced
from innkeeper.web.wires import subnet_choices

router = APIRouter(include_in_schema=False)
PLACE = "/ip-ranges"
PAGE = 100
KINDS = {decide.RESERVED: "reserved: given only to who asks for it", decide.DYNAMIC: "dynamic: DHCP gives them"}


@dataclass(frozen=True, kw_only=True)
class RangeRow:
    """A range with its subnet, how many addresses it has, whose it is, whether who looks may change it."""

    one: IpRange
    subnet: Subnet
    count: int
    owner: str
    mine: bool

    @classmethod
    def of(cls, one: IpRange, subnet: Subnet, owners: Mapping[int, str], who: Actor) -> RangeRow:
        return cls(
            one=one,
            subnet=subnet,
            count=decide.number(one.end) - decide.number(one.start) + 1,
            owner=owners.get(one.user_id or 0, ""),
            mine=who.is_admin or (one.user_id is not None and one.user_id == who.user_id),
        )


def _kinds(who: Actor) -> Choices:
    """What DHCP gives is for administrators to say."""
    return [(kind, words) for kind, words in KINDS.items() if who.is_admin or kind == decide.RESERVED]


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = ip_ranges.find(sql, number(key))
    permit(who, Who.OWNER, owner_id=one.user_id)
    subnet = subnets.find(sql, one.subnet_id)
    return Seen(
        title=f"{one.start} to {one.end}",
        back=f"/subnets/{subnet.id}",
        values={"type": one.kind, "start_ip": one.start, "end_ip": one.end, "comment": one.comment, "subnet": ""},
        choices={"type": _kinds(who), "subnet": [("", subnet.cidr)]},
        stays=("Who has an address in it keeps it. The other addresses are given to machines again.",),
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    known = networks.known(sql)
    subnet = query.get("subnet", "")
    there = any(str(one.id) == subnet for one in known.subnets)
    return Seen(
        title="",
        back=f"/subnets/{subnet}" if there else PLACE,
        values={"type": query.get("type", decide.RESERVED), "subnet": f"id:{subnet}"},
        choices={"type": _kinds(who), "subnet": [("", "the one that holds the first address"), *subnet_choices(known)]},
    )


NOUN = Noun(
    word="IP range",
    place=PLACE,
    many="ipranges/",
    one="ipranges/{key}/",
    about="Addresses that no machine is given at random.",
    fields=(
        Field(name="type", label="What it is for", kind="choice"),
        Field(name="start_ip", label="First address", required=True),
        Field(name="end_ip", label="Last address", required=True),
        Field(name="subnet", label="Subnet", kind="choice"),
        Field(name="comment", label="Why"),
    ),
    find=_find,
    blank=_blank,
    who=Who.OWNER,
)


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: SignedIn, page: int = 1) -> Response:
    """All ranges, by subnet."""

    def ask(sql: sa.Connection) -> tuple[int, list[RangeRow]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        there = {one.id: one for one in subnets.listing(sql)}
        owners = {one.id: one.username for one in users.listing(sql)}
        rows = [RangeRow.of(one, there[one.subnet_id], owners, who) for one in ip_ranges.listing(sql)]
        return cursor, sorted(rows, key=lambda row: (":" in row.one.start, decide.number(row.one.start)))

    cursor, found = await inn.services.database.reading(ask)
    rows = sliced(found, request=request, page=page, size=PAGE)
    return render(
        request, "ip_ranges.html", title="IP ranges", actor=who, noun=NOUN, rows=rows, live=live.address(cursor=cursor)
    )


add_forms(router, NOUN)
