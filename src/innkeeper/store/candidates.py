"""Hosts as placement sees them, one or the whole fleet: a number of queries that does not grow with hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from innkeeper.model.host import Host, HostState, Inventory
from innkeeper.model.network_names import Networks
from innkeeper.placement.decide import Standing
from innkeeper.placement.fit import Candidate
from innkeeper.store import holdings, host_interfaces, machines, networks, pools, zones
from innkeeper.store.figures import figures
from innkeeper.store.tables import claim, machine
from innkeeper.store.tables import host as host_table

c, m = claim.c, machine.c
USABLE = (HostState.READY, HostState.DEGRADED)
_HOSTS: sa.BindParameter[list[int]] = sa.bindparam("ids", expanding=True)
_PINNED = sa.select(c.host_id, c.instance, c.pinned).where(c.host_id.in_(_HOSTS), c.pinned != "")
# Whatever its status: one whose compose was undone has no claim, and no instance on the host, any more.
_GROUPS = sa.select(m.host_id, m.hostname, m.anti_affinity).where(
    m.anti_affinity != "", holdings.holds(m.system_id), m.host_id.in_(_HOSTS)
)
_INVENTORIES = sa.select(host_table.c.id, host_table.c.inventory_json).where(host_table.c.id.in_(_HOSTS))
# Made here, once: msgspec's first look at a type is not safe among threads.
_DECODER = msgspec.json.Decoder(Inventory)


def candidates(sql: sa.Connection, which: Sequence[Host], *, known: Networks | None = None) -> list[Candidate]:
    """Hosts as placement sees them, now. `known`: all networks, where the caller has them."""
    ids = [one.id for one in which]
    counted = figures(sql, which)
    pinned: dict[int, dict[int, str]] = defaultdict(dict)
    for row in sql.execute(_PINNED, {"ids": ids}):
        pinned[row.host_id] |= dict.fromkeys(machines.ints(row.pinned), row.instance)
    groups: dict[int, dict[str, str]] = defaultdict(dict)
    for row in sql.execute(_GROUPS, {"ids": ids}):
        groups[row.host_id][row.anti_affinity] = row.hostname
    told = _inventories(sql, ids)
    known = networks.known(sql) if known is None else known
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


def _inventories(sql: sa.Connection, ids: Sequence[int]) -> dict[int, Inventory]:
    rows = sql.execute(_INVENTORIES, {"ids": ids})
    return {row.id: _DECODER.decode(row.inventory_json) if row.inventory_json else Inventory() for row in rows}


def standings(sql: sa.Connection, which: Sequence[Host], *, known: Networks | None = None) -> list[Standing]:
    """Hosts as the fleet's decision sees them, in their order."""
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
        for one, candidate in zip(which, candidates(sql, which, known=known), strict=True)
    ]


def away(one: Host) -> str:
    """Why a host cannot take machines just now, in words; "" when it can."""
    if one.state in USABLE:
        return ""
    return f"it is {one.state}" + (f" ({one.reason})" if one.reason else "")
