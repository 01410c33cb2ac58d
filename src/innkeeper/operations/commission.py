"""Commission a machine: what its host has of it is read and compared with its record; then it is Ready.

Nothing is booted: a VM is what its host says it is. One that nobody ran is left alone on its host; any other may hold
what somebody put on it, and is made anew before it is Ready.
"""

from __future__ import annotations

from innkeeper.errors import ErrorRecord, HostRefused
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine
from innkeeper.operations import remake
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import hosts, machines, operations, sightings, unfinished
from innkeeper.store.database import Write


def submit(write: Write, machine: Machine, *, actor: str, request: str = "") -> str:
    """Order it; the machine is Commissioning from now on. Returns the operation. Conflict where it has no such move."""
    assert machine.host_id is not None
    hosts.lock_for_work(write, machine.host_id)
    used = machines.used(write.sql, machine.system_id) or unfinished.of_machine(write.sql, machine.system_id)
    saga = RECOMMISSION if used else COMMISSION
    machines.set_status(write, machine.system_id, Status.COMMISSIONING, actor=actor)
    return operations.submit(
        write,
        kind=saga.kind,
        first_step=saga.first,
        host_id=machine.host_id,
        system_id=machine.system_id,
        arguments={"name": machine.instance},
        actor=actor,
        request=request,
    )


async def read_back(work: Work) -> None:
    """What was changed outside changes the record and the claim, and an event says so."""
    await _read_back(work, marks=("", work.operation.system_id))


async def read_ours(work: Work) -> None:
    """The same, of one that will be deleted: it must have our mark still."""
    await _read_back(work, marks=(work.operation.system_id,))


async def _read_back(work: Work, *, marks: tuple[str, ...]) -> None:
    name, system_id = work.arguments["name"], work.operation.system_id
    host = await work.host()
    await host.settle(name=name)
    facts = await host.instance(name=name)
    if facts is None or facts.tag("machine") not in marks:
        raise HostRefused(
            f"There is no instance {name} of this machine on its host.",
            resolution="Delete the machine, and compose it again.",
        )
    if not await work.write(sightings.follow, host_id=work.host_id, system_id=system_id, facts=facts):
        raise HostRefused(f"{name} holds nothing of its host any more.", resolution="Delete the machine.")


def ready(write: Write, work: Work) -> None:
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return  # removed by force meanwhile
    machines.update(write, system_id, settled_at=write.now())
    machines.set_status(write, system_id, Status.READY, actor=work.operation.actor)


def wiped(write: Write, work: Work) -> None:
    if not machines.gone(write.sql, work.operation.system_id):
        remake.made_anew(write, work.operation.system_id)
        ready(write, work)


def failed(write: Write, work: Work, error: ErrorRecord) -> None:
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return
    message = " ".join(part for part in (error.brief, error.details, error.resolution) if part)
    machines.set_status(write, system_id, Status.FAILED_COMMISSIONING, message=message, actor=work.operation.actor)


COMMISSION = Saga("commission", steps=(Step("read it back", read_back),), finish=ready, abandon=failed)
RECOMMISSION = Saga("recommission", steps=(Step("read it back", read_ours), *remake.WIPE), finish=wiped, abandon=failed)
