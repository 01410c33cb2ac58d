"""Deploy a machine: its root disk is made of an image, its guest is told who it is on a NoCloud drive, and started.

The operation ends when the guest was started; the machine is Deploying until the guest shows itself (`arrivals`).
So nothing is held while it boots. What fails before is undone: the instance is an empty one again.
"""

from __future__ import annotations

import secrets as random
from dataclasses import replace

import sqlalchemy as sa

from innkeeper.errors import ErrorRecord
from innkeeper.model import deployment as model
from innkeeper.model.image import Image
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import InstanceSpec, Machine, PowerState
from innkeeper.model.seed import Seed, seed
from innkeeper.operations import push_image, remake
from innkeeper.operations.context import Work
from innkeeper.operations.saga import CANCELLED, Saga, Step
from innkeeper.settings import Settings
from innkeeper.store import (
    additions,
    auto_addresses,
    deployments,
    events,
    hosts,
    machines,
    operations,
    seeds,
    unfinished,
)
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.secrets import Cipher

PHONE_HOME = "/phone-home/"  # where guests call; what follows is their token
CALLED = "it phoned home"


def submit(
    write: Write,
    cipher: Cipher,
    settings: Settings,
    machine: Machine,
    *,
    image: Image,
    user_data: str,
    actor: str,
    request: str = "",
) -> str:
    """Order a deployment of an Allocated machine; it is Deploying from now on. Returns the operation."""
    assert machine.host_id is not None
    hosts.lock_for_work(write, machine.host_id)
    system_id = machine.system_id
    auto_addresses.give(write, machine)
    deployments.begin(
        write,
        cipher,
        system_id=system_id,
        image_id=image.id,
        user_data=user_data,
        token=random.token_urlsafe(32),
        limit=settings.deploy_limit,
    )
    machines.update(write, system_id, osystem=image.osystem, distro_series=image.series)
    machines.set_status(write, system_id, Status.DEPLOYING, message=f"deploying {image.name}", actor=actor)
    return operations.submit(
        write,
        kind=DEPLOY.kind,
        first_step=DEPLOY.first,
        host_id=machine.host_id,
        system_id=system_id,
        arguments={"name": machine.instance, "image": image.id},
        actor=actor,
        request=request,
    )


def cancel(write: Write, machine: Machine, *, actor: str) -> bool:
    """Call off a deployment that still works on the host; False when the guest was started already.

    No guest is waited for any more. The machine's status is the caller's, or follows when all is undone.
    """
    deployments.void_token(write, machine.system_id)
    under_way = [one for one in unfinished.of_machine(write.sql, machine.system_id) if one.kind == DEPLOY.kind]
    for one in under_way:
        if one.state in operations.OPEN and not one.cancelled:
            operations.cancel(write, id=one.id, actor=actor)
    return bool(under_way)


async def reach(work: Work) -> None:
    """Find the host, and where its guests reach us: that decides what will show that this one is up."""
    await remake.reach(work)
    await _base_url(work)


async def _base_url(work: Work) -> str:
    """Where the guest will call, "" for nowhere. That, and what shows that it is up, is noted; told, if it is news."""
    host = await work.read(hosts.find, work.host_id)
    settings = work.services.settings
    our_end = "" if host.guest_address else await (await work.host()).our_address()
    url = model.base_url(chosen=host.guest_address, our_end=our_end, listens=settings.host, port=settings.port)
    _, user_data = await work.read(deployments.secrets_of, work.services.cipher, work.operation.system_id)
    await work.write(_note_signs, work, model.signs(url, user_data=user_data), url)
    return url


def _note_signs(write: Write, work: Work, signs: tuple[model.Sign, ...], base_url: str) -> None:
    if deployments.set_signs(write, work.operation.system_id, signs, base_url):
        _tell(write, work, model.in_words(signs, base_url))


async def push(work: Work) -> None:
    """Before anything is given up: the host has the image."""
    await push_image.on_host(work, work.arguments["image"])


async def create(work: Work) -> None:
    """The instance of the image, with its seed."""
    fingerprint = await push_image.on_host(work, work.arguments["image"])
    spec = remake.of_image(await remake.with_added(work, await remake.spec_of(work)), fingerprint)
    await (await work.host()).create(await _seeded(work, spec))


async def _seeded(work: Work, spec: InstanceSpec) -> InstanceSpec:
    base_url = await _base_url(work)
    return replace(spec, seed=await work.read(_seed, work, base_url))


def _seed(sql: sa.Connection, work: Work, base_url: str) -> Seed:
    machine = machines.find(sql, work.operation.system_id)
    token, user_data = deployments.secrets_of(sql, work.services.cipher, machine.system_id)
    call = f"{base_url}{PHONE_HOME}{token}" if base_url and token else ""
    guest = seeds.guest(sql, machine, phone_home=call)
    return seed(guest, seeds.nics(sql, machine), user_data=user_data)


async def start(work: Work) -> None:
    """Its console is kept open from before its first line on."""
    await work.write(machines.use, work.operation.system_id)
    work.services.consoles.watch(work.operation.system_id, starting=True)
    await (await work.host()).start(name=work.arguments["name"])


def started(write: Write, work: Work) -> None:
    """From now on the guest is waited for, unless it has called already."""
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return  # removed by force meanwhile: its removal waits for us
    remake.settle_power(write, system_id, PowerState.ON)
    additions.forget(write, system_id)
    deployments.update(write, system_id, deadline=write.now() + work.services.settings.deploy_limit)
    deployment = deployments.find(write.sql, system_id)
    called_off = operations.find(write.sql, work.operation.id).cancelled  # said since we took the work, perhaps
    if deployment is not None and deployment.phoned is not None and not called_off:
        arrived(write, system_id, how=CALLED)


def arrived(write: Write, system_id: str, *, how: str) -> None:
    """A guest has shown itself; nothing is done unless its machine is Deploying still."""
    if remake.status_of(write.sql, system_id) != Status.DEPLOYING:
        return
    one = machines.find(write.sql, system_id)
    deployments.void_token(write, system_id)
    machines.set_status(write, system_id, Status.DEPLOYED)
    text = f"{one.hostname} is up: {how}"
    events.add(write, Event(kind="machine", what="arrived", text=text, host_id=one.host_id, system_id=system_id))


def given_up(write: Write, work: Work, error: ErrorRecord) -> None:
    """The instance is empty again: Failed deployment, or after an abort Allocated as before."""
    system_id = work.operation.system_id
    if machines.gone(write.sql, system_id):
        return
    machines.update(write, system_id, osystem="", distro_series="")
    additions.forget(write, system_id)
    deployments.forget(write, system_id)
    auto_addresses.take_back(write, system_id)
    if remake.status_of(write.sql, system_id) != Status.DEPLOYING:
        return  # it is being released
    if error == CANCELLED:
        machines.set_status(write, system_id, Status.ALLOCATED, actor=work.operation.actor)
    else:
        message = " ".join(part for part in (error.brief, error.details) if part)
        machines.set_status(write, system_id, Status.FAILED_DEPLOYMENT, message=message, actor=work.operation.actor)


def _tell(write: Write, work: Work, text: str) -> None:
    one = work.operation
    told = Event(
        kind="machine",
        what="deploy",
        text=f"{one.arguments['name']}: {text}",
        host_id=one.host_id,
        system_id=one.system_id,
        operation=one.id,
        actor=one.actor,
    )
    events.add(write, told)


DEPLOY = Saga(
    "deploy",
    steps=(
        Step("reach the host", reach),
        Step("give it the image", push),
        Step("stop the instance", remake.stop, remake.note_power),
        Step("remove the empty instance", remake.remove, remake.make_empty),
        Step("create the instance from the image", create, remake.delete_made),
        Step("read it back", remake.read_back),
        Step("start the instance", start),
    ),
    finish=started,
    abandon=given_up,
)
