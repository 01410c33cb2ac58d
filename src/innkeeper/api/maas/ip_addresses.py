"""Addresses that users reserve, so that no machine gets them."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who, permit
from innkeeper.api.house import House, audit
from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas import shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.model.names import check_hostname, check_mac
from innkeeper.store import addresses, networks, users
from innkeeper.store.addresses import Address
from innkeeper.store.database import Write


def _json(sql: sa.Connection, found: list[Address]) -> list[shapes.Json]:
    there = lookups.wiring(sql)
    owners = {one.id: shapes.user(one) for one in users.listing(sql)}
    return [there.address(one, owners.get(one.owner_id or 0)) for one in found]


def _listing(sql: sa.Connection, call: Call) -> list[shapes.Json]:
    values = call.values
    everybody, owner = values.boolean("all", False), values.text("owner")
    if everybody or (owner and owner != call.user.username):
        permit(call.actor, Who.ADMIN)
    user_id = call.user.user_id
    if owner:
        try:
            user_id = users.find(sql, username=owner).id
        except NotFound as error:
            raise Invalid(error.brief, fields={"owner": [error.brief]}) from None
    found = addresses.listing(sql) if everybody else addresses.listing(sql, user_id=user_id, reserved=True)
    if values.text("ip"):
        wanted = lookups.address_sent(values.text("ip"), field="ip")
        found = [one for one in found if one.ip == wanted]
    return _json(sql, found)


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_listing, call)


async def reserve(call: Call) -> object:
    house: House = call.services
    values = call.values
    hostname = check_hostname(values.text("hostname")) if values.text("hostname") else ""
    mac = check_mac(values.text("mac"), field="mac") if values.text("mac") else ""

    def change(write: Write) -> shapes.Json:
        known = networks.known(write.sql)
        ip = lookups.address_sent(values.text("ip"), field="ip") if values.text("ip") else ""
        subnet = lookups.subnet_sent(known, values.text("subnet")) if values.text("subnet") else None
        if subnet is None:
            if not ip:
                raise lookups.refused("subnet", "say which subnet the address is to be of, or which address it is")
            subnet = known.holding(ip)
        if subnet is None:
            raise lookups.refused("ip", f"{ip} is in no subnet that is known")
        me = call.user.user_id
        if ip:
            addresses.take(write, ip=ip, subnet_id=subnet.id, user_id=me, hostname=hostname, mac=mac, field="ip")
        else:
            ip = addresses.take_free(write, subnet_id=subnet.id, user_id=me, hostname=hostname, mac=mac)
        audit(write, call.request, call.user, f"reserved the address {ip} of {subnet.cidr}")
        return _json(write.sql, [addresses.find(write.sql, ip)])[0]

    return await house.services.database.writing(change)


async def release(call: Call) -> object:
    house: House = call.services
    ip = lookups.address_sent(call.values.text("ip"), field="ip")
    if call.values.boolean("discovered", False):
        raise lookups.refused("discovered", "an address that was seen goes when its lease ends; nobody holds it")

    def change(write: Write) -> None:
        one = addresses.find(write.sql, ip)
        if one.link_id is not None:
            raise Conflict(
                f"The address {ip} is of {one.holder}.",
                resolution="Unlink it there (unlink_subnet), or release the machine.",
            )
        call.permit(owner_id=one.user_id)
        addresses.release(write, ip=ip)
        audit(write, call.request, call.user, f"released the address {ip}, which {one.username} had reserved")

    await house.services.database.writing(change)
    return None


_PATH = "ipaddresses/"
_DNS = "The network's own DNS answers names: a machine has the name it is called in its domain."
ROUTES = (
    Route(
        handler="IPAddresses",
        method="GET",
        path=_PATH,
        call=listing,
        who=Who.USER,
        doc="List the addresses that you have reserved.",
        params=(
            Param("ip", "text", "Only this address."),
            Param("all", "boolean", "All addresses that are taken, those of machines too: administrators."),
            Param("owner", "text", "Those of another user: administrators."),
        ),
    ),
    Route(
        handler="IPAddresses",
        method="POST",
        path=_PATH,
        op="reserve",
        call=reserve,
        who=Who.USER,
        doc="Reserve an address, or the lowest free one of a subnet.",
        params=(
            Param("subnet", "text", "The subnet, by id, name or CIDR. Default: the one that holds the address."),
            Param("ip", "text", "The address. Default: the lowest free one."),
            Param("ip_address", "text", "Its older name.", alias_of="ip"),
            Param("hostname", "text", "What it is for: a note.", longest=63),
            Param("mac", "text", "What it is for: a note."),
            Param("domain", "text", _DNS, must_equal=()),
        ),
    ),
    Route(
        handler="IPAddresses",
        method="POST",
        path=_PATH,
        op="release",
        call=release,
        who=Who.OWNER,
        doc="Release an address that was reserved.",
        params=(
            Param("ip", "text", "The address.", required=True),
            Param("force", "boolean", "Administrators release anybody's without it, too."),
            Param("discovered", "boolean", "Addresses that were only seen cannot be released."),
        ),
    ),
)
