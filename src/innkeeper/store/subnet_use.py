"""How full subnets are: all of them in a fixed number of queries, and one with what each piece of it is used for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.model import addresses as decide
from innkeeper.model.addresses import Span
from innkeeper.model.network import IpRange, Subnet
from innkeeper.store import addresses, ip_ranges
from innkeeper.store.network_tables import address, host_interface, link

_TAKEN = sa.select(address.c.subnet_id, address.c.ip)
_LEARNT = sa.select(link.c.subnet_id, link.c.ip).where(link.c.ip != "", link.c.subnet_id.is_not(None))
_OF_HOSTS = sa.select(host_interface.c.vlan_id, host_interface.c.addresses_json).where(
    host_interface.c.vlan_id.is_not(None), host_interface.c.addresses_json != "[]"
)


@dataclass(frozen=True, kw_only=True)
class Use:
    """How full a subnet is, in addresses that guests could have. `pieces`: all of it, with what each is used for."""

    total: int
    free: int
    pieces: tuple[Span, ...]

    @property
    def used(self) -> int:
        return self.total - self.free


def of_all(sql: sa.Connection, subnets: Iterable[Subnet]) -> dict[int, Use]:
    """By the subnet's id. Four queries."""
    taken: dict[int, list[str]] = defaultdict(list)
    for query in (_TAKEN, _LEARNT):
        for subnet_id, ip in sql.execute(query):
            taken[subnet_id].append(ip)
    on_vlans: dict[int, list[str]] = defaultdict(list)
    for vlan_id, told in sql.execute(_OF_HOSTS):
        on_vlans[vlan_id] += [each.partition("/")[0] for each in msgspec.json.decode(told)]
    ranges: dict[int, list[IpRange]] = defaultdict(list)
    for one in ip_ranges.listing(sql):
        ranges[one.subnet_id].append(one)
    return {
        each.id: _use(each, ranges[each.id], decide.within(each.cidr, [*taken[each.id], *on_vlans[each.vlan_id]]))
        for each in subnets
    }


def of_one(sql: sa.Connection, subnet: Subnet) -> Use:
    """One subnet. Four queries."""
    return _use(subnet, ip_ranges.of_subnet(sql, subnet.id), addresses.in_use(sql, subnet))


def _use(subnet: Subnet, ranges: Iterable[IpRange], taken: Iterable[str]) -> Use:
    whole = decide.usable(subnet.cidr)
    pieces = decide.divide(whole, decide.used(subnet, ranges, taken))
    return Use(total=whole.count, free=sum(one.count for one in pieces if not one.purposes), pieces=tuple(pieces))
