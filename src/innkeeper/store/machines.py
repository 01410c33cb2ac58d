"""Machine records with their disks and NICs. A list costs four queries, whatever its length."""

from __future__ import annotations

import secrets as random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.lifecycle import Status, allowed, safe
from innkeeper.model.machine import Disk, Interface, Machine, Origin, PowerState
from innkeeper.store import disks, events, interfaces, secrets
from innkeeper.store.account_tables import user_account
from innkeeper.store.database import NOW, Write, strings
from innkeeper.store.events import Event
from innkeeper.store.rows import made
from innkeeper.store.tables import interface, machine

_ID_LETTERS = "abcdefghkmnpqrstwxy3478"  # no vowels but a, e, y; nothing that reads like another letter
_INNER = ("placement_json", "settled_at", "status_before", "used")
_COLUMNS = [column for column in machine.c if column.name not in _INNER]
ALL = sa.select(*_COLUMNS, user_account.c.username.label("owner")).outerjoin(
    user_account, user_account.c.id == machine.c.owner_id
)
_NAMES = (*(column.name for column in _COLUMNS), "owner")
_ONE = machine.c.system_id == sa.bindparam("which")
_FIND = ALL.where(_ONE)
_THERE = sa.select(machine.c.id).where(_ONE)
_STATUS = sa.select(
    machine.c.status, machine.c.status_before, machine.c.used, machine.c.hostname, machine.c.host_id
).where(_ONE)
_TAKEN = sa.select(machine.c.id).where(machine.c.hostname == sa.bindparam("hostname"))
_INSERT = sa.insert(machine).values(created=NOW, updated=NOW)
_UPDATE = sa.update(machine).where(_ONE).values(updated=NOW)
_USE = sa.update(machine).where(_ONE, sa.not_(machine.c.used)).values(used=True)
_ORIGINS, _POWER = {str(one): one for one in Origin}, {str(one): one for one in PowerState}
UNWIPED = "it ran, and was not wiped: mark it fixed, and it is"
FEW = 500  # machines, up to which their devices are asked for by system_id


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which machines: empty means all. Several values of one field mean any of them; `tags` means all of them."""

    system_ids: tuple[str, ...] = ()
    hostnames: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    domain_ids: tuple[int, ...] = ()
    zone_ids: tuple[int, ...] = ()
    not_zone_ids: tuple[int, ...] = ()
    pool_ids: tuple[int, ...] = ()
    not_pool_ids: tuple[int, ...] = ()
    host_ids: tuple[int, ...] = ()
    not_host_ids: tuple[int, ...] = ()
    nothing: bool = False  # a name that was asked for does not exist
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    agent_name: str | None = None
    statuses: tuple[int, ...] = ()
    powers: tuple[str, ...] = ()
    owner_ids: tuple[int, ...] = ()
    unowned: bool = False  # also, or only, those that nobody owns
    seen_by: int | None = None  # a user's id: only theirs and unowned ones
    after: int = 0  # only those with a greater id (the row's), as pages are asked for
    limit: int | None = None
    devices: bool | None = False  # True: only devices; None: machines and devices


def ints(text: str) -> tuple[int, ...]:
    """ "0,3" as numbers."""
    return tuple(int(part) for part in text.split(",") if part)


def text(numbers: Collection[int]) -> str:
    """Numbers as "0,3"."""
    return ",".join(str(number) for number in numbers)


def fresh_id(sql: sa.Connection) -> str:
    """A system_id that is free."""
    while True:
        id = "".join(random.choice(_ID_LETTERS) for _ in range(6))
        if gone(sql, id):
            return id


def insert(write: Write, **values: Any) -> None:
    """Make a machine row; its hostname must be free."""
    defaults: dict[str, Any] = {
        "status_message": "",
        "power_state": PowerState.UNKNOWN,
        "pinned": "",
        "huge_pages": False,
        "cpu_speed": 0,
        "host_id": None,
        "project": "",
        "instance": "",
        "owner_id": None,
        "owner_data_json": "{}",
        "tags_json": "[]",
        "description": "",
        "agent_name": "",
        "locked": False,
        "placement_json": "",
        "digest": "",
        "settled_at": 0.0,
        "status_before": -1,
        "used": False,
        "composer_id": None,
        "dynamic": False,
        "osystem": "",
        "distro_series": "",
        "anti_affinity": "",
        "parent": "",
    }
    write.sql.execute(_INSERT, defaults | values)


def settled_at(sql: sa.Connection, system_id: str) -> float:
    """When an operation last left a machine as its record says: what was seen before it is older."""
    return float(sql.scalar(sa.select(machine.c.settled_at).where(machine.c.system_id == system_id)) or 0.0)


def find(sql: sa.Connection, system_id: str) -> Machine:
    """One machine; NotFound in the words that clients know."""
    rows = sql.execute(_FIND, {"which": system_id}).all()
    if not rows:
        raise NotFound("No Machine matches the given query.")
    return _with_devices(sql, rows)[0]


def numbered(sql: sa.Connection, id: int) -> Machine | None:
    """The machine of that number, which is not its system_id."""
    system_id = sql.scalar(sa.select(machine.c.system_id).where(machine.c.id == id))
    return find(sql, system_id) if system_id else None


def named(sql: sa.Connection, hostname: str) -> Machine | None:
    """The machine or device of that host name."""
    found = listing(sql, Filter(hostnames=(hostname,), devices=None))
    return found[0] if found else None


def listing(sql: sa.Connection, which: Filter | None = None) -> list[Machine]:
    """Machines with their disks and NICs, by id."""
    which = which or Filter()
    if which.nothing:
        return []
    return _with_devices(sql, sql.execute(filtered(ALL, which).order_by(machine.c.id).limit(which.limit)).all())


def ids(which: Filter) -> sa.Select[tuple[str]]:
    """The query for the system_ids of machines, for use within others."""
    query: sa.Select[tuple[str]] = filtered(sa.select(machine.c.system_id), which)
    return query.where(sa.false()) if which.nothing else query


def _with_devices(sql: sa.Connection, rows: Sequence[Any]) -> list[Machine]:
    """The machines of these rows. For more than a few hundred, reading the devices of all machines is cheaper."""
    ids = [row.system_id for row in rows] if len(rows) <= FEW else None
    disks_of, nics_of = disks.of(sql, ids), interfaces.of(sql, ids)
    return [from_row(row, disks_of.get(row.system_id, []), nics_of.get(row.system_id, [])) for row in rows]


def tagged(name: str) -> sa.ColumnElement[bool]:
    """The condition that a machine has a tag. REPLACE tells cases apart on every database; LIKE does not."""
    column = machine.c.tags_json
    return sa.func.replace(column, msgspec.json.encode(name).decode(), "") != column


def filtered(query: Any, which: Filter) -> Any:
    """A query of machines with what a filter asks of them."""
    m = machine.c
    for column, values in (
        (m.system_id, which.system_ids),
        (m.hostname, which.hostnames),
        (m.domain_id, which.domain_ids),
        (m.zone_id, which.zone_ids),
        (m.pool_id, which.pool_ids),
        (m.host_id, which.host_ids),
        (m.status, which.statuses),
        (m.power_state, which.powers),
    ):
        if values:
            query = query.where(column.in_(values))
    for column, values in ((m.zone_id, which.not_zone_ids), (m.pool_id, which.not_pool_ids)):
        if values:
            query = query.where(column.not_in(values))
    if which.not_host_ids:
        query = query.where(sa.or_(m.host_id.is_(None), m.host_id.not_in(which.not_host_ids)))
    if which.owner_ids or which.unowned:
        nobody = m.owner_id.is_(None) if which.unowned else sa.false()
        query = query.where(sa.or_(m.owner_id.in_(which.owner_ids), nobody))
    query = query.where(*map(tagged, which.tags), *(~tagged(name) for name in which.not_tags))
    if which.macs:
        macs = [mac.lower() for mac in which.macs]
        query = query.where(m.system_id.in_(sa.select(interface.c.system_id).where(interface.c.mac.in_(macs))))
    if which.devices is not None:
        query = query.where(m.origin == Origin.DEVICE if which.devices else m.origin != Origin.DEVICE)
    if which.agent_name is not None:
        query = query.where(m.agent_name == which.agent_name)
    if which.after:
        query = query.where(m.id > which.after)
    if which.seen_by is not None:
        query = query.where(sa.or_(m.owner_id.is_(None), m.owner_id == which.seen_by))
    return query


def from_row(row: Any, its_disks: Iterable[Disk], nics: Iterable[Interface]) -> Machine:
    """A machine of its row."""
    values = dict(zip(_NAMES, row, strict=True))
    values["owner"] = values["owner"] or ""
    values["origin"], values["power_state"] = _ORIGINS[values["origin"]], _POWER[values["power_state"]]
    values["pinned"], values["tags"] = ints(values["pinned"]), strings(values.pop("tags_json"))
    values["owner_data"] = _pairs(values.pop("owner_data_json"))
    values["disks"], values["interfaces"] = tuple(its_disks), tuple(nics)
    return made(Machine, values)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(msgspec.json.decode(text).items()) if text != "{}" else ()


def update(write: Write, system_id: str, **values: Any) -> None:
    """Change columns of a machine. One that runs is used."""
    if values.get("power_state") == PowerState.ON:
        values["used"] = True
    write.sql.execute(_UPDATE, {"which": system_id, **values})


def set_status(write: Write, system_id: str, status: Status, *, message: str = "", actor: str = "") -> None:
    """Move a machine to another status, with an event; Conflict when the life cycle has no such move.

    What would become Ready with what a user left on its disks becomes Broken: see `lifecycle.safe`.
    """
    row = write.sql.execute(_STATUS, {"which": system_id}).first()
    if row is None:
        raise NotFound("No Machine matches the given query.")
    before = Status(row.status)
    if not allowed(before=before, after=status):
        raise Conflict(f"{row.hostname} is {before.label}; it cannot become {status.label}.")
    earlier = Status(row.status_before) if row.status_before >= 0 else None
    wanted, status = status, safe(before=before, earlier=earlier, after=status, used=bool(row.used))
    message = message if status == wanted else UNWIPED
    update(write, system_id, status=int(status), status_message=message)
    if before != status:
        update(write, system_id, status_before=int(before))
        text = f"{row.hostname}: {before.label} → {status.label}" + (f" ({message})" if message else "")
        events.add(
            write,
            Event(
                kind="machine",
                what="status",
                text=text,
                host_id=row.host_id,
                system_id=system_id,
                state=status.label[:10],
                actor=actor,
            ),
        )


def use(write: Write, system_id: str) -> None:
    """Note that a machine runs now, or soon."""
    write.sql.execute(_USE, {"which": system_id})


def used(sql: sa.Connection, system_id: str) -> bool:
    """Whether a machine ran since its disks were made: then they may hold something."""
    return bool(sql.scalar(sa.select(machine.c.used).where(machine.c.system_id == system_id)))


def status_before(sql: sa.Connection, system_id: str) -> Status | None:
    """What a machine was before its last change of status; None: nothing else yet."""
    before = sql.scalar(sa.select(machine.c.status_before).where(machine.c.system_id == system_id))
    return Status(before) if before is not None and before >= 0 else None


def statuses_before(sql: sa.Connection, ids: Collection[str]) -> dict[str, Status | None]:
    """`status_before` of many."""
    query = sa.select(machine.c.system_id, machine.c.status_before).where(machine.c.system_id.in_(ids))
    return {row[0]: Status(row[1]) if row[1] is not None and row[1] >= 0 else None for row in sql.execute(query)}


def placement(sql: sa.Connection, system_id: str) -> str:
    """Why a machine is where it is, as JSON text; "" for adopted ones."""
    return sql.scalar(sa.select(machine.c.placement_json).where(machine.c.system_id == system_id)) or ""


def gone(sql: sa.Connection, system_id: str) -> bool:
    """Whether a machine's record is gone."""
    return sql.scalar(_THERE, {"which": system_id}) is None


def taken(sql: sa.Connection, hostname: str) -> bool:
    """Whether a machine of that host name exists."""
    return sql.scalar(_TAKEN, {"hostname": hostname}) is not None


def delete(write: Write, system_id: str) -> None:
    """Delete a machine's record and secrets (its claim must be gone or let go before), and the devices in it."""
    secrets.forget(write, path=f"machine/{system_id}")
    write.sql.execute(sa.delete(machine).where(machine.c.parent == system_id))
    write.sql.execute(sa.delete(machine).where(machine.c.system_id == system_id))
