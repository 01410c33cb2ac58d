"""A machine's instance made anew under its name: from an image, or empty again. What deploy, abort and release share.

Hosts without `instances_rebuild` (LXD 5.0) cannot put an image on a VM that is there, so it is deleted and created;
on the others too, for one path that is tried is better than two (docs/adr/0017).
Its name, MACs, pins, devices and data volumes are those of the record, and what people set on it on the host is given
to the one that takes its place; only its marks tell that it is another one.
While an operation is at work on a machine, nobody judges it by what is seen of its host.
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.model.machine import InstanceFacts, InstanceSpec, PowerState
from innkeeper.model.readback import differences
from innkeeper.operations.compose import read_spec
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Step
from innkeeper.store import additions, machines
from innkeeper.store.database import Write
from innkeeper.store.tables import claim

IMAGE = "image"  # the mark of what was made from one


async def spec_of(work: Work) -> InstanceSpec:
    """The machine's instance, empty."""
    return await work.once(read_spec)


async def is_gone(work: Work) -> bool:
    """Whether the record was removed by force meanwhile: then its removal clears up, not we."""
    return await work.read(machines.gone, work.operation.system_id)


async def reach(work: Work) -> None:
    """Nothing is changed yet: a host that is down is found out here, where there is nothing to undo."""
    spec = await spec_of(work)
    await (await work.host()).settle(name=spec.name)


async def stop(work: Work) -> None:
    """Off, by force: what runs on it is given up. One that is not there is off."""
    spec = await spec_of(work)
    host = await work.host()
    there = await host.instance(name=spec.name)
    if there is not None and there.power != PowerState.OFF:
        await host.stop(name=spec.name, force=True, timeout=work.services.settings.power_grace)


async def note_power(work: Work) -> None:
    """The undo of a stop: nobody switches it on again, but its record says what it is."""
    if await is_gone(work):
        return
    spec = await spec_of(work)
    there = await (await work.host()).instance(name=spec.name)
    power = there.power if there is not None else PowerState.UNKNOWN
    await work.write(settle_power, work.operation.system_id, power)


async def remove(work: Work) -> None:
    """Delete the instance that was there before this operation; what people added to it is noted before."""
    if await is_gone(work):
        return
    spec = await spec_of(work)
    host = await work.host()
    there = await host.instance(name=spec.name)
    if there is None or not _made_here(there, work):
        added = await host.added(name=spec.name, machine=work.operation.system_id)
        if added is not None:  # else it is gone already, and what it had was noted
            cipher, system_id = work.services.cipher, work.operation.system_id
            await work.write(additions.keep, cipher, system_id=system_id, added=added)
        await host.delete(name=spec.name, machine=work.operation.system_id)


async def make_empty(work: Work) -> None:
    """An empty instance, unless there is one of the machine's; what was made from an image here goes first."""
    if await is_gone(work):
        return
    spec = await spec_of(work)
    host = await work.host()
    await host.settle(name=spec.name)
    there = await host.instance(name=spec.name)
    if there is not None and _made_here(there, work) and there.tag(IMAGE):
        await host.delete(name=spec.name, machine=work.operation.system_id)
        there = None
    if there is None or there.tag("machine") != work.operation.system_id:
        await host.create(_left_behind(await with_added(work, spec)))


async def with_added(work: Work, spec: InstanceSpec) -> InstanceSpec:
    """The same, with what people had added to the instance that was deleted."""
    return replace(spec, added=await work.read(additions.find, work.services.cipher, work.operation.system_id))


async def delete_made(work: Work) -> None:
    """The undo of a create."""
    if await is_gone(work):
        return
    spec = await spec_of(work)
    host = await work.host()
    await host.settle(name=spec.name)
    await host.delete(name=spec.name, machine=work.operation.system_id)


async def wipe_volumes(work: Work) -> None:
    """Data volumes of ours are made anew; others that were attached are their owners'."""
    if await is_gone(work):
        return
    spec = await spec_of(work)
    host = await work.host()
    for disk in spec.disks:
        if not disk.volume.startswith("innkeeper-"):
            continue
        tags = await host.volume_tags(pool=disk.pool, name=disk.volume)
        if tags is None or dict(tags).get("operation") != work.operation.id:
            await host.delete_volume(pool=disk.pool, name=disk.volume, machine=work.operation.system_id)
        volume = VolumeSpec(pool=disk.pool, name=disk.volume, project=spec.project, size=disk.size, tags=work.marks)
        await host.create_volume(volume)


async def read_back(work: Work) -> None:
    """What the host made must be what the record says."""
    spec = await spec_of(work)
    made = await (await work.host()).instance(name=spec.name)
    if made is None:
        raise HostRefused(f"The host made {spec.name} and does not know it.")
    if wrong := differences(spec, made):
        raise HostRefused(f"What the host made of {spec.name} is not what was asked.", details="; ".join(wrong))


def of_image(spec: InstanceSpec, fingerprint: str) -> InstanceSpec:
    """The same instance, with its root disk made of an image."""
    return replace(spec, image=fingerprint, tags=(*spec.tags, (IMAGE, fingerprint)))


def _left_behind(spec: InstanceSpec) -> InstanceSpec:
    """The same under another mark. What carries the mark of an operation that failed is swept when nobody has it, and
    an empty instance is what a failed deployment leaves on purpose."""
    tags = tuple((name, f"{value}-empty" if name == "operation" else value) for name, value in spec.tags)
    return replace(spec, tags=tags)


def made_anew(write: Write, system_id: str) -> None:
    """The end of a wipe: an empty instance and new volumes, off; what was to be given to it, it has."""
    settle_power(write, system_id, PowerState.OFF)
    machines.update(write, system_id, used=False)
    additions.forget(write, system_id)


def settle_power(write: Write, system_id: str, power: PowerState) -> None:
    """Leave the record as the operation left the instance: there, and on or off."""
    seen = claim.update().where(claim.c.system_id == system_id)
    write.sql.execute(seen.values(present=True, power_state=power))
    machines.update(write, system_id, power_state=power, settled_at=write.now())


def _made_here(there: InstanceFacts, work: Work) -> bool:
    return there.tag("operation") == work.operation.id


def status_of(sql: sa.Connection, system_id: str) -> int | None:
    """A machine's status; None when its record is gone."""
    return None if machines.gone(sql, system_id) else machines.find(sql, system_id).status


# Everything that its last user left on a machine goes, where there is no way back any more.
WIPE = (
    Step("remove the instance", remove, persists=True),
    Step("wipe the data volumes", wipe_volumes, persists=True),
    Step("make an empty instance", make_empty, persists=True),
)
