"""Which machines an address asks for: words, and filters that may have several values; chips that take one away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from starlette.requests import Request

from innkeeper.api.auth import Actor
from innkeeper.errors import Invalid
from innkeeper.model import lifecycle
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import PowerState
from innkeeper.store import hosts, pools, tags, users, zones
from innkeeper.store.machine_pages import GROUPS, SORTS, Wanted
from innkeeper.store.machines import Filter

PATH = "/machines"
FIELDS = {
    "host": "VM host",
    "status": "Status",
    "pool": "Resource pool",
    "zone": "Zone",
    "tag": "Tag",
    "owner": "Owner",
    "power": "Power",
}
GROUPED = {"host": "VM host", "status": "Status", "pool": "Resource pool", "owner": "Owner"}
NOBODY = "(nobody)"  # no user can be called that
OLD_WORDS = frozenset({"kvm", "kvms", "pod", "pods", "vm-host", "vm-hosts", "vmhost", "vmhosts"})
LONGEST = 200  # characters of words, and of a value
MANY = 200  # names that a field offers
MOST = 50  # filters at once
_OWN = ("q", *FIELDS, "group", "sort", "page")
# What a machine here can be. The rest of MAAS's statuses is of physical ones.
STATUSES = tuple(sorted(lifecycle.MOVES))


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A filter that is on. `address`: the list without it."""

    field: str
    title: str
    value: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What an address asks for, as it was written. `sort`: "name", or "-name" for the other way round."""

    q: str = ""
    values: tuple[tuple[str, str], ...] = ()  # (field, value)
    group: str = ""
    sort: str = "name"
    page: int = 1

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.q.split())

    @property
    def narrow(self) -> bool:
        """Whether not all machines are asked for."""
        return bool(self.words or self.values)

    @property
    def old_words(self) -> tuple[str, ...]:
        """Words that people who knew MAAS look for VM hosts by."""
        return tuple(word for word in self.words if word.casefold() in OLD_WORDS)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """What narrows the list, as an address has it."""
        return (*((("q", self.q),) if self.q else ()), *self.values)

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """All of it but the page; what is as ever is left out."""
        found = [*self.pairs]
        if self.group:
            found.append(("group", self.group))
        if self.sort != "name":
            found.append(("sort", self.sort))
        return tuple(found)

    @property
    def address(self) -> str:
        """The list."""
        return listing(self.query)

    @property
    def chips(self) -> list[Chip]:
        def without(pair: tuple[str, str]) -> str:
            return listing(one for one in self.query if one != pair)

        found = [Chip(field="q", title="Text", value=self.q, address=without(("q", self.q)))] if self.q else []
        return found + [
            Chip(field=field, title=FIELDS[field], value=value, address=without((field, value)))
            for field, value in self.values
        ]

    def of(self, field: str) -> tuple[str, ...]:
        """The values of a filter."""
        return tuple(value for name, value in self.values if name == field)


def listing(query: Iterable[tuple[str, str]]) -> str:
    """The address of the list with that query."""
    text = urlencode(list(query))
    return f"{PATH}?{text}" if text else PATH


def chosen(request: Request) -> Chosen:
    """What the address of a page asks for. Unknown sorts and groups are the usual ones. Invalid: too many filters."""
    sent = parse_qsl(request.scope["query_string"].decode("latin-1"))
    pairs = [(name, value.replace("\0", "").strip()[:LONGEST]) for name, value in sent]
    last = {name: value for name, value in pairs if value}
    values = dict.fromkeys((name, value) for name, value in pairs if name in FIELDS and value)
    if len(values) > MOST:
        raise Invalid(f"At most {MOST} filters at once.", details=f"The address has {len(values)}.")
    sort, number = last.get("sort", "name"), last.get("page", "")
    return Chosen(
        q=" ".join(last.get("q", "").split()),
        values=tuple(sorted(values, key=lambda pair: [*FIELDS].index(pair[0]))),
        group=last.get("group", "") if last.get("group") in GROUPS else "",
        sort=sort if sort.removeprefix("-") in SORTS else "name",
        page=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 1,
    )


def untidy(request: Request) -> bool:
    """Whether an address has fields that say nothing, as a browser sends a form that was not filled in."""
    query = request.scope["query_string"].decode("latin-1")
    return any(name in _OWN and not value for name, value in parse_qsl(query, keep_blank_values=True))


def wanted(sql: sa.Connection, which: Chosen, who: Actor) -> Wanted:
    """The machines that are asked for, as far as who looks may see them. A name that nothing has matches nothing."""
    known: dict[str, Callable[[set[str]], tuple[Any, ...]]] = {
        "host": lambda names: hosts.ids_of(sql, names),
        "zone": lambda names: _ids(zones.listing(sql), names),
        "pool": lambda names: _ids(pools.listing(sql), names),
        "owner": lambda names: tuple(one.id for one in users.listing(sql) if one.username in names),
        "status": lambda names: tuple(int(one) for one in map(lifecycle.named, names) if one is not None),
        "power": lambda names: tuple(one for one in PowerState if one in names),
    }
    found = {field: find(names) for field, find in known.items() if (names := set(which.of(field)))}
    unowned = NOBODY in which.of("owner")
    nothing = any(not ids and not (field == "owner" and unowned) for field, ids in found.items())
    return Wanted(
        words=which.words,
        which=Filter(
            host_ids=found.get("host", ()),
            zone_ids=found.get("zone", ()),
            pool_ids=found.get("pool", ()),
            owner_ids=found.get("owner", ()),
            unowned=unowned,
            statuses=found.get("status", ()),
            powers=found.get("power", ()),
            tags=which.of("tag"),
            nothing=nothing,
            seen_by=None if who.is_admin else who.user_id,
        ),
    )


def _ids(many: Iterable[zones.Zone] | Iterable[pools.Pool], names: set[str]) -> tuple[int, ...]:
    return tuple(one.id for one in many if one.name in names)


def options(sql: sa.Connection, who: Actor) -> dict[str, tuple[str, ...]]:
    """What can be chosen for each filter, as far as it is told: not more names than a person looks through."""
    owners = [one.username for one in users.listing(sql)] if who.is_admin else [who.username]
    return {
        "host": hosts.names(sql, limit=MANY),
        "status": tuple(sorted(Status(one).label for one in STATUSES)),
        "pool": tuple(sorted(one.name for one in pools.listing(sql))),
        "zone": tuple(sorted(one.name for one in zones.listing(sql))),
        "tag": tuple(one.name for one in tags.listing(sql))[:MANY],
        "owner": (NOBODY, *owners[:MANY]),
        "power": tuple(str(one) for one in PowerState),
    }
