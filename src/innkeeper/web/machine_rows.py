"""Rows of the list of machines, in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import groupby

from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine
from innkeeper.store import machine_pages
from innkeeper.store.machine_pages import Key
from innkeeper.web import machine_filters, tones
from innkeeper.web.machine_case import Case
from innkeeper.web.machine_filters import NOBODY, Chosen


@dataclass(frozen=True, kw_only=True)
class Row:
    """A machine as the list shows it. `case`: what who looks may do with it is told by it."""

    case: Case
    zone: str
    pool: str

    @property
    def machine(self) -> Machine:
        return self.case.one

    @property
    def host(self) -> Host | None:
        return self.case.host

    @property
    def status(self) -> str:
        return self.case.status.label

    @property
    def tone(self) -> str:
        return tones.of_status(self.case.status)

    @property
    def power_tone(self) -> str:
        return tones.of_power(self.machine.power_state)

    @property
    def storage(self) -> int:
        return sum(disk.size for disk in self.machine.disks)

    @property
    def addresses(self) -> list[str]:
        """IPv4 first."""
        found = dict.fromkeys(link.ip for nic in self.machine.interfaces for link in nic.links if link.ip)
        return sorted(found, key=lambda ip: ip_address(ip).version)

    @property
    def pickable(self) -> bool:
        """Whether who looks may do anything with it."""
        return self.case.mine or self.case.free


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that belong together. `title` "": the list is not grouped; `address`: only this group's machines."""

    rows: tuple[Row, ...]
    title: str = ""
    address: str = ""
    link: str = ""
    count: int = 0


def grouped(rows: Sequence[Row], which: Chosen, counts: Mapping[Key, int]) -> tuple[Group, ...]:
    """The rows, which come in the order of their groups, in groups with titles."""
    by = which.group
    found = []
    for key, some in groupby(rows, key=lambda row: machine_pages.key_of(row.machine, by)):
        mine = tuple(some)
        title, value, link = _titled(mine[0], by)
        pairs = [*which.pairs, *([(by, value)] if value and (by, value) not in which.values else [])]
        address = machine_filters.listing(pairs)
        found.append(Group(rows=mine, title=title, address=address, link=link, count=counts.get(key, len(mine))))
    return tuple(found)


def _titled(row: Row, by: str) -> tuple[str, str, str]:
    """A group's title, the value that filters for it ("": none does), and the page of what it is."""
    if by == "host":
        one = row.host
        return (one.name, one.name, f"/hosts/{one.id}") if one else ("On no VM host", "", "")
    if by == "status":
        label = Status(row.machine.status).label
        return label, label, ""
    if by == "pool":
        return row.pool, row.pool, ""
    owner = row.machine.owner
    return owner or "Owned by nobody", owner or NOBODY, ""
