"""Sizes of what is on a simulated host: a stopped VM's cores and memory, its disks."""

from __future__ import annotations

from dataclasses import replace

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.machine import InstanceFacts, PowerState


def resize(state: World, key: str, *, machine: str, cores: int, memory: int) -> None:
    """Set cores and memory (MiB); `key`: "project/name"."""
    state.instances[key] = replace(_stopped(state, key, machine), cores=cores, memory=memory)


def resize_disk(state: World, key: str, *, machine: str, device: str, size: int) -> None:
    """Set the size of a disk (bytes), its volume's with it."""
    there = _stopped(state, key, machine)
    disks = tuple(replace(one, size=size) if one.device == device else one for one in there.disks)
    state.instances[key] = replace(there, disks=disks)
    for one in disks:
        volume = f"{one.pool}/{there.project}/{one.volume}"
        if one.device == device and one.volume and volume in state.volumes:
            state.volumes[volume] = replace(state.volumes[volume], size=size)


def _stopped(state: World, key: str, machine: str) -> InstanceFacts:
    there = state.instances.get(key)
    if there is None or there.tag("machine") != machine:
        raise HostRefused(f"There is no instance {key} of this machine.", code=404)
    if there.power != PowerState.OFF:
        raise HostRefused(f"The instance {key} is running.", code=400)
    return there
