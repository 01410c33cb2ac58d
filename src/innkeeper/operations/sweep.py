"""The last line against leaks: what carries our mark and belongs to nobody goes.

A host call may arrive after everything has been undone (a frozen process wakes between its last check and its
request). Only things marked with one of *our* operations, which has failed and is over for minutes, are touched.
"""

from __future__ import annotations

import structlog

from innkeeper.hypervisors.base import Hypervisor
from innkeeper.operations.context import Services
from innkeeper.store import events, hosts, operations, storage_pools
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.operations import State

log = structlog.get_logger(__name__)


async def sweep(services: Services, host_id: int, *, host: Hypervisor) -> int:
    """Remove from a host what failed operations of ours left there; how many things went."""
    project = (await services.database.reading(hosts.find, host_id)).project
    tagged = [
        (one.name, one.tag("machine"), one.tag("operation"))
        for one in await host.instances()
        if one.project == project and one.tag("installation") == services.uuid
    ]
    volumes = [
        (pool, volume.name, marks.get("machine", ""), marks.get("operation", ""))
        for pool, found in (await services.database.reading(storage_pools.volumes, host_id=host_id)).items()
        for volume in found
        if (marks := dict(volume.tags)).get("installation") == services.uuid and volume.project == project
    ]
    ids = {operation for _, _, operation in tagged} | {operation for *_, operation in volumes}
    age = services.settings.sweep_after
    dead = await services.database.reading(operations.ended_among, ids=ids - {""}, state=State.FAILED, older_than=age)
    swept = []
    for name, machine, operation in tagged:
        if operation in dead and machine:
            await host.delete(name=name, machine=machine)
            swept.append(f"instance {name}")
    for pool, name, machine, operation in volumes:
        if operation in dead and machine:
            await host.delete_volume(pool=pool, name=name, machine=machine)
            swept.append(f"volume {pool}/{name}")
    if swept:
        log.warning("swept", host=host_id, what=swept)
        await services.database.patiently(_tell, host_id, swept)
    return len(swept)


def _tell(write: Write, host_id: int, swept: list[str]) -> None:
    text = f"removed what failed operations had left: {', '.join(swept)}"
    events.add(write, Event(kind="host", what="swept", text=text, host_id=host_id))
