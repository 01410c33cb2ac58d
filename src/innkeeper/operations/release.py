"""Release a machine: nothing of its owner's stays. Its instance is an empty one again, its data volumes are new.

Once the instance is being deleted there is no way back, so those steps persist: they are tried again until the host
has done them. A host that cannot be reached is found out before: the machine is Failed releasing then, and can be
released again. `ABORT` takes the same way after a deployment whose guest was started, and ends in Allocated.
"""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.errors import ErrorRecord
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, PowerState
from innkeeper.operations import deploy, remake
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step, give_up
from innkeeper.store import allocation, auto_addresses, deployments, hosts, machines, operations, unfinished
from innkeeper.store.database import Write


def clean(sql: sa.Connection, machine: Machine) -> bool:
    """Whether nothing was put on a machine: it was never deployed, never ran, and nobody works on it."""
    if machines.used(sql, machine.system_id):
        return False
    idle = machine.power_state == PowerState.OFF and not unfinished.of_machine(sql, machine.system_id)
    return machine.status in (Status.ALLOCATED, Status.BROKEN) and not machine.osystem and idle


def submit(write: Write, machine: Machine, *, actor: str, comment: str = "", request: str = "") -> str:
    """Order the release of a machine, deployed or not; it is Releasing from now on. Returns the operation.

    A deployment that still works on the host is called off: the release comes after it. Conflict where the life cycle
    has no such move.
    """
    deploy.cancel(write, machine, actor=actor)
    machines.set_status(write, machine.system_id, Status.RELEASING, message=comment, actor=actor)
    return _order(write, RELEASE, machine, actor=actor, request=request)


def abort(write: Write, machine: Machine, *, actor: str, request: str = "") -> str:
    """Call off a deployment: the machine is Allocated again when all is undone. Returns the operation that undoes it,
    which is the deployment itself while it still works on the host."""
    if deploy.cancel(write, machine, actor=actor):
        under_way = operations.last_of(write.sql, system_id=machine.system_id, kind="deploy")
        assert under_way is not None
        return under_way.id
    return _order(write, ABORT, machine, actor=actor, request=request)


def _order(write: Write, saga: Saga, machine: Machine, *, actor: str, request: str) -> str:
    assert machine.host_id is not None
    hosts.lock_for_work(write, machine.host_id)
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


def released(write: Write, work: Work) -> None:
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return  # removed by force meanwhile: its removal waits for us
    remake.made_anew(write, system_id)
    deployments.forget(write, system_id)
    auto_addresses.take_back(write, system_id)
    allocation.vacate(write, system_id)
    machines.set_status(write, system_id, Status.READY, actor=work.operation.actor)


def failed(write: Write, work: Work, error: ErrorRecord) -> None:
    """Nothing was changed on the host."""
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return
    message = " ".join(part for part in (error.brief, error.details) if part)
    machines.set_status(write, system_id, Status.FAILED_RELEASING, message=message, actor=work.operation.actor)


def allocated_again(write: Write, work: Work) -> None:
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return
    remake.made_anew(write, system_id)
    deployments.forget(write, system_id)
    auto_addresses.take_back(write, system_id)
    machines.update(write, system_id, osystem="", distro_series="")
    if remake.status_of(write.sql, system_id) == Status.DEPLOYING:  # else it was released meanwhile
        machines.set_status(write, system_id, Status.ALLOCATED, actor=work.operation.actor)


_WIPE = (Step("reach the host", remake.reach), *remake.WIPE)
RELEASE = Saga("release", steps=_WIPE, finish=released, abandon=failed)
ABORT = Saga("abort_deploy", steps=_WIPE, finish=allocated_again, abandon=give_up)
