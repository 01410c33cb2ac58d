"""Hosts as placement sees them, one or the whole fleet: a number of queries that does not grow with hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from innkeeper.model.allocation import Wish
from innkeeper.model.host import Host, HostState, Inventory
from innkeeper.model.lifecycle import Status
from innkeeper.placement.decide import Decision, Standing, decide
from innkeeper.placement.fit import Candidate
from innkeeper.store import host_interfaces, hosts, machines, networks, pools, zones
from innkeeper.store.figures import figures
from innkeeper.store.tables import claim, machine
from innkeeper.store.tables import host as host_table

c, m = claim.c, machine.c
USABLE = (HostState.READY, HostState.DEGRADED)
_HOSTS: sa.BindParameter[list[int]] = sa.bindparam("ids", expanding=True)
_PINNED = sa.select(c.host_id, c.instance, c.pinned).where(c.host_id.in_(_HOSTS), c.pinned != "")
# One whose compose failed has no instance on the host any more.
_GROUPS = sa.select(m.host_id, m.hostname, m.anti_affinity).where(
    m.anti_affinity != "", m.status != int(Status.FAILED_COMMISSIONING), m.host_id.in_(_HOSTS)
)
_INVENTORIES = sa.select(host_table.c.id, host_table.c.updated, host_table.c.inventory_json).where(
    host_table.c.id.in_(_HOSTS)
)
_UPDATED = sa.select(host_table.c.id, host_table.c.updated).where(host_table.c.id.in_(_HOSTS))
# Made here, once: msgspec's first look at a type is not safe among threads.
_DECODER = msgspec.json.Decoder(Inventory)


class Inventories:
    """The inventories of the fleet as one process knows them: only what changed is read and decoded again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Inventory]] = {}

    def of(self, sql: sa.Connection, ids: Collection[int]) -> Mapping[int, Inventory]:
        """The inventories of hosts, by id."""
        updated = {row.id: row.updated for row in sql.execute(_UPDATED, {"ids": list(ids)})}
        known = {id: one for id, one in self._known.items() if updated.get(id) == one[0]}
        stale = [id for id in updated if id not in known]
        for row in sql.execute(_INVENTORIES, {"ids": stale}) if stale else ():
            told = _DECODER.decode(row.inventory_json) if row.inventory_json else Inventory()
            known[row.id] = (row.updated, told)
        self._known = known
        return {id: one[1] for id, one in known.items()}


def candidates(
    sql: sa.Connection, which: Sequence[Host], *, inventories: Mapping[int, Inventory] | None = None
) -> list[Candidate]:
    """Hosts as placement sees them, now."""
    ids = [one.id for one in which]
    counted = figures(sql, which)
    pinned: dict[int, dict[int, str]] = defaultdict(dict)
    for row in sql.execute(_PINNED, {"ids": ids}):
        pinned[row.host_id] |= dict.fromkeys(machines.ints(row.pinned), row.instance)
    groups: dict[int, dict[str, str]] = defaultdict(dict)
    for row in sql.execute(_GROUPS, {"ids": ids}):
        groups[row.host_id][row.anti_affinity] = row.hostname
    told = inventories if inventories is not None else {id: hosts.inventory(sql, id) for id in ids}
    known = networks.known(sql)
    on = host_interfaces.networks(sql, ids, known=known)
    return [
        Candidate(
            host_id=one.id,
            name=one.name,
            inventory=told[one.id],
            cores=counted[one.id].cores,
            memory=counted[one.id].memory,
            huge_pages=counted[one.id].huge_pages,
            storage=counted[one.id].storage,
            unmeasured=counted[one.id].unmeasured,
            default_pool=one.default_storage_pool,
            pinned_by=pinned[one.id],
            macvlan_mode=one.default_macvlan_mode or "",
            networks=on.get(one.id, ()),
            known=known,
            closed="" if one.schedulable else one.closed_reason or "no reason was given",
            groups=groups[one.id],
        )
        for one in which
    ]


def standings(sql: sa.Connection, which: Sequence[Host], *, inventories: Inventories | None = None) -> list[Standing]:
    """Hosts as the fleet's decision sees them, in their order."""
    told = inventories.of(sql, [one.id for one in which]) if inventories is not None else None
    zone_names = {one.id: one.name for one in zones.listing(sql)}
    pool_names = {one.id: one.name for one in pools.listing(sql)}
    return [
        Standing(
            candidate=candidate,
            kind=one.kind,
            zone_id=one.zone_id,
            pool_id=one.pool_id,
            zone=zone_names[one.zone_id],
            pool=pool_names[one.pool_id],
            tags=one.tags,
            away=away(one),
        )
        for one, candidate in zip(which, candidates(sql, which, inventories=told), strict=True)
    ]


def decision(
    sql: sa.Connection,
    wish: Wish,
    *,
    inventories: Inventories,
    waiting: Mapping[int, int] | None = None,
    without: Mapping[int, str] | None = None,
) -> Decision:
    """The decision over the whole fleet as it stands now; see `placement.decide`."""
    return decide(standings(sql, hosts.listing(sql), inventories=inventories), wish, waiting=waiting, without=without)


def away(one: Host) -> str:
    """Why a host cannot take machines just now, in words; "" when it can."""
    if one.state in USABLE:
        return ""
    return f"it is {one.state}" + (f" ({one.reason})" if one.reason else "")
