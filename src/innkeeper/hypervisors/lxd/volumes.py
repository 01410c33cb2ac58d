"""Custom volumes: made, found, deleted, listed."""

from __future__ import annotations

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.hypervisors.lxd import failures, operations, shapes, storage
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.hypervisors.lxd.marks import mark, ours
from innkeeper.hypervisors.together import together

Sizes = dict[tuple[str, str, str], int | None]  # (pool, project, volume): bytes


async def find(client: Client, *, pool: str, name: str, project: str) -> shapes.Volume | None:
    """A custom volume, or None."""
    return await client.find(path("storage-pools", pool, "volumes", "custom", name, project=project), shapes.Volume)


async def create(client: Client, spec: VolumeSpec) -> None:
    """Make a block volume with our marks; see `base.Hypervisor.create_volume`."""
    if await _have(client, spec):
        return
    what = f"create volume {spec.name} in pool {spec.pool}"
    address = path("storage-pools", spec.pool, "volumes", "custom", project=spec.project)
    body = storage.volume_body(spec)
    done = await operations.done(client, "POST", address, body, what=what, limit=operations.LONG)
    if not done and not await _have(client, spec):
        raise failures.vanished(client.address, what)


async def delete(client: Client, *, pool: str, name: str, project: str, machine: str) -> None:
    """Delete a volume that carries the machine's mark; any other is left alone."""
    found = await find(client, pool=pool, name=name, project=project)
    if found is None or not machine or mark(found.config, "machine") != machine:
        return
    address = path("storage-pools", pool, "volumes", "custom", name, project=project)
    await operations.gone(client, address, what=f"delete volume {name} in pool {pool}")


async def every(client: Client, pool: str) -> list[shapes.Volume]:
    """The volumes of all projects (one request; servers without `storage_volumes_all_projects` show "default")."""
    address = path("storage-pools", pool, "volumes", recursion=1, all_projects="true")
    return await client.get(address, list[shapes.Volume])


async def of_project(client: Client, pool: str, project: str) -> list[shapes.Volume]:
    """The volumes that one project sees."""
    address = path("storage-pools", pool, "volumes", recursion=1, project=project)
    return await client.get(address, list[shapes.Volume])


async def sizes_by_pool(client: Client, pools: set[str], *, project: str) -> Sizes:
    """Sizes of the custom volumes in these pools: one request per pool."""

    async def listed(pool: str) -> list[tuple[str, shapes.Volume]]:
        try:
            found = await every(client, pool)
        except HostRefused as refused:
            if not failures.restriction(refused):
                raise
            found = await of_project(client, pool, project)
        return [(pool, volume) for volume in found if volume.type == "custom"]

    lists = await together(listed(pool) for pool in sorted(pools))
    return {(pool, v.project, v.name): storage.volume(v).size for pairs in lists for pool, v in pairs}


async def sizes_of(client: Client, wanted: set[tuple[str, str, str]]) -> Sizes:
    """Sizes of these volumes (pool, project, name): one request per volume."""
    keys = sorted(wanted)
    found = await together(find(client, pool=pool, name=name, project=project) for pool, project, name in keys)
    return {key: storage.volume(volume).size for key, volume in zip(keys, found, strict=True) if volume}


async def _have(client: Client, spec: VolumeSpec) -> bool:
    found = await find(client, pool=spec.pool, name=spec.name, project=spec.project)
    if found is not None and not ours(found.config, spec.tags):
        raise failures.taken(client.address, f"volume {spec.name} in pool {spec.pool}", spec.project)
    return found is not None
