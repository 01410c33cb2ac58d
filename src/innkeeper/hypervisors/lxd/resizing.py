"""A VM that is there gets other limits, a disk of it another size. It must be stopped, and carry the machine's mark."""

from __future__ import annotations

from innkeeper.hypervisors.lxd import failures, operations, shapes, units
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.hypervisors.lxd.marks import mark


async def limits(client: Client, project: str, *, name: str, machine: str, cores: int, memory: int) -> None:
    """Set cores and memory (MiB); see `base.Hypervisor.resize`. One that has as many cores keeps the way they are
    written: pins stay."""
    what = f"resize instance {name}"
    found = await _stopped(client, project, name=name, machine=machine, what=what)
    config = found.config or {}
    wanted = {"limits.memory": f"{memory}MiB"}
    if (units.cpus(config.get("limits.cpu", "")) or (0, ()))[0] != cores:
        wanted["limits.cpu"] = units.cpu_text(cores=cores, pinned=())
    if any(config.get(key) != value for key, value in wanted.items()):
        await _change(client, path("instances", name, project=project), {"config": wanted}, what=what)


async def disk(client: Client, project: str, *, name: str, machine: str, device: str, size: int) -> None:
    """Set the size of a disk (bytes); see `base.Hypervisor.resize_disk`."""
    what = f"resize the disk {device} of instance {name}"
    found = await _stopped(client, project, name=name, machine=machine, what=what)
    there = (found.devices or {}).get(device)
    if there is None or there.get("type") != "disk":
        raise failures.refused(f"It has no disk {device} of its own.", 404, what=what)
    if volume := there.get("source", ""):
        address = path("storage-pools", there["pool"], "volumes", "custom", volume, project=project)
        volume_there = await client.find(address, shapes.Volume)
        if volume_there is None or mark(volume_there.config, "machine") != machine:
            raise failures.refused(f"The volume {volume} is not this machine's.", 404, what=what)
        if units.size((volume_there.config or {}).get("size", "")) != size:
            await _change(client, address, {"config": {"size": str(size)}}, what=what)
    elif units.size(there.get("size", "")) != size:
        body: dict[str, object] = {"devices": {device: there | {"size": str(size)}}}  # a device is written as a whole
        await _change(client, path("instances", name, project=project), body, what=what)


async def _stopped(client: Client, project: str, *, name: str, machine: str, what: str) -> shapes.Instance:
    await operations.settle(client, project=project, name=name)
    found = await client.find(path("instances", name, project=project), shapes.Instance)
    if found is None or mark(found.config, "machine") != machine:
        raise failures.refused(f"There is no instance {name} of this machine.", 404, what=what)
    if found.status_code != shapes.STOPPED:
        raise failures.refused(f"The instance {name} is running.", 400, what=what)
    return found


async def _change(client: Client, address: str, body: dict[str, object], *, what: str) -> None:
    """A change of some keys. Sent again it is the same; its outcome is seen by who reads back."""
    await operations.done(client, "PATCH", address, body, what=what, limit=operations.LONG)
