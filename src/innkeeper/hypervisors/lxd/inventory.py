"""Reading a host's whole inventory: which requests, at once, and what a part that cannot be read means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar
from urllib.parse import unquote

from innkeeper.errors import HostFailure, HostRefused, HostUnreachable
from innkeeper.hypervisors.lxd import failures, networks, projects, resources, server, shapes, storage, units, volumes
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.hypervisors.together import both, together
from innkeeper.model.host import HostInterface, Inventory, Project, StoragePool

T = TypeVar("T")


async def read(client: Client, *, project: str) -> Inventory:
    """The inventory. Requests: 6, and 2 for each pool and 1 for each interface of the host's own; none for a VM.

    Raises when the host is not trusted, not reachable or too old. Any other part that fails is named in `faults`;
    what else is known of it stays: a pool without its numbers, an interface without its addresses.
    """
    told = await client.get("/1.0", shapes.Server)
    if told.auth != "trusted":
        raise client.untrusted()
    found = server.identity(told)
    server.require(found)
    reading = _Reading(client, project, found.extensions)
    hardware = asyncio.ensure_future(reading.hardware())
    interfaces = reading.interfaces(hardware)
    parts: list[Awaitable[Any]] = [hardware, reading.projects(), reading.profiles(), reading.pools(), interfaces]
    _, projects, profiles, pools, nics = await together(parts)
    machine = resources.processors(hardware.result())
    environment = told.environment or shapes.Environment()
    return Inventory(
        server_name=found.server_name,
        version=found.version,
        hypervisor=found.hypervisor,
        clustered=environment.server_clustered,
        architectures=(units.architecture(environment.kernel_architecture),) if environment.kernel_architecture else (),
        cpu_model=machine.model,
        cpu_speed=machine.speed,
        memory=machine.memory,
        numa_nodes=machine.numa_nodes,
        interfaces=nics,
        pools=pools,
        projects=projects,
        profiles=profiles,
        faults=tuple(sorted(reading.faults.items())),
    )


class _Reading:
    """One pass over a host, gathering the parts that failed."""

    def __init__(self, client: Client, project: str, extensions: frozenset[str]) -> None:
        self._client, self._project, self._extensions = client, project, extensions
        self.faults: dict[str, str] = {}

    async def hardware(self) -> shapes.Resources:
        return await self._part("resources", shapes.Resources(), self._get(path("resources"), shapes.Resources))

    async def projects(self) -> tuple[Project, ...]:
        return await self._part("projects", (), projects.listing(self._client))

    async def profiles(self) -> tuple[str, ...]:
        # Addresses are enough: the long list counts the users of every profile.
        urls = await self._part("profiles", [], self._get(path("profiles", project=self._project), list[str]))
        return tuple(unquote(url.partition("?")[0].rpartition("/")[2]) for url in urls)

    async def pools(self) -> tuple[StoragePool, ...]:
        request = self._get(path("storage-pools", recursion=1, project=self._project), list[shapes.Pool])
        listed = await self._part("storage pools", [], request)
        return tuple(await together(self._pool(entry) for entry in listed))

    async def _pool(self, entry: shapes.Pool) -> StoragePool:
        part = f"pool {entry.name}"
        space = self._get(path("storage-pools", entry.name, "resources"), shapes.PoolResources)
        told, held = await both(self._part(part, None, space), self._part(part, [], self._volumes(entry.name)))
        return storage.pool(entry, told, held)

    async def _volumes(self, pool: str) -> list[shapes.Volume]:
        """The volumes of all projects in one request, or of each project where the server cannot do that."""
        if server.ALL_VOLUMES in self._extensions:
            try:
                return await volumes.every(self._client, pool)
            except HostRefused as refused:
                if not failures.restriction(refused):
                    raise
                self.faults["other projects"] = words(refused)
            return await volumes.of_project(self._client, pool, self._project)
        projects = await self._get(path("projects"), list[str])
        names = [unquote(url.rpartition("/")[2]) for url in projects]
        lists = await together(volumes.of_project(self._client, pool, name) for name in names)
        # A project without volumes of its own shows those of "default" again.
        return list({(v.project, v.type, v.name): v for held in lists for v in held}.values())

    async def interfaces(self, hardware: asyncio.Task[shapes.Resources]) -> tuple[HostInterface, ...]:
        request = self._get(path("networks", recursion=1, project=self._project), list[shapes.NetworkEntry])
        listed = await self._part("networks", [], request)
        ports = resources.card_ports(await hardware)
        states = await self._states(networks.known(listed, ports))
        states |= await self._states(networks.doubtful(listed, ports, states))
        return tuple(
            networks.interface(entry, states.get(entry.name), ports.get(entry.name))
            for entry in sorted(listed, key=lambda entry: entry.name)
            if entry.managed or entry.name in states or f"network {entry.name}" in self.faults
        )

    async def _states(self, names: list[str]) -> dict[str, shapes.NetworkState]:
        found = await together(self._part(f"network {name}", None, self._state(name)) for name in names)
        return {name: state for name, state in zip(names, found, strict=True) if state}

    async def _state(self, name: str) -> shapes.NetworkState | None:
        """None for an interface that went away since the list was read: 404, or 500 saying so."""
        try:
            return await self._get(path("networks", name, "state", project=self._project), shapes.NetworkState)
        except HostRefused as refused:
            if refused.code == 404 or (refused.code == 500 and "not found" in refused.details.lower()):
                return None
            raise

    async def _get(self, address: str, shape: type[T]) -> T:
        return await self._client.get(address, shape)

    async def _part(self, name: str, default: T, request: Awaitable[T]) -> T:
        """The part, or the default and a fault. Raises only when the host as a whole is away or trusts us no more."""
        try:
            return await request
        except HostRefused as refused:
            self.faults[name] = words(refused)
        except HostUnreachable as slow:
            # One pool that hangs must not make the host look down.
            await self._client.alive()
            self.faults[name] = words(slow)
        return default


def words(failure: HostFailure) -> str:
    """What the host said, for a person."""
    return failure.details or failure.brief
