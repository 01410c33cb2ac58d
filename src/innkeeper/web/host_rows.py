"""VM hosts as their list shows them: state, server, and what of their cores, memory and storage is free."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.api.maas.shapes import days_left
from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host, HostState
from innkeeper.store import counts, hosts, pools, zones
from innkeeper.store.figures import figures
from innkeeper.web import tones
from innkeeper.web.tables import Sort

_KINDS = {"lxd": "LXD"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A host as the list shows it. `storage`: all its pools together; None: not known yet."""

    host: Host
    tone: str
    vms: int
    zone: str
    pool: str
    days_left: int | None
    cores: Figure | None
    memory: Figure | None
    storage: Figure | None

    @property
    def kind(self) -> str:
        """What is spoken to, in words."""
        return kind(self.host)

    @property
    def days_tone(self) -> str:
        """How the days left of its certificate look."""
        return tones.of_days(self.days_left)

    @property
    def wants_trust(self) -> bool:
        """Whether somebody has to have the server trust us."""
        return wants_trust(self.host)


SORTS = (
    Sort(name="name", title="Name", key=lambda row: row.host.name),
    Sort(name="state", title="State", key=lambda row: (str(row.host.state), row.host.name)),
    Sort(name="certificate", title="Server", key=lambda row: (row.host.certificate_expires, row.host.name)),
    Sort(name="vms", title="VMs", key=lambda row: (row.vms, row.host.name)),
    Sort(name="zone", title="Zone, pool, tags", key=lambda row: (row.zone, row.pool, row.host.name)),
    Sort(name="cores", title="CPU cores", key=lambda row: row.cores.free if row.cores else -1),
    Sort(name="memory", title="Memory", key=lambda row: row.memory.free if row.memory else -1),
    Sort(name="storage", title="Storage", key=lambda row: row.storage.free if row.storage else -1),
)


def rows(sql: sa.Connection, *, seen_by: int | None) -> list[Row]:
    """All hosts: a fixed number of queries. `seen_by`: a user's id, whose machines and unowned ones are counted."""
    many = hosts.listing(sql)
    counted, vms = figures(sql, many), counts.on_hosts(sql, seen_by=seen_by)
    zone_names = {one.id: one.name for one in zones.listing(sql)}
    pool_names = {one.id: one.name for one in pools.listing(sql)}
    return [
        Row(
            host=one,
            tone=tones.of_host(one.state),
            vms=vms.get(one.id, 0),
            zone=zone_names[one.zone_id],
            pool=pool_names[one.pool_id],
            days_left=days_left(one.certificate_expires),
            cores=counted[one.id].cores,
            memory=counted[one.id].memory,
            storage=capacity.together((figure for _, figure in counted[one.id].storage), resource="storage"),
        )
        for one in many
    ]


def kind(host: Host) -> str:
    """What is spoken to, in words."""
    return _KINDS.get(host.kind, host.kind)


def wants_trust(host: Host) -> bool:
    """Whether somebody has to have its server trust us."""
    return host.state in (HostState.WAITING, HostState.UNTRUSTED)
