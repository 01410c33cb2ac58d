"""IP ranges of subnets: reserved ones are given only to who asks for the address, dynamic ones by DHCP."""

from __future__ import annotations

import ipaddress

import sqlalchemy as sa

from innkeeper.api.auth import Who, permit
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas import shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.model import addresses as decide
from innkeeper.model.network import IpRange, Subnet
from innkeeper.model.network_names import Networks
from innkeeper.store import ip_ranges, networks, users
from innkeeper.store.database import Write

_KINDS = (decide.RESERVED, decide.DYNAMIC)


def _json(sql: sa.Connection, found: list[IpRange]) -> list[shapes.Json]:
    there = lookups.wiring(sql)
    owners = {one.id: shapes.user(one) for one in users.listing(sql)}
    return [there.ip_range(one, owners.get(one.user_id or 0)) for one in found]


def _ends(start: str, end: str, subnet: Subnet) -> None:
    """Raises Invalid when that is no range of the subnet."""
    for field, ip in (("start_ip", start), ("end_ip", end)):
        if not decide.holds(subnet.cidr, ip):
            raise lookups.refused(field, f"{ip} is not in the subnet {subnet.cidr}")
    if int(ipaddress.ip_address(start)) > int(ipaddress.ip_address(end)):
        raise lookups.refused("end_ip", f"{end} is below {start}")


def _subnet(known: Networks, text: str, start: str) -> Subnet:
    """The subnet that was named, else the narrowest one that holds the first address."""
    found = lookups.subnet_sent(known, text) if text else known.holding(start)
    if found is None:
        raise lookups.refused("start_ip", f"{start} is in no subnet that is known; name or make one")
    return found


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(lambda sql: _json(sql, ip_ranges.listing(sql)))


async def create(call: Call) -> object:
    house: House = call.services
    values = call.values
    kind = values.text("type")
    if kind == decide.DYNAMIC:  # what DHCP gives is not one user's affair
        permit(call.actor, Who.ADMIN)

    def change(write: Write) -> shapes.Json:
        start = lookups.address_sent(values.text("start_ip"), field="start_ip")
        end = lookups.address_sent(values.text("end_ip"), field="end_ip")
        subnet = _subnet(networks.known(write.sql), values.text("subnet"), start)
        _ends(start, end, subnet)
        one = ip_ranges.create(
            write,
            subnet_id=subnet.id,
            kind=kind,
            start=start,
            end=end,
            comment=values.text("comment"),
            user_id=call.user.user_id,
        )
        audit(write, call.request, call.user, f"made the {kind} range {start} to {end} of {subnet.cidr}")
        return _json(write.sql, [one])[0]

    return await house.services.database.writing(change)


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(lambda sql: _json(sql, [ip_ranges.find(sql, call.id)])[0])


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> shapes.Json:
        one = ip_ranges.find(write.sql, call.id)
        call.permit(owner_id=one.user_id)
        known = networks.known(write.sql)
        subnet = next(each for each in known.subnets if each.id == one.subnet_id)
        if values.text("subnet") and lookups.subnet_sent(known, values.text("subnet")).id != subnet.id:
            raise lookups.refused("subnet", f"the range is of {subnet.cidr} and stays there; make another one")
        kind = values.text("type") or one.kind
        if kind != one.kind:
            permit(call.actor, Who.ADMIN)
        start = lookups.address_sent(values.text("start_ip") or one.start, field="start_ip")
        end = lookups.address_sent(values.text("end_ip") or one.end, field="end_ip")
        _ends(start, end, subnet)
        comment = values.text("comment", one.comment)
        changed = ip_ranges.update(write, id=one.id, kind=kind, start=start, end=end, comment=comment)
        if changed != one:
            audit(write, call.request, call.user, f"changed the range {one.start} to {one.end} of {subnet.cidr}")
        return _json(write.sql, [changed])[0]

    return await house.services.database.writing(change)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = ip_ranges.find(write.sql, call.id)
        call.permit(owner_id=one.user_id)
        ip_ranges.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the {one.kind} range {one.start} to {one.end}")

    await house.services.database.writing(change)
    return None


def _params(*, required: bool) -> tuple[Param, ...]:
    return (
        Param("type", "text", "What it is for; dynamic: administrators.", required=required, choices=_KINDS),
        Param("start_ip", "text", "Its first address.", required=required),
        Param("end_ip", "text", "Its last address.", required=required),
        Param("subnet", "text", "The subnet, by id, name or CIDR. Default: the one that holds the first address."),
        Param("comment", "text", "Why.", longest=255),
    )


_ALL, _ONE, _MODEL = "ipranges/", "ipranges/{id}/", "IPRange"
ROUTES = (
    Route(handler="IPRanges", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the IP ranges."),
    Route(
        handler="IPRanges",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.USER,
        doc="Make an IP range.",
        params=_params(required=True),
    ),
    Route(handler="IPRange", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read an IP range.", model=_MODEL),
    Route(
        handler="IPRange",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.OWNER,
        doc="Change an IP range.",
        params=_params(required=False),
        model=_MODEL,
    ),
    Route(
        handler="IPRange",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.OWNER,
        doc="Delete an IP range.",
        model=_MODEL,
    ),
)
