"""The lab's real servers (see lab/README.md), and the proof that a test leaves nothing on them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from innkeeper.hypervisors.base import Credentials, Target
from innkeeper.hypervisors.lxd import shapes
from innkeeper.hypervisors.lxd.client import Client, Connection, Timeouts, path, unobserved
from innkeeper.hypervisors.lxd.driver import Lxd, connect
from innkeeper.model.machine import DiskSpec, InstanceSpec, InterfaceSpec

Connected = Callable[..., Awaitable[Lxd]]

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A real server: how it is reached over the network, and its own command line for doing things behind our back."""

    name: str
    address: str  # https://…
    pool: str
    network: str
    credentials: Credentials
    server_certificate: str

    def target(self, project: str = "default", credentials: Credentials | None = None) -> Target:
        return Target(
            address=self.address,
            project=project,
            credentials=credentials or self.credentials,
            server_certificate=self.server_certificate,
        )

    async def run(self, verb: str, *arguments: str) -> str:
        """`lab/lxd VERB NAME ARGUMENTS…`; its output."""
        return await asyncio.to_thread(_lab, verb, self.name, *arguments)

    async def lxc(self, *arguments: str) -> str:
        """The server's own command line, on its own machine."""
        return await self.run("lxc", "--", *arguments)


def _lab(*arguments: str) -> str:
    done = subprocess.run([ROOT / "lab" / "lxd", *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"lab/lxd {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="session", params=["lab1"])
def lab(request: pytest.FixtureRequest) -> Lab:
    """A real LXD that `make lab-up` started."""
    told = json.loads(_lab("env", request.param))
    return Lab(
        name=told["name"],
        address=f"https://{told['address']}",
        pool=told["pool"],
        network=told["network"],
        credentials=Credentials(
            certificate=Path(told["client_cert"]).read_text(), key=Path(told["client_key"]).read_text()
        ),
        server_certificate=Path(told["server_cert"]).read_text(),
    )


@pytest.fixture
async def clean(lab: Lab) -> AsyncIterator[None]:
    """Fails a test that leaves an instance, a volume, a project, a trusted certificate or a running operation."""
    before = await _things(lab)
    yield
    left = await _things(lab) - before
    assert not left, f"left on the host: {sorted(left)}"


async def _things(lab: Lab) -> set[str]:
    client = Client(Connection(lab.target(), timeouts=Timeouts(), observe=unobserved))
    try:
        projects = await client.get(path("projects"), list[str])
        things = set(projects) | set(await client.get(path("certificates"), list[str]))
        things |= set(await client.get(path("instances", all_projects="true"), list[str]))
        for pool in await client.get(path("storage-pools", recursion=1), list[shapes.Pool]):
            volumes = await client.get(
                path("storage-pools", pool.name, "volumes", recursion=1, all_projects="true"), list[shapes.Volume]
            )
            things |= {f"{pool.name}/{v.type}/{v.project}/{v.name}" for v in volumes if v.type != "image"}
        for project in projects:
            address = path("operations", recursion=1, project=project.rpartition("/")[2])
            listed = await client.get(address, dict[str, list[shapes.Operation] | None])
            # A token that nobody used is an operation that runs for ever; it names no instance.
            things |= {f"operation {one.id}" for one in listed.get("running") or [] if one.resources}
        return things
    finally:
        await client.close()


@pytest.fixture
async def connected(lab: Lab) -> AsyncIterator[Connected]:
    """A function that makes drivers, closed at the end."""
    drivers: list[Lxd] = []

    async def to(project: str = "default", **options: object) -> Lxd:
        drivers.append(await connect(lab.target(project), **options))  # type: ignore[arg-type]
        return drivers[-1]

    yield to
    for driver in drivers:
        await driver.close()


@pytest.fixture
async def driver(connected: Connected) -> Lxd:
    return await connected()


@pytest.fixture
def spec(lab: Lab) -> InstanceSpec:
    """A small VM under a name of its own, with marks of its own."""
    mark = uuid.uuid4().hex[:8]
    return InstanceSpec(
        name=f"t-{mark}",
        project="default",
        architecture="amd64/generic",
        cores=1,
        memory=256,
        disks=(DiskSpec(device="root", pool=lab.pool, size=10**9),),
        interfaces=(
            InterfaceSpec(
                device="eth0", attach="network", parent=lab.network, mac=f"00:16:3e:{mark[:2]}:{mark[2:4]}:{mark[4:6]}"
            ),
        ),
        tags=(("installation", "live"), ("machine", mark), ("operation", f"o-{mark}")),
    )


@pytest.fixture
async def made(driver: Lxd, spec: InstanceSpec) -> AsyncIterator[InstanceSpec]:
    """That VM, on the host; gone at the end."""
    await driver.create(spec)
    yield spec
    await driver.delete(name=spec.name, machine=dict(spec.tags)["machine"])
