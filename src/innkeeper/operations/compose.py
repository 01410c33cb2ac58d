"""Make a machine on the host that was chosen for it.

The ids, the claim and the records exist before the first step (`store.claims.compose`); the steps only make the
host agree with them.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from innkeeper.errors import Conflict, ErrorRecord, HostRefused, InnkeeperError
from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import DiskSpec, InstanceSpec, InterfaceSpec, Machine, PowerState
from innkeeper.model.readback import differences
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import deployments, events, holdings, hosts, images, links, machines, operations, storage_pools
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.tables import claim


def spec_of(
    machine: Machine,
    *,
    profiles: tuple[str, ...],
    target: str,
    tags: tuple[tuple[str, str], ...],
    fixed: Mapping[str, tuple[int, ...]],
) -> InstanceSpec:
    """The instance that a machine's record describes. `fixed`: networks whose DHCP can be told a NIC's address, with
    the IP versions."""
    return InstanceSpec(
        name=machine.instance,
        project=machine.project,
        architecture=machine.architecture,
        cores=machine.cores,
        memory=machine.memory,
        pinned=machine.pinned,
        huge_pages=machine.huge_pages,
        profiles=profiles,
        disks=tuple(
            DiskSpec(device=disk.device, pool=disk.pool, size=disk.size, volume=disk.volume) for disk in machine.disks
        ),
        interfaces=tuple(
            InterfaceSpec(
                device=nic.name,
                attach=nic.attach,
                parent=nic.parent,
                mac=nic.mac,
                mode=nic.mode,
                vlan=nic.vlan,
                addresses=nic.fixed_addresses(fixed.get(nic.parent, ())) if nic.attach == "network" else (),
            )
            for nic in machine.interfaces
        ),
        tags=tags,
        target=target,
    )


async def _spec(work: Work) -> InstanceSpec:
    return await work.once(read_spec)


def read_spec(sql: sa.Connection, work: Work) -> InstanceSpec:
    machine = machines.find(sql, work.operation.system_id)
    inventory = hosts.inventory(sql, work.host_id)
    return spec_of(
        machine,
        # a profile of that name in the project is applied, as MAAS did; the default profile is not
        profiles=("maas",) if "maas" in inventory.profiles else (),
        target=inventory.server_name if inventory.clustered else "",
        tags=work.marks,
        fixed={one.name: one.fixed for one in inventory.interfaces if one.managed},
    )


async def reach_host(work: Work) -> None:
    """Nothing is changed yet: a host that is down is found out here, where there is nothing to undo."""
    spec = await _spec(work)
    await (await work.host()).settle(name=spec.name)


async def create_volumes(work: Work) -> None:
    spec = await _spec(work)
    host = await work.host()
    for disk in spec.disks:
        if disk.volume:
            volume = VolumeSpec(pool=disk.pool, name=disk.volume, project=spec.project, size=disk.size, tags=work.marks)
            await host.create_volume(volume)


async def delete_volumes(work: Work) -> None:
    """From the order alone: the record may be gone (the machine was removed by force meanwhile)."""
    host = await work.host()
    for pool, volume in work.arguments["volumes"]:
        await host.delete_volume(pool=pool, name=volume, machine=work.operation.system_id)


async def create_instance(work: Work) -> None:
    await (await work.host()).create(await _spec(work))


async def delete_instance(work: Work) -> None:
    host, name = await work.host(), work.arguments["name"]
    await host.settle(name=name)
    await host.delete(name=name, machine=work.operation.system_id)


async def read_back(work: Work) -> None:
    spec = await _spec(work)
    made = await (await work.host()).instance(name=spec.name)
    if made is None:
        raise HostRefused(f"The host made {spec.name} and does not know it.")
    if wrong := differences(spec, made):
        raise HostRefused(f"What the host made of {spec.name} is not what was asked.", details="; ".join(wrong))


def ready(write: Write, work: Work) -> None:
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return  # removed by force meanwhile: its removal waits for us
    write.sql.execute(claim.update().where(claim.c.system_id == system_id).values(present=True))
    machines.update(write, system_id, power_state=PowerState.OFF, settled_at=write.now())
    machines.set_status(write, system_id, Status.READY, actor=work.operation.actor)
    if machines.find(write.sql, system_id).dynamic:  # nobody else sees it Ready: it was made for who owns it
        machines.set_status(write, system_id, Status.ALLOCATED, actor=work.operation.actor)
        return
    machines.update(write, system_id, owner_id=None)
    if work.arguments.get("image"):
        deploy_at_once(write, work)


def deploy_at_once(write: Write, work: Work) -> None:
    """Order the deployment that was asked for with the compose. What stands against it is said; then it stays Ready."""
    from innkeeper.operations import deploy  # which makes instances by this module's specs

    system_id, services, actor = work.operation.system_id, work.services, work.operation.actor
    one, told = machines.find(write.sql, system_id), len(write.events)
    try:
        with write.sql.begin_nested():
            if one.composer_id is None:
                raise Conflict("Who it was composed for is gone.")
            image = images.find(write.sql, work.arguments["image"])
            _, user_data = deployments.secrets_of(write.sql, services.cipher, system_id)
            machines.update(write, system_id, owner_id=one.composer_id)
            machines.set_status(write, system_id, Status.ALLOCATED, actor=actor)
            deploy.submit(
                write,
                services.cipher,
                services.settings,
                machines.find(write.sql, system_id),
                image=image,
                user_data=user_data,
                actor=actor,
                request=work.operation.request,
            )
    except InnkeeperError as error:
        del write.events[told:]  # of what did not happen
        deployments.forget_secrets(write, system_id)
        message = f"composed, and not deployed: {error}"
        machines.set_status(write, system_id, Status.READY, message=message, actor=actor)
        text = f"{one.hostname}: {message}"
        events.add(
            write,
            Event(
                kind="machine",
                what="deploy",
                text=text,
                host_id=one.host_id,
                system_id=system_id,
                operation=work.operation.id,
                actor=actor,
            ),
        )


def give_back(write: Write, work: Work, error: ErrorRecord) -> None:
    """The claim goes. The record stays only if somebody was told of it: then it shows what went wrong."""
    system_id = work.operation.system_id
    holdings.release(write, system_id=system_id)
    project, name = hosts.find(write.sql, work.host_id).project, work.arguments["name"]
    storage_pools.forget_instance(write, host_id=work.host_id, project=project, name=name)
    if machines.gone(write.sql, system_id):
        return
    if operations.find(write.sql, work.operation.id).answered:  # said since we took the work, perhaps
        message = " ".join(part for part in (error.brief, error.details) if part)
        links.forget(write, system_id)  # no NIC is there that could have its address
        deployments.forget_secrets(write, system_id)
        machines.update(write, system_id, power_state=PowerState.UNKNOWN, settled_at=write.now())
        machines.set_status(write, system_id, Status.FAILED_COMMISSIONING, message=message, actor=work.operation.actor)
    else:
        machines.delete(write, system_id)


COMPOSE = Saga(
    "compose",
    steps=(
        Step("reach the host", reach_host),
        Step("create volumes", create_volumes, delete_volumes),
        Step("create the instance", create_instance, delete_instance),
        Step("read it back", read_back),  # reads only: nothing to undo
    ),
    finish=ready,
    abandon=give_back,
)
