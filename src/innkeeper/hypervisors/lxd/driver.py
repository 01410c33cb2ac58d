"""An LXD or Incus host as a Hypervisor."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import partial

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import (
    Console,
    Guard,
    GuestFacts,
    HostEvent,
    Identity,
    Leases,
    Target,
    VolumeSpec,
    unguarded,
)
from innkeeper.hypervisors.lxd import (
    additions,
    console,
    creation,
    events,
    failures,
    guests,
    images,
    instances,
    inventory,
    leases,
    operations,
    projects,
    resizing,
    server,
    shapes,
    trust,
    volumes,
)
from innkeeper.hypervisors.lxd.client import Client, Connection, Observer, Timeouts, path, unobserved
from innkeeper.hypervisors.lxd.marks import mark, marks, ours
from innkeeper.hypervisors.together import both
from innkeeper.model.host import Inventory, Project
from innkeeper.model.image import ImageFacts, ImageSpec
from innkeeper.model.machine import Added, InstanceFacts, InstanceSpec


async def connect(
    target: Target,
    guard: Guard = unguarded,
    *,
    observe: Observer = unobserved,
    timeouts: Timeouts | None = None,
) -> Lxd:
    """A driver for the target. Nothing is sent yet. Raises ssl.SSLError for a pin or a key that is no PEM."""
    connection = Connection(target, timeouts=timeouts or Timeouts(), observe=observe)
    return Lxd(Client(connection, guard), target, _Learnt())


@dataclass
class _Learnt:
    """What a host told that hardly changes, kept to spare requests: its extensions, its networks' types."""

    identity: Identity | None = None
    network_types: dict[str, str] = field(default_factory=dict)


class Lxd:
    """See `base.Hypervisor` for what each method means."""

    def __init__(self, client: Client, target: Target, learnt: _Learnt) -> None:
        self._client, self._target, self._learnt = client, target, learnt
        self._project = target.project

    def guarded(self, guard: Guard) -> Lxd:
        return Lxd(self._client.guarded(guard), self._target, self._learnt)

    async def close(self) -> None:
        await self._client.close()

    # --- the host

    async def identify(self) -> Identity:
        self._learnt.identity = server.identity(await self._client.get("/1.0", shapes.Server))
        return self._learnt.identity

    async def redeem(self, *, secret: str, name: str) -> None:
        await trust.redeem(self._client, self._target, secret=secret, name=name)

    async def forget(self) -> None:
        await trust.remove(self._client, certificate=self._target.credentials.certificate)

    async def trust(self, *, certificate: str, name: str) -> None:
        await trust.add(self._client, certificate=certificate, name=name)

    async def distrust(self, *, certificate: str) -> None:
        await trust.remove(self._client, certificate=certificate)

    async def projects(self) -> tuple[Project, ...]:
        return await projects.listing(self._client)

    async def ensure_project(self, *, description: str, tags: tuple[tuple[str, str], ...]) -> None:
        await projects.ensure(self._client, self._project, description=description, tags=tags)

    async def delete_project(self, *, operation: str) -> None:
        await projects.delete(self._client, self._project, operation=operation)

    async def describe(self) -> Inventory:
        read = await inventory.read(self._client, project=self._project)
        self._learnt.network_types.update({i.name: i.kind for i in read.interfaces if i.managed})
        return read

    def events(self) -> AsyncGenerator[HostEvent]:
        return events.follow(self._client, project=self._project)

    # --- volumes

    async def create_volume(self, spec: VolumeSpec) -> None:
        await volumes.create(self._client, spec)

    async def volume_tags(self, *, pool: str, name: str) -> tuple[tuple[str, str], ...] | None:
        found = await volumes.find(self._client, pool=pool, name=name, project=self._project)
        return None if found is None else marks(found.config)

    async def delete_volume(self, *, pool: str, name: str, machine: str) -> None:
        await volumes.delete(self._client, pool=pool, name=name, project=self._project, machine=machine)

    # --- images

    async def images(self) -> tuple[ImageFacts, ...]:
        return await images.listing(self._client, project=self._project)

    async def image(self, *, name: str) -> ImageFacts | None:
        return await images.find(self._client, name=name, project=self._project)

    async def push_image(self, spec: ImageSpec) -> None:
        await images.push(self._client, spec, project=self._project)

    async def delete_image(self, *, fingerprint: str, installation: str) -> None:
        await images.delete(self._client, fingerprint=fingerprint, installation=installation, project=self._project)

    # --- instances, read

    async def instances(self) -> tuple[InstanceFacts, ...]:
        try:
            listed = await self._list(all_projects="true")
        except HostRefused as refused:
            if not failures.restriction(refused):
                raise
            listed = await self._list(project=self._project)
        found = instances.virtual_machines(listed)
        pools = {pool for pool, _, _ in instances.custom_volumes(found)}
        sizes, _ = await both(
            volumes.sizes_by_pool(self._client, pools, project=self._project), self._learn_networks(found)
        )
        return self._facts(found, sizes)

    async def instance(self, *, name: str) -> InstanceFacts | None:
        found = await self._find(name)
        if found is None or found.type != "virtual-machine":
            return None
        wanted = instances.custom_volumes([found])
        sizes, _ = await both(volumes.sizes_of(self._client, wanted), self._learn_networks([found]))
        return self._facts([found], sizes)[0]

    async def added(self, *, name: str, machine: str) -> Added | None:
        return additions.of(await self._find(name), machine=machine)

    async def guest(self, *, name: str) -> GuestFacts:
        return await guests.seen(self._client, project=self._project, name=name)

    async def leases(self) -> tuple[Leases, ...]:
        return await leases.read(self._client, project=self._project)

    async def our_address(self) -> str:
        return await guests.our_address(self._client.address)

    def _facts(self, found: list[shapes.Instance], sizes: volumes.Sizes) -> tuple[InstanceFacts, ...]:
        around = instances.Surroundings(network_types=self._learnt.network_types, volume_sizes=sizes)
        return tuple(instances.facts(entry, around) for entry in found)

    async def _learn_networks(self, found: list[shapes.Instance]) -> None:
        """The types of the networks that NICs name, asked for only when one is new."""
        if instances.managed_networks(found) - set(self._learnt.network_types):
            address = path("networks", recursion=1, project=self._project)
            listed = await self._client.get(address, list[shapes.NetworkEntry])
            self._learnt.network_types.update({network.name: network.type for network in listed})

    async def _list(self, **scope: str) -> list[shapes.Instance]:
        scope |= {"instance_type": "virtual-machine"}
        return await self._client.get(path("instances", recursion=1, **scope), list[shapes.Instance])

    async def _find(self, name: str, *, project: str = "") -> shapes.Instance | None:
        return await self._client.find(path("instances", name, project=project or self._project), shapes.Instance)

    # --- instances, changed

    async def create(self, spec: InstanceSpec) -> None:
        await operations.settle(self._client, project=spec.project, name=spec.name)
        if await self._have(spec):
            return
        await self._check_modes(spec)
        what = f"create instance {spec.name}"
        address = path("instances", project=spec.project, target=spec.target or None)
        body = creation.instance_body(spec)
        try:
            send = partial(operations.done, self._client, "POST", address, body, what=what, limit=operations.LONG)
            done = await (images.unpacked(self._client, send) if spec.image else send())
        except HostRefused:
            # A request of ours whose sender died may have been on its way when we looked, and have come first. Else
            # a refusal is final: what a failed create may have left carries our marks, and the undo finds it by them.
            made = await operations.settle(self._client, project=spec.project, name=spec.name)
            if made and await self._have(spec):
                return
            raise
        if not done and not await self._have(spec):
            raise failures.vanished(self._client.address, what)

    async def delete(self, *, name: str, machine: str | None) -> None:
        await self.settle(name=name)
        found = await self._find(name)
        if found is None or (machine is not None and not (machine and mark(found.config, "machine") == machine)):
            return
        if found.status_code != shapes.STOPPED:
            body = {"action": "stop", "force": True, "timeout": 30}
            await self._change_power(name, body, wanted=(shapes.STOPPED, None))
        try:
            there = path("instances", name, project=self._project)
            await operations.gone(self._client, there, what=f"delete instance {name}")
        except HostRefused:
            await self.settle(name=name)  # busy with another's request, which may have done it
            if await self._find(name) is not None:
                raise

    async def readdress(self, *, name: str, machine: str, addresses: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        found = await self._find(name)
        if found is not None and mark(found.config, "machine") == machine:
            await leases.fix(self._client, found, dict(addresses))

    async def resize(self, *, name: str, machine: str, cores: int, memory: int) -> None:
        await resizing.limits(self._client, self._project, name=name, machine=machine, cores=cores, memory=memory)

    async def resize_disk(self, *, name: str, machine: str, device: str, size: int) -> None:
        await resizing.disk(self._client, self._project, name=name, machine=machine, device=device, size=size)

    async def start(self, *, name: str) -> None:
        if (status := await self._settled_status(name)) != shapes.RUNNING:
            action = "unfreeze" if status == shapes.FROZEN else "start"
            await self._change_power(name, {"action": action, "timeout": 30}, wanted=(shapes.RUNNING,))

    async def stop(self, *, name: str, force: bool, timeout: float) -> None:
        if await self._settled_status(name) != shapes.STOPPED:
            body = {"action": "stop", "force": force, "timeout": max(1, math.ceil(timeout))}
            limit = operations.SHORT if force else timeout + 30
            await self._change_power(name, body, wanted=(shapes.STOPPED,), limit=limit)

    async def settle(self, *, name: str) -> None:
        await operations.settle(self._client, project=self._project, name=name)

    async def console(self, *, name: str) -> Console:
        return await console.connect(self._client, project=self._project, name=name)

    async def _have(self, spec: InstanceSpec) -> bool:
        found = await self._find(spec.name, project=spec.project)
        if found is not None and not ours(found.config, spec.tags):
            raise failures.taken(self._client.address, f"instance {spec.name}", spec.project)
        return found is not None

    async def _settled_status(self, name: str) -> int:
        await self.settle(name=name)
        found = await self._find(name)
        if found is None:
            raise failures.refused(f"There is no instance {name} in {self._project}.", 404, what=f"power of {name}")
        return found.status_code

    async def _change_power(
        self,
        name: str,
        body: dict[str, object],
        *,
        wanted: tuple[int | None, ...],
        limit: float = operations.SHORT,
    ) -> None:
        """Send a change of state and wait. Where that fails and the instance is as wanted (None: gone), all is well."""
        what = f"{body['action']} instance {name}"
        address = path("instances", name, "state", project=self._project)
        try:
            if await operations.done(self._client, "PUT", address, body, what=what, limit=limit):
                return
            failure = failures.vanished(self._client.address, what)
        except HostRefused as refused:
            failure = refused
        await self.settle(name=name)
        found = await self._find(name)
        if (found.status_code if found else None) not in wanted:
            raise failure from None

    async def _check_modes(self, spec: InstanceSpec) -> None:
        """Whether the server knows the macvlan modes that are asked for; LXD knows bridge only."""
        modes = {nic.mode for nic in spec.interfaces if nic.attach == "macvlan"} - {"", "bridge"}
        if modes:
            server.require_macvlan_modes(self._learnt.identity or await self.identify(), modes)
