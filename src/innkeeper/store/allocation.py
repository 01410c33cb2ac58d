"""Who has which machine: a Ready one is taken by one caller and no other, and given back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.model.allocation import Wish, cost
from innkeeper.model.host import Host, HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.model.network_names import Networks
from innkeeper.placement.matching import Around, Match, match
from innkeeper.store import holdings, hosts, machines, networks, stamps, unfinished
from innkeeper.store.database import Write
from innkeeper.store.machines import Filter
from innkeeper.store.tables import machine

m = machine.c
_HARMLESS = ("power_on", "power_off")  # work on a machine that does not stand in the way of taking it
_TAKE = sa.update(machine).where(
    m.system_id == sa.bindparam("which"),
    m.status == int(Status.READY),
    m.origin == Origin.COMPOSED,
    m.owner_id.is_(None),
    sa.not_(m.locked),
)
_GROUP = sa.select(m.id).where(
    m.host_id == sa.bindparam("at"),
    m.anti_affinity == sa.bindparam("group"),
    m.system_id != sa.bindparam("but"),
    holdings.holds(m.system_id),
)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The Ready machines that meet a wish, cheapest first, and on how many of all each constraint failed."""

    fitting: tuple[str, ...] = ()
    ready: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A machine that was taken, and which of its disks and NICs were meant by the wish."""

    machine: Machine
    meant: Match


def look(sql: sa.Connection, wish: Wish) -> Looked:
    """The Ready machines that nobody owns, measured by a wish. Promises nothing: `take` looks again."""
    which = Filter(statuses=(int(Status.READY),), system_ids=(wish.system_id,) if wish.system_id else ())
    there = [one for one in machines.listing(sql, which) if one.owner_id is None and one.origin == Origin.COMPOSED]
    if not there:
        return Looked()
    on, known = {one.id: one for one in hosts.listing(sql)}, _known(sql, wish)
    fitting, failed = [], Counter[str]()
    for one in sorted(there, key=lambda one: (cost(cores=one.cores, memory=one.memory), one.id)):
        against = _match(one, wish, on.get(one.host_id or 0), known).against
        if one.locked:
            against = (*against, "locked")
        failed.update(against)
        if not against:
            fitting.append(one.system_id)
    return Looked(fitting=tuple(fitting), ready=len(there), failed=failed)


def _known(sql: sa.Connection, wish: Wish) -> Networks:
    """The networks, where the wish speaks of any."""
    speaks = wish.there or wish.not_there or any(one.conditions for one in wish.interfaces)
    return networks.known(sql) if speaks else Networks()


def _match(one: Machine, wish: Wish, host: Host | None, known: Networks) -> Match:
    around = Around(host=host.name if host else "", kind=host.kind if host else "", known=known)
    return match(one, wish, around)


def take(
    write: Write, *, system_id: str, wish: Wish, owner_id: int, agent_name: str = "", actor: str = ""
) -> Taken | None:
    """Give a Ready machine to a user, in the caller's transaction; None when it is not to be had (any more).

    Its host's row is locked, as for everything that changes what is on a host: what is ordered for the machine, and
    who is of which anti-affinity group, stands still meanwhile.
    """
    try:
        before = machines.find(write.sql, system_id)
        host = hosts.lock(write, before.host_id) if before.host_id is not None else None
        one = machines.find(write.sql, system_id)
    except NotFound:
        return None
    if host is None or host.state == HostState.REMOVING or _worked_on(write.sql, system_id):
        return None
    found = _match(one, wish, host, _known(write.sql, wish))
    group = wish.anti_affinity
    if found.against or (group and _group_is_there(write.sql, host.id, group, but=system_id)):
        return None
    values = {"owner_id": owner_id, "agent_name": agent_name, "anti_affinity": group or one.anti_affinity}
    if write.sql.execute(_TAKE.values(values), {"which": system_id}).rowcount != 1:
        return None
    if group:
        stamps.move(write.sql, host.id)
    machines.set_status(write, system_id, Status.ALLOCATED, actor=actor)
    return Taken(machine=machines.find(write.sql, system_id), meant=found)


def _worked_on(sql: sa.Connection, system_id: str) -> bool:
    """Whether something is being done with a machine that takes it away or changes it."""
    return any(one.kind not in _HARMLESS for one in unfinished.of_machine(sql, system_id))


def _group_is_there(sql: sa.Connection, host_id: int, group: str, *, but: str) -> bool:
    return sql.scalar(_GROUP, {"at": host_id, "group": group, "but": but}) is not None


def vacate(write: Write, system_id: str) -> None:
    """What ends with a release: who has it, what they noted on it, what was installed. Its status is the caller's."""
    one = machines.find(write.sql, system_id)
    if one.anti_affinity and one.host_id is not None:
        stamps.move(write.sql, one.host_id)
    machines.update(
        write,
        system_id,
        owner_id=None,
        owner_data_json="{}",
        agent_name="",
        anti_affinity="",
        osystem="",
        distro_series="",
    )
