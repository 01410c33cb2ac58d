"""Remove a machine: its instance and its own volumes go, then its record.

Once the instance is being deleted there is no way back, so those steps persist: they are tried again until the
host has done them. Without `forced`, a host that cannot be reached is found out before anything is destroyed.
With `forced` the record is gone already; the operation waits for the host and clears up then.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from innkeeper.errors import ErrorRecord
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import events, holdings, hosts, machines, operations, storage_pools, unfinished
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.operations import State


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What is to be removed. `mark`: what our things are tagged with; None for a VM that we did not make."""

    name: str
    mark: str | None
    volumes: tuple[tuple[str, str], ...]  # (pool, volume): only those we made
    forced: bool = False


def removal_of(machine: Machine, *, forced: bool = False) -> Removal:
    """What removing a machine takes away: never a volume that was attached by others."""
    made_here = machine.origin == "composed"
    volumes = tuple((disk.pool, disk.volume) for disk in machine.disks if disk.volume.startswith("innkeeper-"))
    return Removal(
        name=machine.instance,
        mark=machine.system_id if made_here else None,
        volumes=volumes if made_here else (),
        forced=forced,
    )


def submit(write: Write, machine: Machine, *, forced: bool, actor: str, request: str = "") -> str:
    """Order the removal of a machine (forced: its record goes now, its capacity stays counted). Returns the id.

    What still works on the machine ends first; what was stopped on it is closed, for it can never go on. A removal
    that is under way already is the one that was asked for.
    """
    if machine.host_id is not None:
        hosts.lock_for_work(write, machine.host_id)
    for one in unfinished.of_machine(write.sql, machine.system_id):
        if one.state == State.STOPPED:
            operations.close_by_force(write, one, reason=f"{machine.hostname} is being removed")
        elif one.kind == DECOMPOSE.kind and not forced and not one.cancelled:
            return one.id
        elif forced and one.kind != DECOMPOSE.kind:
            operations.cancel(write, id=one.id, actor=actor)
    id = operations.submit(
        write,
        kind=DECOMPOSE.kind,
        first_step=DECOMPOSE.first,
        host_id=machine.host_id,
        system_id=machine.system_id,
        arguments=asdict(removal_of(machine, forced=forced)),
        actor=actor,
        request=request,
    )
    if forced:
        holdings.leave_behind(write, system_id=machine.system_id)
        machines.delete(write, machine.system_id)
    return id


async def take_away(work: Work, removal: Removal) -> None:
    """Remove an instance and its own volumes from the host. Already gone is success."""
    host = await work.host()
    await host.settle(name=removal.name)
    await host.delete(name=removal.name, machine=removal.mark)
    for pool, volume in removal.volumes:
        await host.delete_volume(pool=pool, name=volume, machine=removal.mark or "")


async def reach_host(work: Work) -> None:
    removal = Removal(**work.arguments)
    if not removal.forced:
        await (await work.host()).settle(name=removal.name)


async def remove(work: Work) -> None:
    await take_away(work, Removal(**work.arguments))


def forget(write: Write, work: Work) -> None:
    removal = Removal(**work.arguments)
    system_id = work.operation.system_id
    if removal.forced:
        holdings.release_leftover(write, host_id=work.host_id, instance=removal.name)
    else:
        holdings.release(write, system_id=system_id)
        machines.delete(write, system_id)
    project = hosts.find(write.sql, work.host_id).project
    storage_pools.forget_instance(write, host_id=work.host_id, project=project, name=removal.name)
    text = f"{removal.name} was removed"
    events.add(
        write,
        Event(
            kind="machine",
            what="removed",
            text=text,
            host_id=work.operation.host_id,
            system_id=system_id,
            actor=work.operation.actor,
        ),
    )


def not_removed(write: Write, work: Work, error: ErrorRecord) -> None:
    """Nothing was changed on the host. One that was being released has not been."""
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id) or machines.find(write.sql, system_id).status != Status.RELEASING:
        return
    message = " ".join(part for part in (error.brief, error.details) if part)
    machines.set_status(write, system_id, Status.FAILED_RELEASING, message=message, actor=work.operation.actor)


DECOMPOSE = Saga(
    "decompose",
    steps=(
        Step("reach the host", reach_host),
        Step("remove the instance and its volumes", remove, persists=True),
    ),
    finish=forget,
    abandon=not_removed,
)
