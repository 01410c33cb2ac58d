"""IP ranges: addresses of a subnet that are not given at random. Reserved ones, and dynamic ones, which DHCP gives."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model import addresses as decide
from innkeeper.model.network import IpRange, Subnet
from innkeeper.store import subnets
from innkeeper.store.database import Write
from innkeeper.store.network_tables import address, ip_range

_ALL = sa.select(ip_range).order_by(ip_range.c.id)
_SUBNETS: sa.BindParameter[list[int]] = sa.bindparam("subnets", expanding=True)
_IN = _ALL.where(ip_range.c.subnet_id.in_(_SUBNETS))
_INSERT = sa.insert(ip_range).returning(ip_range.c.id)


def listing(sql: sa.Connection) -> list[IpRange]:
    """All ranges, by id."""
    return [IpRange(**row._mapping) for row in sql.execute(_ALL)]


def within(sql: sa.Connection, around: Collection[Subnet]) -> list[IpRange]:
    """The ranges of subnets (one and those that it overlaps), by id."""
    return [IpRange(**row._mapping) for row in sql.execute(_IN, {"subnets": [one.id for one in around]})]


def find(sql: sa.Connection, id: int) -> IpRange:
    """One range; NotFound."""
    row = sql.execute(sa.select(ip_range).where(ip_range.c.id == id)).first()
    if row is None:
        raise NotFound("No IPRange matches the given query.")
    return IpRange(**row._mapping)


def create(
    write: Write, *, subnet_id: int, kind: str, start: str, end: str, comment: str = "", user_id: int | None = None
) -> IpRange:
    """Set a range apart (addresses in normal form, in the subnet). Conflict when it meets another, or a taken address
    that would become DHCP's: in this subnet, or in one that it overlaps."""
    one = IpRange(id=0, subnet_id=subnet_id, kind=kind, start=start, end=end, comment=comment, user_id=user_id)
    _check(write, one)
    values = {"subnet_id": subnet_id, "kind": kind, "start": start, "end": end, "comment": comment, "user_id": user_id}
    return find(write.sql, int(write.sql.scalar(_INSERT, values) or 0))


def update(write: Write, *, id: int, **values: Any) -> IpRange:
    """Change columns, by the same rules."""
    old = find(write.sql, id)
    new = IpRange(**{name: values.get(name, getattr(old, name)) for name in IpRange.__dataclass_fields__})
    _check(write, new)
    if values:
        write.sql.execute(sa.update(ip_range).where(ip_range.c.id == id).values(values))
    return new


def delete(write: Write, *, id: int) -> None:
    """Delete a range."""
    find(write.sql, id)
    write.sql.execute(sa.delete(ip_range).where(ip_range.c.id == id))


def _check(write: Write, one: IpRange) -> None:
    subnets.hold_addresses(write, alone=True)
    around = {each.id: each for each in subnets.overlapping(write.sql, subnets.find(write.sql, one.subnet_id))}
    first, last = int(ipaddress.ip_address(one.start)), int(ipaddress.ip_address(one.end))
    for other in within(write.sql, around.values()):
        if other.id == one.id:
            continue
        if int(ipaddress.ip_address(other.start)) <= last and int(ipaddress.ip_address(other.end)) >= first:
            where = f" of {around[other.subnet_id].cidr}" if other.subnet_id != one.subnet_id else ""
            meets = f"the {other.kind} range {other.start} to {other.end} (id {other.id}){where}"
            raise Conflict(f"The range meets {meets}.")
    if one.kind == decide.DYNAMIC:
        taken = write.sql.scalars(sa.select(address.c.ip).where(address.c.subnet_id.in_(around)))
        if held := next((ip for ip in taken if decide.inside(one, ip)), None):
            raise Conflict(f"The range holds {held}, which is taken: DHCP would give it to somebody else.")
