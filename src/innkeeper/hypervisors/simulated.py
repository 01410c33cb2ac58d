"""A host that is a file (`simulated_world`): everything a hypervisor does, in miniature, with faults on demand.

For tests, benches and the demo fleet. A create takes time, during which its name is taken and not visible; it
finishes even when its caller has died, as on a real host.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from innkeeper.errors import HostRefused, HostUnreachable, HostUntrusted
from innkeeper.hypervisors import simulated_sizes
from innkeeper.hypervisors.base import (
    Change,
    Console,
    Guard,
    HostEvent,
    Identity,
    Target,
    VolumeSpec,
    unguarded,
)
from innkeeper.hypervisors.simulated_changes import NONE, change
from innkeeper.hypervisors.simulated_console import SimulatedConsole
from innkeeper.hypervisors.simulated_guests import SimulatedGuests
from innkeeper.hypervisors.simulated_world import MIB, Fault, Making, World, made, world
from innkeeper.model.host import HugePages, Inventory, NumaNode, Project, StoragePool, Thread, Volume
from innkeeper.model.machine import InstanceFacts, InstanceSpec, PowerState

LOOK = 0.2  # who waits for a create looks again after that, seconds: it may be done sooner than was said
PREFIX = "simulated:"
_POWER = {"instance-started": PowerState.ON, "instance-stopped": PowerState.OFF}


class Simulated(SimulatedGuests):
    """A connection to a simulated host."""

    def __init__(self, target: Target, guard: Guard = unguarded) -> None:
        self._target, self._guard = target, guard
        self._path = Path(target.address.removeprefix(PREFIX))

    def guarded(self, guard: Guard) -> Simulated:
        return Simulated(self._target, guard)

    async def close(self) -> None:
        return None

    @asynccontextmanager
    async def _call(self, call: str, name: str = "", *, change: bool = False) -> AsyncIterator[World]:
        """One request: counted, faults strike before and after, the guard looks first when it changes the host."""
        if change:
            self._guard()
        refused: Exception | None = None
        with world(self._path) as state:
            state.calls[call] = state.calls.get(call, 0) + 1
            fault = next((one for one in state.faults if one.call == call and one.name in ("", name)), None)
            if fault is not None:
                state.faults.remove(fault)
            up, first = state.up, fault is not None and fault.when == "before"
            if up and not first:
                try:
                    yield state
                except Exception as error:  # the call was made all the same: it stays counted
                    refused = error
        if refused is not None:
            raise refused
        if not up:
            raise HostUnreachable(f"The host {self._path.stem} does not answer.", details="It is down.")
        if fault is not None:
            await _strike(fault)
        if first:
            with world(self._path) as state:
                yield state

    def _key(self, name: str) -> str:
        return f"{self._target.project}/{name}"

    async def identify(self) -> Identity:
        async with self._call("identify") as state:
            known = state.trusting or self._me() in state.trusted
            return Identity(trusted=known, server_name=state.name, version="1", hypervisor="simulated")

    def _me(self) -> str:
        return self._target.credentials.certificate

    async def redeem(self, *, secret: str, name: str) -> None:
        async with self._call("redeem", change=True) as state:
            if self._me() in state.trusted:
                return
            if secret != "token":
                raise HostRefused("The host does not accept this token.", code=403)
            state.trusted.append(self._me())

    async def forget(self) -> None:
        async with self._call("forget", change=True) as state:
            state.trusted = [one for one in state.trusted if one != self._me()]

    async def trust(self, *, certificate: str, name: str) -> None:
        async with self._call("trust", change=True) as state:
            if certificate not in state.trusted:
                state.trusted.append(certificate)

    async def distrust(self, *, certificate: str) -> None:
        async with self._call("distrust", change=True) as state:
            state.trusted = [one for one in state.trusted if one != certificate]

    async def projects(self) -> tuple[Project, ...]:
        async with self._call("projects") as state:
            return tuple(Project(name=name) for name in state.projects)

    async def ensure_project(self, *, description: str, tags: tuple[tuple[str, str], ...]) -> None:
        async with self._call("ensure_project", change=True) as state:
            state.projects.setdefault(self._target.project, dict(tags).get("operation", ""))

    async def delete_project(self, *, operation: str) -> None:
        async with self._call("delete_project", change=True) as state:
            mine = state.projects.get(self._target.project) == operation
            if mine and not any(key.startswith(f"{self._target.project}/") for key in state.instances):
                del state.projects[self._target.project]

    async def describe(self) -> Inventory:
        async with self._call("describe") as state:
            if not state.trusting and self._me() not in state.trusted:
                raise HostUntrusted(f"The host {state.name} does not trust us.")
            threads = tuple(Thread(id=number, core=number) for number in range(state.cores))
            pages = (HugePages(page_size=2 * MIB, total=state.huge_pages, used=0),) if state.huge_pages else ()
            whole = NumaNode(id=0, threads=threads, memory=state.memory, huge_pages=pages)
            return Inventory(
                server_name=state.name,
                version="1",
                hypervisor="simulated",
                architectures=("amd64/generic",),
                cpu_model="Simulated",
                cpu_speed=2000,
                memory=state.memory,
                numa_nodes=tuple(state.numa_nodes) or (whole,),
                interfaces=tuple(state.interfaces),
                pools=tuple(self._pool(state, name, total) for name, total in state.pools.items()),
                projects=tuple(Project(name=name) for name in state.projects),
                profiles=("default",),
            )

    def _pool(self, state: World, name: str, total: int) -> StoragePool:
        held: dict[tuple[str, str], list[str]] = {}  # (project, custom volume) → the instances that use it
        for facts in state.instances.values():
            for disk in facts.disks:
                if disk.pool == name and disk.volume:
                    held.setdefault((facts.project, disk.volume), []).append(f"{facts.project}/{facts.name}")
        volumes = [
            replace(volume, holders=(*volume.holders, *held.get((volume.project, volume.name), ())))
            for key, volume in state.volumes.items()
            if key.split("/")[0] == name
        ]
        for facts in state.instances.values():
            root = next((disk for disk in facts.disks if disk.pool == name and not disk.volume), None)
            if root:
                volumes.append(
                    Volume(name=facts.name, kind="virtual-machine", project=facts.project, size=root.size, written=0)
                )
        return StoragePool(name=name, driver="zfs", path=name, total=total, written=0, volumes=tuple(volumes))

    async def instances(self) -> tuple[InstanceFacts, ...]:
        async with self._call("instances") as state:
            return tuple(state.instances.values())

    async def instance(self, *, name: str) -> InstanceFacts | None:
        async with self._call("instance", name) as state:
            return state.instances.get(self._key(name))

    async def create_volume(self, spec: VolumeSpec) -> None:
        async with self._call("create_volume", spec.name, change=True) as state:
            key = f"{spec.pool}/{spec.project}/{spec.name}"
            there = state.volumes.get(key)
            if there is None:
                state.volumes[key] = Volume(
                    name=spec.name, kind="custom", project=spec.project, size=spec.size, written=0, tags=spec.tags
                )
            elif dict(there.tags).get("operation") != dict(spec.tags).get("operation"):
                raise HostRefused(f"There is a volume {spec.name} already.", code=409)

    async def volume_tags(self, *, pool: str, name: str) -> tuple[tuple[str, str], ...] | None:
        async with self._call("volume_tags", name) as state:
            there = state.volumes.get(f"{pool}/{self._target.project}/{name}")
            return there.tags if there else None

    async def delete_volume(self, *, pool: str, name: str, machine: str) -> None:
        async with self._call("delete_volume", name, change=True) as state:
            key = f"{pool}/{self._target.project}/{name}"
            there = state.volumes.get(key)
            if there and dict(there.tags).get("machine", "") == machine:
                del state.volumes[key]

    async def create(self, spec: InstanceSpec) -> None:
        await self.settle(name=spec.name)
        key = self._key(spec.name)
        async with self._call("create", spec.name, change=True) as state:
            there = state.instances.get(key)
            if there and there.tag("operation") == dict(spec.tags).get("operation"):
                return
            if there or key in state.making:
                raise HostRefused(f"There is an instance {spec.name} already.", code=409)
            until = time.time() + state.create_seconds
            if spec.image and spec.image not in state.images:
                raise HostRefused(f"There is no image {spec.image}.", code=404)
            state.making[key] = Making(until=until, facts=made(spec), seed=spec.seed, added=spec.added)
            state.settle()
        await self.settle(name=spec.name)

    async def delete(self, *, name: str, machine: str | None) -> None:
        async with self._call("delete", name, change=True) as state:
            there = state.instances.get(self._key(name))
            if there and (machine is None or (machine and there.tag("machine") == machine)):
                del state.instances[self._key(name)]
                state.seeds.pop(self._key(name), None)
                state.added.pop(self._key(name), None)
                state.guests.pop(self._key(name), None)
                state.tell("instance-deleted", self._target.project, name)

    async def resize(self, *, name: str, machine: str, cores: int, memory: int) -> None:
        async with self._call("resize", name, change=True) as state:
            simulated_sizes.resize(state, self._key(name), machine=machine, cores=cores, memory=memory)

    async def resize_disk(self, *, name: str, machine: str, device: str, size: int) -> None:
        async with self._call("resize_disk", name, change=True) as state:
            simulated_sizes.resize_disk(state, self._key(name), machine=machine, device=device, size=size)

    async def start(self, *, name: str) -> None:
        await self._power("start", name, PowerState.ON, "instance-started")

    async def stop(self, *, name: str, force: bool, timeout: float) -> None:
        await self._power("stop" if force else "shutdown", name, PowerState.OFF, "instance-stopped")

    async def _power(self, call: str, name: str, power: PowerState, action: str) -> None:
        async with self._call(call, name, change=True) as state:
            there = state.instances.get(self._key(name))
            if there is None:
                raise HostRefused(f"There is no instance {name}.", code=404)
            state.instances[self._key(name)] = replace(there, power=power)
            state.tell(action, self._target.project, name)

    async def settle(self, *, name: str) -> None:
        while True:
            async with self._call("settle", name) as state:
                making = state.making.get(self._key(name))
            if making is None:
                return
            await asyncio.sleep(min(max(making.until - time.time(), 0.005), LOOK))

    async def console(self, *, name: str) -> Console:
        async with self._call("console", name):
            pass
        return SimulatedConsole(self._path, self._key(name))

    async def events(self) -> AsyncGenerator[HostEvent]:
        async with self._call("events") as state:
            last = state.events[-1][0] if state.events else 0
        yield HostEvent(change=Change.OPENED, action="opened")
        version = NONE
        while True:
            version = await change(self._path, version)
            with world(self._path) as state:
                if not state.up:
                    raise HostUnreachable(f"The host {state.name} does not answer.", details="It went down.")
                fresh = [one for one in state.events if one[0] > last]
                if state.making:
                    version = NONE  # it goes on by itself: look again
            for number, action, project, name in fresh:
                last = number
                told = {"change": Change.INSTANCE, "action": action, "project": project, "instance": name}
                yield HostEvent(**told, power=_POWER.get(action))  # type: ignore[arg-type]


async def _strike(fault: Fault) -> None:
    if fault.kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "cut":
        raise HostUnreachable("The connection to the host was cut.", details="The outcome is unknown.")
    else:
        raise HostRefused("The host refused.", details="a fault on demand", code=500)


def certificate(path: Path) -> str:
    """The server certificate that a simulated host shows, not a real one. HostUnreachable when it is down."""
    with world(path) as state:
        if not state.up:
            raise HostUnreachable(f"The host {path.stem} does not answer.", details="It is down.")
    return f"simulated host {path.resolve()}\n"


async def connect(target: Target, guard: Guard = unguarded) -> Simulated:
    """A connection to the simulated host at that address."""
    return Simulated(target, guard)
