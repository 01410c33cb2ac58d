"""The compose form as an address: everything that is filled in, row by row, and what the API is sent for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar
from urllib.parse import urlencode

from innkeeper.model.constraints import GB
from innkeeper.model.request import DEFAULT_CORES, DEFAULT_DISK, DEFAULT_MEMORY
from innkeeper.web.compose_cores import cores_of

Pairs = list[tuple[str, str]]
Row = TypeVar("Row")

PINNED = "pinned"  # the value of `by` when threads are picked, and the field that holds them
ANY_NETWORK = "link_speed=0"  # a condition that every interface meets
DEFAULTS = {"by": "number", "cores": str(DEFAULT_CORES), "memory": str(DEFAULT_MEMORY)}
_FIRST_DISK = {"size": str(DEFAULT_DISK // GB)}
_ROW = re.compile(r"(disk|nic)-(\d{1,3})-([a-z]+)")
_MOST_ROWS = 32
# Fields of the form: their names in the API, and their labels.
PLAIN = {
    "hostname": ("hostname", "Name"),
    "memory": ("memory", "Memory"),
    "hugepages": ("hugepages_backed", "Huge pages"),
    "architecture": ("architecture", "Architecture"),
    "zone": ("zone", "Zone"),
    "pool": ("pool", "Resource pool"),
    "domain": ("domain", "Domain"),
    "group": ("anti_affinity", "Anti-affinity group"),
    "tags": ("tags", "Tags"),
    "image": ("distro_series", "Image"),
    "cores": ("cores", "Number of cores"),
    PINNED: ("pinned_cores", "Cores to pin to"),
}
FIELDS = (*PLAIN, "by")


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A row of a disk, as it was typed. `pool` "": the default one."""

    size: str = ""
    pool: str = ""
    tags: str = ""


@dataclass(frozen=True, kw_only=True)
class Nic:
    """A row of an interface, as it was typed. `network`: a condition of `interfaces=`, "" any."""

    name: str = ""
    network: str = ""
    ip: str = ""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What is filled in. `boot`: which disk is the boot disk, counted from 1."""

    values: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    disks: tuple[Disk, ...] = (Disk(**_FIRST_DISK),)
    nics: tuple[Nic, ...] = ()
    boot: int = 1

    @property
    def is_pinned(self) -> bool:
        """Whether threads of the host are picked."""
        return self.values.get("by") == PINNED

    @property
    def in_order(self) -> list[tuple[int, Disk]]:
        """The disks with their numbers, the boot disk first."""
        return sorted(enumerate(self.disks, 1), key=lambda pair: pair[0] != self.boot)

    def label(self, number: int) -> str:
        """A disk's label in the API."""
        return "root" if number == self.boot else f"disk{number}"

    def pairs(self) -> Pairs:
        """All of it by the names of the form's fields, without what is empty."""
        found = [(name, self.values[name]) for name in FIELDS if self.values.get(name)]
        kinds: dict[str, Sequence[Disk | Nic]] = {"disk": self.disks, "nic": self.nics}
        for kind, rows in kinds.items():
            for number, row in enumerate(rows, 1):
                named = [(f"{kind}-{number}-{one.name}", getattr(row, one.name)) for one in fields(row)]
                found += [pair for pair in named if pair[1]] or [(named[0][0], "")]
        return [*found, ("boot", str(self.boot))]

    def address(self, path: str) -> str:
        """A page with all of it in its query."""
        return f"{path}?{urlencode(self.pairs())}"

    def changed(self, do: str) -> tuple[Filled, str]:
        """The same after a button for rows ("add-disk", "remove-nic-2"), and the field to go on with."""
        what, _, rest = do.partition("-")
        kind, _, number = rest.partition("-")
        if what == "add" and kind == "disk":
            disks = (*self.disks, Disk(**_FIRST_DISK))[:_MOST_ROWS]
            return replace(self, disks=disks), f"disk-{len(disks)}-size"
        if what == "add" and kind == "nic":
            nics = (*self.nics, Nic(name=_free_name(self.nics)))[:_MOST_ROWS]
            return replace(self, nics=nics), f"nic-{len(nics)}-name"
        at = int(number) if number.isdecimal() and len(number) < 4 else 0
        if what == "remove" and kind == "nic" and 0 < at <= len(self.nics):
            return replace(self, nics=_without(self.nics, at)), "interfaces"
        if what == "remove" and kind == "disk" and 0 < at <= len(self.disks) > 1:
            boot = 1 if at == self.boot else self.boot - (at < self.boot)
            return replace(self, disks=_without(self.disks, at), boot=boot), "storage"
        return self, ""

    def sent(self, *, host_chosen: bool = True) -> Pairs:
        """What the API is sent; what is typed must have been checked. Which zone and pool a host must be in is not."""
        left_out = {PINNED, *(("cores",) if self.is_pinned else ()), *(() if host_chosen else ("zone", "pool"))}
        given = [(api, self.values.get(name, "")) for name, (api, _) in PLAIN.items() if name not in left_out]
        found = [pair for pair in given if pair[1]]
        if self.is_pinned:
            found += [(PLAIN[PINNED][0], str(one)) for one in cores_of(self.values.get(PINNED, ""))]
        found.append(("storage", ",".join(self._storage(number, disk) for number, disk in self.in_order)))
        if self.nics:
            found.append(("interfaces", ";".join(map(_interface, self.nics))))
        return [*found, ("deploy", "true")] if self.values.get("image") else found

    def _storage(self, number: int, disk: Disk) -> str:
        tags = [one for one in (disk.pool, *words(disk.tags)) if one]
        return f"{self.label(number)}:{disk.size.strip()}" + (f"({','.join(tags)})" if tags else "")


def read(pairs: Iterable[tuple[str, str]]) -> Filled:
    """What an address or a form says; what it does not is as in an empty form."""
    values: dict[str, str] = {}
    rows: dict[str, dict[int, dict[str, str]]] = {"disk": {}, "nic": {}}
    for name, value in pairs:
        if match := _ROW.fullmatch(name):
            rows[match[1]].setdefault(int(match[2]), {})[match[3]] = value
        elif name in FIELDS or name == "boot":
            values[name] = value
    boot = values.pop("boot", "1")
    numbers = sorted(rows["disk"])[:_MOST_ROWS]
    disks = tuple(Disk(**_of(Disk, rows["disk"][number])) for number in numbers)
    chosen = int(boot) if boot.isdecimal() and len(boot) < 4 else 1
    return Filled(
        values=DEFAULTS | values,
        disks=disks or (Disk(**_FIRST_DISK),),
        nics=tuple(Nic(**_of(Nic, rows["nic"][number])) for number in sorted(rows["nic"])[:_MOST_ROWS]),
        boot=numbers.index(chosen) + 1 if chosen in numbers else 1,
    )


def words(text: str) -> list[str]:
    """The pieces between commas, without empty ones."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _of(row: type[Disk | Nic], sent: dict[str, str]) -> dict[str, str]:
    return {one.name: sent[one.name] for one in fields(row) if one.name in sent}


def _without(rows: Sequence[Row], number: int) -> tuple[Row, ...]:
    return tuple(row for position, row in enumerate(rows, 1) if position != number)


def _free_name(nics: Sequence[Nic]) -> str:
    taken = {nic.name for nic in nics}
    return next(name for name in (f"eth{number}" for number in range(len(nics) + 1)) if name not in taken)


def _interface(nic: Nic) -> str:
    terms = [nic.network or ("" if nic.ip.strip() else ANY_NETWORK), f"ip={nic.ip.strip()}" if nic.ip.strip() else ""]
    return f"{nic.name.strip()}:{','.join(term for term in terms if term)}"
