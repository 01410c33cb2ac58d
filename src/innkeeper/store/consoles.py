"""What is asked of a machine to open its console: where it is, whose it is, whether it runs."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import PowerState
from innkeeper.store.database import NOW
from innkeeper.store.tables import host, machine, process

_PLACE = (
    sa.select(
        machine.c.hostname,
        machine.c.host_id,
        machine.c.instance,
        machine.c.owner_id,
        machine.c.power_state,
        machine.c.status,
        process.c.id.label("watcher"),
        process.c.address,
        NOW.label("now"),
    )
    .outerjoin(host, host.c.id == machine.c.host_id)
    .outerjoin(process, process.c.id == host.c.watcher)
    .where(machine.c.system_id == sa.bindparam("which"))
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A machine as its console sees it. `instance` "" and `host_id` None: there is no VM behind it."""

    hostname: str
    host_id: int | None
    instance: str
    owner_id: int | None
    power: PowerState
    deploying: bool
    watcher: str | None  # the process that watches the host, if it is alive
    address: str  # where other processes reach that one; "" unknown
    now: float  # the database's clock, epoch seconds: the one that all processes share


def place(sql: sa.Connection, system_id: str) -> Place | None:
    """One query; None when the machine is gone."""
    row = sql.execute(_PLACE, {"which": system_id}).first()
    if row is None:
        return None
    return Place(
        hostname=row.hostname,
        host_id=row.host_id,
        instance=row.instance,
        owner_id=row.owner_id,
        power=PowerState(row.power_state),
        deploying=row.status == Status.DEPLOYING,
        watcher=row.watcher,
        address=row.address or "",
        now=row.now,
    )
