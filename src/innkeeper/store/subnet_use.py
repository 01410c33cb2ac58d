"""How full subnets are: all of them in a fixed number of queries, and one with what each piece of it is used for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
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
    """By the subnet's id. Four queries. `subnets`: all that there are: what is in one inside another is in both."""
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
    uses = {}
    for each, around in decide.overlapping(subnets):
        theirs = [ip for other in around if other.id != each.id for ip in decide.fixtures(other)]
        seen = [ip for vlan_id in {one.vlan_id for one in around} for ip in on_vlans[vlan_id]]
        held = [ip for one in around for ip in taken[one.id]]
        spans = [span for one in around for span in ranges[one.id]]
        uses[each.id] = _use(each, spans, decide.within(each.cidr, [*held, *seen, *theirs]))
    return uses


def of_one(sql: sa.Connection, subnet: Subnet, around: Collection[Subnet]) -> Use:
    """One subnet. Four queries. `around`: the subnets that it overlaps, and itself."""
    return _use(subnet, ip_ranges.within(sql, around), addresses.in_use(sql, subnet, around))


def _use(subnet: Subnet, ranges: Iterable[IpRange], taken: Iterable[str]) -> Use:
    whole = decide.usable(subnet.cidr)
    pieces = decide.divide(whole, decide.used(subnet, ranges, taken))
    return Use(total=whole.count, free=sum(one.count for one in pieces if not one.purposes), pieces=tuple(pieces))
