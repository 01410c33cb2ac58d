"""Other sizes for a machine that is there: what it is to hold more is claimed first, and given back when it is not.

While it is under way the claim holds the larger of both; at its end it holds what the record says.
"""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.errors import Conflict, LimitsUnknown, OverLimit
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host
from innkeeper.model.machine import Disk, Machine
from innkeeper.store import disks, machines
from innkeeper.store.database import Write
from innkeeper.store.figures import figures
from innkeeper.store.tables import claim, claim_storage

c, held = claim.c, claim_storage.c


def hold(write: Write, host: Host, one: Machine, *, cores: int, memory: int) -> None:
    """Claim what a machine is to have more of a locked host; OverLimit naming what is short. memory MiB."""
    counted = figures(write.sql, [host])[host.id]
    paged = counted.huge_pages if one.huge_pages else counted.memory
    _must_hold(host, (("cores", counted.cores, cores - one.cores), ("memory", paged, memory - one.memory)))
    values = {"cores": max(cores, one.cores), "memory": max(memory, one.memory)}
    _claimed(write, one, sa.update(claim).where(c.system_id == one.system_id).values(values))


def hold_disk(write: Write, host: Host, one: Machine, disk: Disk, *, size: int) -> None:
    """Claim what a disk is to have more of its storage pool; bytes."""
    counted = dict(figures(write.sql, [host])[host.id].storage)
    _must_hold(host, ((f"storage pool {disk.pool}", counted.get(disk.pool), size - disk.size),))
    _claimed(write, one, _of_disk(one.system_id, disk).values(size=size))


def _must_hold(host: Host, wanted: tuple[tuple[str, Figure | None, int], ...]) -> None:
    short = []
    for name, figure, more in wanted:
        if more > 0 and figure is None:
            raise LimitsUnknown(f"How much {name} VM host {host.name} has is not known yet.", resolution="Refresh it.")
        if figure is not None and (lacking := figure.shortfall(more)):
            short.append(lacking.text)
    if short:
        raise OverLimit(f"VM host {host.name} cannot hold this machine then: {'; '.join(short)}.")


def _claimed(write: Write, one: Machine, change: sa.Update) -> None:
    if write.sql.execute(change).rowcount != 1:
        raise Conflict(f"{one.hostname} holds nothing of its host.", resolution="Commission it.")


def _of_disk(system_id: str, disk: Disk) -> sa.Update:
    mine = sa.select(c.id).where(c.system_id == system_id).scalar_subquery()
    return sa.update(claim_storage).where(held.claim_id == mine, held.pool == disk.pool, held.volume == disk.volume)


def settle(write: Write, system_id: str, *, cores: int | None = None, memory: int | None = None) -> None:
    """It has these sizes now (None: those of its record), and holds them."""
    if cores is not None and memory is not None:
        machines.update(write, system_id, cores=cores, memory=memory)
    one = machines.find(write.sql, system_id)
    machines.update(write, system_id, settled_at=write.now())
    write.sql.execute(sa.update(claim).where(c.system_id == system_id).values(cores=one.cores, memory=one.memory))


def settle_disk(write: Write, system_id: str, disk_id: int, *, size: int | None = None) -> None:
    """A disk has that size now (None: that of its record), and its claim holds it."""
    if size is not None:
        disks.update(write, disk_id, size=size)
    machines.update(write, system_id, settled_at=write.now())
    for disk in machines.find(write.sql, system_id).disks:
        if disk.id == disk_id:
            write.sql.execute(_of_disk(system_id, disk).values(size=disk.size))
