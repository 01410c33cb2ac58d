"""The last line against leaks: what carries our mark and belongs to nobody goes.

A host call may arrive after everything has been undone (a frozen process wakes between its last check and its
request). Only things with *our* marks are touched, that no machine's record stands for: of an operation that has
failed, or of a machine that was removed (under its own name, and not running), and either is over for minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from innkeeper.hypervisors.base import Hypervisor
from innkeeper.model.machine import PowerState
from innkeeper.operations import forget_image
from innkeeper.operations.context import Services
from innkeeper.store import events, hosts, leftovers, storage_pools
from innkeeper.store.database import Write
from innkeeper.store.events import Event

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """An instance (`pool` ""), or a volume, with our marks."""

    pool: str
    name: str
    machine: str
    operation: str

    def __str__(self) -> str:
        return f"volume {self.pool}/{self.name}" if self.pool else f"instance {self.name}"


async def sweep(services: Services, host_id: int, *, host: Hypervisor) -> int:
    """Remove from a host what carries our mark and belongs to nobody; how many things went."""
    database = services.database
    await forget_image.tidy(services, host_id, host=host)
    project = (await database.reading(hosts.find, host_id)).project
    instances = [one for one in await host.instances() if one.project == project]
    running = {one.name for one in instances if one.power != PowerState.OFF}
    found = [("", one.name, one.tags) for one in instances]
    for pool, volumes in (await database.reading(storage_pools.volumes, host_id=host_id)).items():
        found += [(pool, one.name, one.tags) for one in volumes if one.project == project]
    ours = [
        _Thing(pool=pool, name=name, machine=marks["machine"], operation=marks["operation"])
        for pool, name, tags in found
        if (marks := dict(tags)).get("installation") == services.uuid and marks.get("machine") and "operation" in marks
    ]
    if not ours:
        return 0
    swept = await database.reading(
        _nobodys, host_id, project, ours, running=running, older_than=services.settings.sweep_after
    )
    for one in swept:
        if one.pool:
            await host.delete_volume(pool=one.pool, name=one.name, machine=one.machine)
        else:
            await host.delete(name=one.name, machine=one.machine)
    if swept:
        log.warning("swept", host=host_id, what=[str(one) for one in swept])
        await database.patiently(_tell, host_id, swept)
    return len(swept)


def _nobodys(
    sql: sa.Connection, host_id: int, project: str, things: list[_Thing], *, running: set[str], older_than: float
) -> list[_Thing]:
    """Those whose operation failed or whose machine was removed, long enough ago; instances before volumes."""
    kept = leftovers.somebodys(sql, host_id, project=project)
    undone = leftovers.undone(sql, operations={one.operation for one in things}, older_than=older_than)
    removed = leftovers.removed(sql, system_ids={one.machine for one in things}, older_than=older_than)
    removed -= {(machine, name) for machine, name in removed if name in running}
    return [
        one
        for one in things
        if (one.pool, one.name) not in kept
        and (one.operation in undone or (one.pool or one.machine, one.name) in removed)
    ]


def _tell(write: Write, host_id: int, swept: list[_Thing]) -> None:
    text = f"removed what belonged to nobody any more: {', '.join(map(str, swept))}"
    events.add(write, Event(kind="host", what="swept", text=text, host_id=host_id))
