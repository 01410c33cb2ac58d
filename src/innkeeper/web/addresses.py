"""Addresses that people reserve: the list, one to reserve, one to release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.errors import Conflict, InnkeeperError
from innkeeper.model.addresses import normal, number
from innkeeper.model.network import Subnet
from innkeeper.store import addresses, events, networks, subnets
from innkeeper.store.addresses import Address
from innkeeper.web import forms, live
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.nouns import Choices, Inn
from innkeeper.web.once import repeated
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import SignedIn, local
from innkeeper.web.tables import sliced
from innkeeper.web.wires import subnet_choices

router = APIRouter(include_in_schema=False)
PLACE = "/addresses"
PAGE = 100
_FIELDS = ("subnet", "ip", "hostname", "mac")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A reserved address with its subnet."""

    one: Address
    subnet: Subnet


@router.get(PLACE)
async def listing(request: Request, inn: Inn, who: SignedIn, page: int = 1) -> Response:
    """One's own; an administrator sees everybody's."""

    def ask(sql: sa.Connection) -> tuple[int, list[Row]]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        there = {one.id: one for one in subnets.listing(sql)}
        found = addresses.listing(sql, user_id=None if who.is_admin else who.user_id, reserved=True)
        return cursor, [Row(one=one, subnet=there[one.subnet_id]) for one in sorted(found, key=_place)]

    cursor, found = await inn.services.database.reading(ask)
    rows = sliced(found, request=request, page=page, size=PAGE)
    return render(
        request, "addresses.html", title="Reserved addresses", actor=who, rows=rows, live=live.address(cursor=cursor)
    )


@router.get(f"{PLACE}/new")
async def new(request: Request, inn: Inn, who: SignedIn, subnet: str = "") -> Response:
    return await _form(request, inn, who, values={"subnet": f"id:{subnet}"}, back=_back(subnet))


@router.post(f"{PLACE}/new")
async def reserve(request: Request, inn: Inn, who: SignedIn, subnet: str = "") -> Response:
    form = await forms.read(request)
    if await repeated(inn, form):
        return done(_back(subnet), "That form reserved its address already.")
    try:
        await perform(request, who, "POST", "ipaddresses/", op="reserve", sent=sent(form, *_FIELDS))
    except InnkeeperError as error:
        return await _form(request, inn, who, values=dict(form), back=_back(subnet), trouble=Trouble.of(error))
    what = f"The address {form['ip']}" if form.get("ip") else "The lowest free address"
    return done(_back(subnet), f"{what} was reserved.")


@router.get(f"{PLACE}/{{ip}}/release")
async def ask_release(request: Request, inn: Inn, who: SignedIn, ip: str, back: str = PLACE) -> Response:
    def ask(sql: sa.Connection) -> Address:
        one = addresses.find(sql, normal(ip))
        if one.link_id is not None:
            raise Conflict(f"The address {one.ip} is of {one.interface} of a machine.", resolution="It goes with it.")
        permit(who, Who.OWNER, owner_id=one.user_id)
        return one

    one = await inn.services.database.reading(ask)
    return _release(request, who, one.ip, back=back)


@router.post(f"{PLACE}/{{ip}}/release")
async def release(request: Request, who: SignedIn, ip: str, back: str = PLACE) -> Response:
    try:
        await perform(request, who, "POST", "ipaddresses/", op="release", sent=[("ip", ip)])
    except InnkeeperError as error:
        return _release(request, who, ip, back=back, trouble=Trouble.of(error))
    return done(local(back), f"The address {ip} was released.")


def _place(one: Address) -> tuple[bool, int]:
    return ":" in one.ip, number(one.ip)


def _back(subnet: str) -> str:
    return f"/subnets/{subnet}" if subnet.isdigit() else PLACE


async def _form(
    request: Request, inn: Inn, who: Actor, *, values: Mapping[str, object], back: str, trouble: Trouble = NONE
) -> Response:
    def ask(sql: sa.Connection) -> Choices:
        return [("", "the one that holds the address"), *subnet_choices(networks.known(sql))]

    choices = await inn.services.database.reading(ask)
    return render(
        request,
        "address_form.html",
        title="Reserve an address",
        actor=who,
        status=trouble.status,
        values=values,
        subnets=choices,
        trouble=trouble,
        back=back,
    )


def _release(request: Request, who: Actor, ip: str, *, back: str, trouble: Trouble = NONE) -> Response:
    return render(
        request,
        "delete.html",
        title=f"Release the address {ip}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        what=f"the reservation of {ip}",
        goes=[f"The reservation: a machine may get {ip} from now on."],
        stays=["What uses the address now: nothing is done to it."],
        back=local(back),
        typed="",
    )
