"""Links of NICs to subnets, with the addresses that they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, Invalid
from innkeeper.model.interface_constraints import InterfaceRequest
from innkeeper.model.network import LinkMode
from innkeeper.store import addresses
from innkeeper.store.database import Write
from innkeeper.store.network_tables import link
from innkeeper.store.tables import interface

_INSERT = sa.insert(link).returning(link.c.id)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An address that a link is to hold, and for what it is asked (a label, a NIC), for the refusal."""

    link_id: int
    ip: str
    subnet_id: int
    label: str


def insert(
    write: Write,
    *,
    interface_id: int,
    mode: LinkMode,
    subnet_id: int | None = None,
    ip: str = "",
    learnt: bool = False,
    gateway: bool = False,
) -> int:
    """Link a NIC. An `ip` that is not learnt must be taken as well (`take`). Returns the link's id."""
    row = {"interface_id": interface_id, "mode": mode, "subnet_id": subnet_id, "ip": ip, "learnt": learnt}
    return int(write.sql.scalar(_INSERT, {**row, "gateway": gateway}) or 0)


def take(write: Write, wanted: Iterable[Wanted], *, hostname: str = "") -> None:
    """Take the addresses of links, in the order that all keep. Invalid or Conflict, naming what asked for it."""
    for one in sorted(wanted, key=lambda each: each.ip):
        with _asked_by(one.label):
            addresses.take(write, ip=one.ip, subnet_id=one.subnet_id, link_id=one.link_id, hostname=hostname)


def check(sql: sa.Connection, wanted: Iterable[InterfaceRequest]) -> None:
    """Refuse addresses of NICs to be that cannot be had as things stand, in the words of `take`."""
    for nic in wanted:
        for one in nic.addresses:
            with _asked_by(nic.label):
                addresses.check(sql, ip=one.ip, subnet_id=one.subnet_id)


@contextmanager
def _asked_by(label: str) -> Iterator[None]:
    """Refusals of an address name what asked for it."""
    try:
        yield
    except Invalid as problem:
        messages = [f"{label}: {text}" for texts in problem.fields.values() for text in texts]
        raise Invalid(f"Invalid interfaces: {messages[0]}.", fields={"interfaces": messages}) from None
    except Conflict as taken:
        raise Conflict(f"{label}: {taken.brief}", details=taken.details, resolution=taken.resolution) from None


def forget(write: Write, system_id: str) -> None:
    """Take all links of a machine away; their addresses are free again."""
    nics = sa.select(interface.c.id).where(interface.c.system_id == system_id)
    write.sql.execute(sa.delete(link).where(link.c.interface_id.in_(nics)))


def update(write: Write, id: int, **values: Any) -> None:
    """Change columns of a link."""
    write.sql.execute(sa.update(link).where(link.c.id == id).values(**values))


def delete(write: Write, ids: Collection[int]) -> None:
    """Take links away; their addresses are free again."""
    if ids:
        write.sql.execute(sa.delete(link).where(link.c.id.in_(ids)))
