"""What lists refer to by id, and things found by id or name as clients send them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa

from innkeeper.api.maas import machine_shapes
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.shapes import Json, Lookups
from innkeeper.api.maas.values import MOST_DIGITS
from innkeeper.errors import Invalid, NotFound
from innkeeper.model.machine import Machine, Origin
from innkeeper.store import domains, host_interfaces, hosts, networks, pools, zones

FEW = 500  # machines, up to which only what they refer to is read


def lookups(sql: sa.Connection, about: Sequence[Machine] | None = None, *, known: Lookups | None = None) -> Lookups:
    """Zones, resource pools, domains and hosts: four queries for any list; six more for what machines hang on, when
    that is asked for. With few machines `about` whom it is, only their hosts and networks are read. `known`: what was
    read of the rest before."""
    few = about if about is not None and len(about) <= FEW else None
    if few is None:
        found, ids = hosts.listing(sql), None
    else:
        records = [one.system_id for one in few if one.origin == Origin.HOST]
        found = hosts.some(sql, ids={one.host_id for one in few if one.host_id is not None}, system_ids=records)
        ids = {one.id for one in found if one.system_id in records}
    links = cache(lambda: host_interfaces.of_hosts(sql, ids) if ids != set() else {})

    def wiring() -> Wiring:
        if few is None:
            return Wiring(networks.known(sql))
        on = {link.vlan_id for each in links().values() for link in each if link.vlan_id is not None}
        return Wiring(networks.around(sql, few, vlan_ids=on))

    return Lookups(
        zones=known.zones if known else {one.id: one for one in zones.listing(sql)},
        pools=known.pools if known else {one.id: one for one in pools.listing(sql)},
        domains=known.domains if known else {one.id: one for one in domains.listing(sql)},
        hosts={one.id: one for one in found},
        networks=wiring,
        host_links=links,
    )


def shape(sql: sa.Connection, one: Machine) -> Json:
    """The JSON of one machine."""
    return machine_shapes.machine(one, lookups(sql, [one]))


def zone_id(sql: sa.Connection, text: str, *, field: str = "zone") -> int:
    """The id of a zone sent as id or name; Invalid naming the field."""
    return _named(sql, text, field, zones.find)


def pool_id(sql: sa.Connection, text: str, *, field: str = "pool") -> int:
    """The id of a resource pool sent as id (0 is valid) or name; Invalid naming the field."""
    return _named(sql, text, field, pools.find)


def domain_id(sql: sa.Connection, text: str, *, field: str = "domain") -> int:
    """The id of a domain sent as id or name; Invalid naming the field."""
    return _named(sql, text, field, domains.find)


def _named(sql: sa.Connection, text: str, field: str, find: object) -> int:
    """A name wins over an id, so that a thing named "7" can be reached."""
    number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    for how in ({"name": text}, {"id": int(text)} if number else None):
        if how is None:
            continue
        try:
            return int(find(sql, **how).id)  # type: ignore[operator]
        except NotFound as error:
            last = error
    raise Invalid(str(last), fields={field: [last.brief]})
