"""What lists refer to by id, and things found by id or name as clients send them."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.shapes import Lookups
from innkeeper.api.maas.values import MOST_DIGITS
from innkeeper.errors import Invalid, NotFound
from innkeeper.store import domains, host_interfaces, hosts, networks, pools, zones


def lookups(sql: sa.Connection) -> Lookups:
    """Zones, resource pools, domains and hosts: four queries for any list; five more for what machines hang on, when
    that is asked for."""
    return Lookups(
        zones={one.id: one for one in zones.listing(sql)},
        pools={one.id: one for one in pools.listing(sql)},
        domains={one.id: one for one in domains.listing(sql)},
        hosts={one.id: one for one in hosts.listing(sql)},
        networks=lambda: Wiring(networks.known(sql)),
        host_links=lambda: host_interfaces.of_hosts(sql, None),
    )


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
