"""A stopped machine gets other cores and memory, or a larger disk: claimed before, then the host is made to agree.

The record says the old sizes until the host has the new ones. A disk that has grown stays so: where a host cannot
make it smaller again, the undo writes down what is there; so does that of other limits.
"""

from __future__ import annotations

from innkeeper.errors import Conflict, ErrorRecord, HostRefused
from innkeeper.model.lifecycle import RESIZABLE, Status
from innkeeper.model.machine import Disk, InstanceFacts, Machine, Origin, PowerState
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import claims, events, hosts, machines, operations, resizes, unfinished
from innkeeper.store.database import Write
from innkeeper.store.events import Event


def submit(write: Write, one: Machine, *, cores: int, memory: int, actor: str, request: str = "") -> str:
    """Claim other cores and memory (MiB) for a machine, and order the change. Returns the operation.

    Conflict while it runs or is worked on; OverLimit when its host cannot hold it then.
    """
    host = hosts.lock_for_work(write, _resizable(one))
    claims.must_be_there(host)
    one = _resting(write, one.system_id)
    if one.pinned and cores != one.cores:
        pins = machines.text(one.pinned)
        raise Conflict(f"{one.hostname} is pinned to the cores {pins}: it has as many as those.")
    resizes.hold(write, host, one, cores=cores, memory=memory)
    before, after = {"cores": one.cores, "memory": one.memory}, {"cores": cores, "memory": memory}
    return _order(write, RESIZE, one, {"before": before, "after": after}, actor=actor, request=request)


def submit_disk(write: Write, one: Machine, disk: Disk, *, size: int, actor: str, request: str = "") -> str:
    """Claim a larger size (bytes) for a disk of a machine, and order the change. Returns the operation."""
    host = hosts.lock_for_work(write, _resizable(one))
    claims.must_be_there(host)
    one = _resting(write, one.system_id)
    if not disk.pool:
        raise Conflict(f"The disk {disk.device} of {one.hostname} is in no storage pool.")
    if size < disk.size:
        raise Conflict(f"A disk does not shrink: {disk.device} of {one.hostname} has {disk.size} bytes.")
    resizes.hold_disk(write, host, one, disk, size=size)
    arguments = {"disk": disk.id, "device": disk.device, "before": disk.size, "after": size}
    return _order(write, GROW_DISK, one, arguments, actor=actor, request=request)


def _resizable(one: Machine) -> int:
    """The host of a machine whose sizes are ours to change."""
    if one.origin != Origin.COMPOSED or one.host_id is None:
        raise Conflict(f"{one.hostname} was not composed here: its sizes are its host's to change.")
    return one.host_id


def _resting(write: Write, system_id: str) -> Machine:
    """The machine, looked at again now that its host is locked: nobody works on it, and it does not run."""
    one = machines.find(write.sql, system_id)
    if one.status not in RESIZABLE or unfinished.of_machine(write.sql, system_id):
        state = Status(one.status).label
        raise Conflict(f"{one.hostname} is {state} or being worked on; its sizes cannot be changed now.")
    if one.power_state != PowerState.OFF:
        raise Conflict(f"{one.hostname} is running; its sizes are changed while it is off.", resolution="Power it off.")
    return one


def _order(write: Write, saga: Saga, one: Machine, arguments: dict[str, object], *, actor: str, request: str) -> str:
    return operations.submit(
        write,
        kind=saga.kind,
        first_step=saga.first,
        host_id=one.host_id,
        system_id=one.system_id,
        arguments={"name": one.instance, **arguments},
        actor=actor,
        request=request,
    )


async def _facts(work: Work) -> InstanceFacts | None:
    """The machine's instance as its host has it; None when that is gone or another's."""
    host, name = await work.host(), work.arguments["name"]
    await host.settle(name=name)
    found = await host.instance(name=name)
    return found if found is not None and found.tag("machine") == work.operation.system_id else None


async def reach(work: Work) -> None:
    if await _facts(work) is None:
        raise HostRefused(f"There is no instance {work.arguments['name']} of this machine on its host.")


async def resize(work: Work) -> None:
    await _have(work, **work.arguments["after"])


async def resize_back(work: Work) -> None:
    """As it was; where the host refuses (somebody started it there), what is there is what it has: an undo that waits
    for it to stop would keep everybody from stopping it."""
    if await _facts(work) is None:
        return
    try:
        await _have(work, **work.arguments["before"])
    except HostRefused:
        found, after = await _facts(work), work.arguments["after"]
        if found is None or (found.cores, found.memory) != (after["cores"], after["memory"]):
            raise
        await work.write(_stays_resized, work)


async def _have(work: Work, *, cores: int, memory: int) -> None:
    found = await _facts(work)
    if found is None or (found.cores, found.memory) != (cores, memory):
        name, machine = work.arguments["name"], work.operation.system_id
        await (await work.host()).resize(name=name, machine=machine, cores=cores, memory=memory)
        found = await _facts(work)
    if found is None or (found.cores, found.memory) != (cores, memory):
        made = f"{found.cores} cores, {found.memory} MiB" if found else "nothing"
        raise HostRefused(f"The host made {made} of what should have {cores} cores, {memory} MiB.")


def _stays_resized(write: Write, work: Work) -> None:
    if not machines.gone(write.sql, work.operation.system_id):
        resizes.settle(write, work.operation.system_id, **work.arguments["after"])


def resized(write: Write, work: Work) -> None:
    if machines.gone(write.sql, work.operation.system_id):
        return  # removed by force meanwhile
    after = work.arguments["after"]
    _stays_resized(write, work)
    _tell(write, work, f"{work.arguments['name']} has {after['cores']} cores, {after['memory']} MiB now")


def not_resized(write: Write, work: Work, _error: ErrorRecord) -> None:
    if not machines.gone(write.sql, work.operation.system_id):
        resizes.settle(write, work.operation.system_id)


async def grow(work: Work) -> None:
    after = work.arguments["after"]
    if await _size(work) != after:
        await _set_size(work, after)
    if (made := await _size(work)) != after:
        raise HostRefused(f"The host made {made} bytes of a disk that should have {after}.")


async def shrink_back(work: Work) -> None:
    """As it was; where the host refuses to make it smaller, what is there is what it has."""
    before, there = work.arguments["before"], await _size(work)
    if there is None or there == before:
        return
    try:
        await _set_size(work, before)
    except HostRefused:
        if await _size(work) != work.arguments["after"]:
            raise
        await work.write(_stays_grown, work)


async def _set_size(work: Work, size: int) -> None:
    name, machine, device = work.arguments["name"], work.operation.system_id, work.arguments["device"]
    await (await work.host()).resize_disk(name=name, machine=machine, device=device, size=size)


async def _size(work: Work) -> int | None:
    """The size of the disk on the host; None when it, or its machine's instance, is not there."""
    found = await _facts(work)
    return next((one.size for one in found.disks if one.device == work.arguments["device"]), None) if found else None


def _stays_grown(write: Write, work: Work) -> None:
    if not machines.gone(write.sql, work.operation.system_id):
        resizes.settle_disk(write, work.operation.system_id, work.arguments["disk"], size=work.arguments["after"])


def grown(write: Write, work: Work) -> None:
    if machines.gone(write.sql, work.operation.system_id):
        return
    _stays_grown(write, work)
    _tell(
        write, work, f"{work.arguments['device']} of {work.arguments['name']} has {work.arguments['after']} bytes now"
    )


def not_grown(write: Write, work: Work, _error: ErrorRecord) -> None:
    if not machines.gone(write.sql, work.operation.system_id):
        resizes.settle_disk(write, work.operation.system_id, work.arguments["disk"])


def _tell(write: Write, work: Work, text: str) -> None:
    events.add(
        write,
        Event(
            kind="machine",
            what="resized",
            text=text,
            host_id=work.host_id,
            system_id=work.operation.system_id,
            operation=work.operation.id,
            actor=work.operation.actor,
        ),
    )


_REACH = Step("reach the host", reach)  # one that is down is found out here, where there is nothing to undo
RESIZE = Saga(
    "resize",
    steps=(_REACH, Step("change the limits", resize, resize_back)),
    finish=resized,
    abandon=not_resized,
)
GROW_DISK = Saga(
    "grow_disk",
    steps=(_REACH, Step("grow the disk", grow, shrink_back)),
    finish=grown,
    abandon=not_grown,
)
