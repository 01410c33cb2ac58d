"""The tracked project: made when it is missing, taken away when we made it and nothing is in it."""

from __future__ import annotations

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.lxd import operations, shapes
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.hypervisors.lxd.marks import mark, marked
from innkeeper.model.host import Project

# Volumes and profiles are the project's own: nothing of "default" leaks in, and nothing of ours out. Images are those
# of "default", so that what an administrator put there can be used. Networks stay the host's (the server's default).
_FEATURES = {"features.images": "false", "features.profiles": "true", "features.storage.volumes": "true"}


async def listing(client: Client) -> tuple[Project, ...]:
    """The projects that we may see."""
    listed = await client.get(path("projects", recursion=1), list[shapes.Project])
    return tuple(Project(name=entry.name, description=entry.description) for entry in listed)


async def ensure(client: Client, name: str, *, description: str, tags: tuple[tuple[str, str], ...]) -> None:
    """Make the project with our marks unless there is one; one that exists is left as it is."""
    if await _find(client, name) is not None:
        return
    body = {"name": name, "description": description, "config": _FEATURES | marked(tags)}
    try:
        await operations.done(client, "POST", path("projects"), body, what=f"create project {name}")
    except HostRefused:
        if await _find(client, name) is None:
            raise


async def delete(client: Client, name: str, *, operation: str) -> None:
    """Delete the project if that operation made it and nothing is in it; else nothing is done."""
    if not _abandoned(await _find(client, name), operation):
        return
    try:
        await operations.done(client, "DELETE", path("projects", name), what=f"delete project {name}")
    except HostRefused:
        # Something may have come into it meanwhile; if not, the refusal has another reason.
        if _abandoned(await _find(client, name), operation):
            raise


async def _find(client: Client, name: str) -> shapes.Project | None:
    return await client.find(path("projects", name), shapes.Project)


def _abandoned(project: shapes.Project | None, operation: str) -> bool:
    """Whether that operation made it and nothing is in it but the profile that every project has."""
    if project is None or not operation or mark(project.config, "operation") != operation:
        return False
    return all(url.partition("?")[0] == "/1.0/profiles/default" for url in project.used_by or [])
