"""NICs of machine records, with their links to subnets."""

from __future__ import annotations

import secrets as random
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.model.machine import Interface
from innkeeper.model.network import Link, LinkMode
from innkeeper.store.database import Write, strings
from innkeeper.store.network_tables import link, subnet
from innkeeper.store.rows import made
from innkeeper.store.tables import interface, machine

_MAC = sa.select(interface.c.id).where(interface.c.mac == sa.bindparam("mac"))
_INSERT = sa.insert(interface).returning(interface.c.id)
_IDS: sa.BindParameter[list[str]] = sa.bindparam("ids", expanding=True)
_ALL = sa.select(interface).order_by(interface.c.system_id, interface.c.position)
_OF = _ALL.where(interface.c.system_id.in_(_IDS))
_LINKS = sa.select(link).order_by(link.c.id)
_LINKS_OF = (
    sa.select(link).join(interface, interface.c.id == link.c.interface_id).where(interface.c.system_id.in_(_IDS))
).order_by(link.c.id)


def fresh_mac(sql: sa.Connection) -> str:
    """A MAC of the range LXD uses (00:16:3e, Xensource's) that no NIC we know has."""
    while True:
        mac = "00:16:3e:" + ":".join(f"{random.randbelow(256):02x}" for _ in range(3))
        if sql.scalar(_MAC, {"mac": mac}) is None:
            return mac


def insert(
    write: Write,
    *,
    system_id: str,
    position: int,
    name: str,
    mac: str,
    attach: str,
    parent: str,
    mode: str = "",
    vlan: int = 0,
    vlan_id: int | None = None,
) -> int:
    """Add a NIC to a machine; `vlan` the tag it is attached with, `vlan_id` the VLAN it is on. Returns its id."""
    values = {"position": position, "name": name, "mac": mac, "attach": attach, "parent": parent, "mode": mode}
    row = {"system_id": system_id, "vlan": vlan, "vlan_id": vlan_id, "tags_json": "[]", **values}
    return int(write.sql.scalar(_INSERT, row) or 0)


def of(sql: sa.Connection, ids: Collection[str] | None) -> dict[str, list[Interface]]:
    """The NICs of machines by system_id, in their order; None: of all machines. Two queries."""
    which = {} if ids is None else {"ids": list(ids)}
    links: dict[int, list[Link]] = defaultdict(list)
    for row in sql.execute(_LINKS if ids is None else _LINKS_OF, which):
        links[row.interface_id].append(link_from_row(row))
    found: dict[str, list[Interface]] = defaultdict(list)
    for row in sql.execute(_ALL if ids is None else _OF, which):
        found[row.system_id].append(from_row(row, links.get(row.id, ())))
    return found


def from_row(row: Any, links: Iterable[Link]) -> Interface:
    """A NIC of its row, with its links."""
    id, _, _, name, mac, attach, parent, mode, vlan, vlan_id, tags = row
    values = {"id": id, "name": name, "mac": mac, "attach": attach, "parent": parent, "mode": mode, "vlan": vlan}
    values |= {"vlan_id": vlan_id, "tags": strings(tags), "links": tuple(links)}
    return made(Interface, values)


def link_from_row(row: Any) -> Link:
    """A link of its row."""
    return Link(
        id=row.id,
        mode=LinkMode(row.mode),
        subnet_id=row.subnet_id,
        ip=row.ip,
        learnt=row.learnt,
        gateway=row.gateway,
    )


def update(write: Write, id: int, **values: Any) -> None:
    """Change columns of a NIC."""
    write.sql.execute(sa.update(interface).where(interface.c.id == id).values(**values))


def delete(write: Write, id: int) -> None:
    """Forget a NIC, with its links."""
    write.sql.execute(sa.delete(interface).where(interface.c.id == id))


def linked_on(sql: sa.Connection, *, host_id: int, parent: str) -> str:
    """Who, of the NICs that hang on an interface of a host untagged, is linked to a subnet, in words. "" nobody."""
    query = sa.select(machine.c.hostname, interface.c.name, subnet.c.cidr).select_from(link)
    query = query.join(interface, interface.c.id == link.c.interface_id).join(subnet, subnet.c.id == link.c.subnet_id)
    query = query.join(machine, machine.c.system_id == interface.c.system_id)
    rows = sql.execute(query.where(machine.c.host_id == host_id, _on(parent)).order_by(interface.c.id).limit(5))
    return ", ".join(f"{row.name} of machine {row.hostname} ({row.cidr})" for row in rows)


def move(write: Write, *, host_id: int, parent: str, vlan_id: int | None) -> None:
    """NICs that hang on an interface of a host untagged are on its VLAN."""
    its = sa.select(machine.c.system_id).where(machine.c.host_id == host_id)
    moved = sa.update(interface).where(interface.c.system_id.in_(its), _on(parent))
    write.sql.execute(moved.values(vlan_id=vlan_id))


def _on(parent: str) -> sa.ColumnElement[bool]:
    return sa.and_(interface.c.parent == parent, interface.c.vlan == 0)


def set_tags(write: Write, id: int, tags: Collection[str]) -> None:
    """The tags of a NIC."""
    update(write, id, tags_json=msgspec.json.encode(list(tags)).decode())


def mac_taken(sql: sa.Connection, mac: str) -> bool:
    """Whether a NIC that we know has a MAC."""
    return sql.scalar(_MAC, {"mac": mac}) is not None
