"""Machines one after the other, of any number: four queries, read side by side, and never all in memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from innkeeper.model.machine import Machine
from innkeeper.store import disks, interfaces, machines
from innkeeper.store.machines import Filter
from innkeeper.store.network_tables import link
from innkeeper.store.tables import disk, interface, machine

_SOME = {"yield_per": 500}  # rows that are fetched at once

_DISKS = sa.select(disk).join(machine, machine.c.system_id == disk.c.system_id)
_NICS = sa.select(interface).join(machine, machine.c.system_id == interface.c.system_id)
_LINKS = (
    sa.select(link)
    .join(interface, interface.c.id == link.c.interface_id)
    .join(machine, machine.c.system_id == interface.c.system_id)
)


def count(sql: sa.Connection, which: Filter) -> int:
    """How many machines there are."""
    query = machines.filtered(sa.select(sa.func.count()).select_from(machine), which)
    return 0 if which.nothing else int(sql.scalar(query) or 0)


def stream(sql: sa.Connection, which: Filter) -> Iterator[Machine]:
    """Machines with their disks and NICs, by id. The connection is for nothing else meanwhile."""
    if which.nothing:
        return
    by_id, by_nic = machine.c.id, interface.c.position
    disk_rows = _Ahead(_rows(sql, machines.filtered(_DISKS, which).order_by(by_id, disk.c.position)))
    nic_rows = _Ahead(_rows(sql, machines.filtered(_NICS, which).order_by(by_id, by_nic)))
    link_rows = _Ahead(_rows(sql, machines.filtered(_LINKS, which).order_by(by_id, by_nic, link.c.id)))
    for row in _rows(sql, machines.filtered(machines.ALL, which).order_by(by_id).limit(which.limit)):
        its_disks = [disks.from_row(each) for each in disk_rows.of(row.system_id)]
        nics = [
            interfaces.from_row(each, [interfaces.link_from_row(one) for one in link_rows.of(each.id)])
            for each in nic_rows.of(row.system_id)
        ]
        yield machines.from_row(row, its_disks, nics)


def _rows(sql: sa.Connection, query: sa.Select[Any]) -> Iterator[Any]:
    return iter(sql.execute(query, execution_options=_SOME))


class _Ahead:
    """Rows in the order in which their owners come, read as far as the owner that is asked for.

    Whose a row is stands in its second column.
    """

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, owner: object) -> list[Any]:
        """The rows of the owner, who comes after those that were asked for before."""
        found, row = [], self._next
        while row is not None and row[1] == owner:
            found.append(row)
            row = next(self._rows, None)
        self._next = row
        return found
