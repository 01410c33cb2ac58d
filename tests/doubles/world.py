"""The world behind the TLS double of LXD: projects, instances, volumes, operations and trust, kept in memory.

It answers as a real LXD 5.0.2 did (see tests/data/lxd); what a real one checks late is checked late here too.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data" / "lxd"
Json = Any

RUNNING, STOPPED, FROZEN = (103, "Running"), (102, "Stopped"), (110, "Frozen")
SUCCESS, FAILURE = (200, "Success"), (400, "Failure")


def sample(name: str) -> Json:
    """The metadata of a raw answer of a real server."""
    return json.loads((DATA / f"{name}.json").read_text())["metadata"]


class Refusal(Exception):
    """An error answer."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass
class Operation:
    id: str
    description: str
    instances: list[str]
    project: str
    state: tuple[int, str] = RUNNING
    err: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cls: str = "task"

    def shape(self) -> Json:
        return {
            "id": self.id,
            "class": self.cls,
            "description": self.description,
            "status": self.state[1],
            "status_code": self.state[0],
            "resources": {"instances": self.instances} if self.instances else None,
            "metadata": None,
            "may_cancel": False,
            "err": self.err,
            "location": "none",
        }


class World:
    """What the double knows. Everything is public: tests set and read it."""

    def __init__(self) -> None:
        self.server: Json = sample("server")
        self.resources: Json = sample("resources")
        self.networks: Json = sample("networks")
        self.network_states: dict[str, Json] = {
            "lxdbr0": sample("network-state"),
            "eth0": sample("network-state-eth0"),
            "incusbr0": {**sample("network-state"), "addresses": []},
        }
        self.leases: dict[str, Json] = {"lxdbr0": sample("leases")}
        self.pools: dict[str, Json] = {pool["name"]: pool for pool in sample("storage-pools")}
        self.pool_resources: dict[str, Json] = {"default": sample("storage-pool-resources")}
        self.projects: dict[str, Json] = {project["name"]: project for project in sample("projects")}
        self.profiles: dict[str, list[str]] = {"default": ["default"]}
        self.instances: dict[tuple[str, str], Json] = {}
        self.instance_states: dict[str, Json] = {}  # what is told of guests beside their power
        self.volumes: dict[tuple[str, str, str], Json] = {}  # (pool, project, name)
        self.operations: dict[str, Operation] = {}
        self.tokens: set[str] = set()
        self.password = ""
        self.trusted = True
        self.own = ""  # fingerprint of the certificate that `trusted` is about; "": whichever is deleted
        self.certificates: set[str] = set()  # fingerprints of others in the trust list
        self.restricted: frozenset[str] = frozenset()  # the only projects we may see; empty: all
        self.takes_seconds = 0.0  # how long an operation on an instance runs
        self.fails: dict[str, str] = {}  # description of an operation → the words it fails with, once
        self.remembers_seconds = 5.0  # how long an operation that ended can be asked for
        self.ignores_shutdown = False  # guests without ACPI
        self.emit: Callable[[str, str, str, Json], None] = lambda action, source, project, context: None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = itertools.count(1)

    # --- what tests do to it

    def add_instance(
        self,
        name: str,
        *,
        project: str = "default",
        config: dict[str, str] | None = None,
        devices: dict[str, dict[str, str]] | None = None,
        status: tuple[int, str] = STOPPED,
        type: str = "virtual-machine",
        **more: Json,
    ) -> Json:
        """Put an instance there, as somebody else's."""
        config = {"limits.cpu": "1", "limits.memory": "1GiB"} if config is None else config
        devices = (
            {"root": {"type": "disk", "path": "/", "pool": "default", "size": "8GiB"}} if devices is None else devices
        )
        self.instances[project, name] = {
            "name": name,
            "project": project,
            "type": type,
            "architecture": "x86_64",
            "status_code": status[0],
            "status": status[1],
            "location": "none",
            "profiles": [],
            "config": config,
            "expanded_config": config,
            "devices": devices,
            "expanded_devices": devices,
            **more,
        }
        return self.instances[project, name]

    def add_pool(self, name: str, *, driver: str = "zfs", total: int = 10**12, used: int = 0) -> None:
        self.pools[name] = {**sample("storage-pools")[0], "name": name, "driver": driver, "config": {"source": name}}
        self.pool_resources[name] = {"space": {"total": total, "used": used}}

    def add_volume(self, name: str, *, pool: str = "default", project: str = "default", **config: str) -> Json:
        self.volumes[pool, project, name] = {
            "name": name,
            "type": "custom",
            "content_type": "block",
            "project": project,
            "config": config,
            "used_by": [],
        }
        return self.volumes[pool, project, name]

    def add_project(self, name: str, **config: str) -> None:
        self.projects[name] = {"name": name, "description": "", "config": config, "used_by": []}
        self.profiles[name] = ["default"]

    def token(self, fingerprint: str) -> str:
        """A one-time trust token of this server."""
        secret = secrets.token_hex(16)
        self.tokens.add(secret)
        told = {"client_name": "c", "fingerprint": fingerprint, "addresses": ["127.0.0.1:8443"], "secret": secret}
        return base64.b64encode(json.dumps(told).encode()).decode()

    def forget_operations(self) -> None:
        """As a restart of the server does."""
        self.operations.clear()

    # --- what it does itself

    def background(
        self, description: str, project: str, instance: str, work: Callable[[], Awaitable[None] | None]
    ) -> Json:
        """An operation that runs `work` after a while; its answer."""
        suffix = "" if project == "default" else f"?project={project}"
        names = [f"/1.0/instances/{instance}{suffix}"] if instance else []
        operation = Operation(f"00000000-0000-4000-8000-{next(self._ids):012d}", description, names, project)
        self.operations[operation.id] = operation

        async def run() -> None:
            await asyncio.sleep(self.takes_seconds)
            try:
                if words := self.fails.pop(description, ""):
                    raise Refusal(400, words)
                work()
            except Refusal as refusal:
                operation.state, operation.err = FAILURE, refusal.text
            else:
                operation.state = SUCCESS
            operation.ended.set()
            await asyncio.sleep(self.remembers_seconds)
            self.operations.pop(operation.id, None)

        task = asyncio.ensure_future(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {
            "type": "async",
            "status": "Operation created",
            "status_code": 100,
            # A query as clusters send it: whoever appends /wait to this waits for nothing.
            "operation": f"/1.0/operations/{operation.id}?project={project}",
            "metadata": operation.shape(),
        }

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def used_by(self, project: str) -> list[str]:
        """Of a project: its profile and what is in it."""
        used = [f"/1.0/profiles/default?project={project}"]
        used += [f"/1.0/instances/{name}?project={project}" for (p, name) in self.instances if p == project]
        used += [
            f"/1.0/storage-pools/{pool}/volumes/custom/{n}?project={project}"
            for (pool, p, n) in self.volumes
            if p == project
        ]
        return used

    def volume_shapes(self, pool: str, projects: set[str] | None) -> list[Json]:
        """Custom volumes with their users, and the root disks of VMs."""
        found = []
        for (at, project, name), volume in self.volumes.items():
            if at == pool and (projects is None or project in projects):
                found.append({**deepcopy(volume), "used_by": self._users(pool, project, name)})
        for (project, name), instance in self.instances.items():
            roots = [d for d in instance["expanded_devices"].values() if d.get("path") == "/" and d.get("pool") == pool]
            if roots and (projects is None or project in projects):
                used = [f"/1.0/instances/{name}?project={project}"]
                found.append(
                    {
                        "name": name,
                        "type": instance["type"],
                        "content_type": "block",
                        "project": project,
                        "config": {},
                        "used_by": used,
                    }
                )
        return found

    def _users(self, pool: str, project: str, volume: str) -> list[str]:
        return [
            f"/1.0/instances/{name}" + ("" if p == "default" else f"?project={p}")
            for (p, name), instance in self.instances.items()
            for d in instance["expanded_devices"].values()
            if p == project and d.get("pool") == pool and d.get("source") == volume
        ]
