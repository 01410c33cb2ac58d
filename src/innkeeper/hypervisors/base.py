"""The boundary to hypervisors: the protocol every driver keeps, and the facts it returns.

A driver is dumb. One method, one meaning; no policy, no retries of changes, no waiting for what it was not
asked to wait for. Errors leave a driver as one of HostUnreachable, HostUntrusted, HostChanged, HostRefused
(with the host's own words). Every call has a time limit. Every method can be repeated.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from innkeeper.model.host import Inventory, Project
from innkeeper.model.image import ImageFacts, ImageSpec
from innkeeper.model.machine import Added, InstanceFacts, InstanceSpec, PowerState

# Called right before every request that changes a host; raises when the work is no longer ours to do.
Guard = Callable[[], None]


def unguarded() -> None:
    """The guard of work that nobody else can hold (reads, tests)."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What we show to a host: client certificate and key, PEM. Never printed."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        return "Credentials(…)"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a host is and how it is recognised. `server_certificate` PEM: the pin."""

    address: str  # normalised: "https://10.0.0.5:8443"
    project: str
    credentials: Credentials
    server_certificate: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a host says about itself to anybody. `missing`: API extensions we need and it lacks."""

    trusted: bool
    server_name: str = ""
    version: str = ""
    hypervisor: str = "lxd"
    extensions: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VolumeSpec:
    """A volume to make; size in bytes."""

    pool: str
    name: str
    project: str
    size: int
    tags: tuple[tuple[str, str], ...] = ()


class Change(StrEnum):
    """What a host's event says happened."""

    OPENED = "opened"  # always the first: the stream is open, and tells all that happens from now on
    INSTANCE = "instance"  # created, deleted, renamed, configuration changed
    POWER = "power"  # started, stopped, paused
    STORAGE = "storage"
    NETWORK = "network"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class HostEvent:
    """One event of a host's stream. `power` is what the event itself tells about the instance, or None."""

    change: Change
    action: str  # the host's word: "instance-started"
    project: str = ""
    instance: str = ""
    power: PowerState | None = None


class Console(Protocol):
    """The open serial console of a VM. Reading and writing raise HostUnreachable when it was cut."""

    async def read(self) -> bytes:
        """The next piece of what the guest prints; b"": the host has ended it, as when the VM stops."""

    async def write(self, data: bytes) -> None:
        """Type something."""

    async def close(self) -> None:
        """Let go of it, and wait until others can have it. Can be repeated; never raises a HostFailure."""


@dataclass(frozen=True, kw_only=True)
class Leases:
    """What a managed network of the host gave to guests, or knows them to have: (MAC, address)."""

    network: str
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class GuestFacts:
    """What a host sees of a guest that runs: whether an agent in it answers, and its addresses as (MAC, address)."""

    agent: bool = False
    addresses: tuple[tuple[str, str], ...] = ()


class Hypervisor(Protocol):
    """A host of some kind, spoken to with one set of credentials. Made by `registry.connect`."""

    async def identify(self) -> Identity:
        """Who answers, and whether it trusts us. Raises HostUnreachable or HostChanged."""

    async def redeem(self, *, secret: str, name: str) -> None:
        """Have our certificate trusted by a one-time token or a trust password. Being trusted already is success."""

    async def forget(self) -> None:
        """Take our certificate out of the host's trust list. Not being in it is success."""

    async def trust(self, *, certificate: str, name: str) -> None:
        """Have another client certificate (PEM) trusted, being trusted ourselves. Being trusted already is success."""

    async def distrust(self, *, certificate: str) -> None:
        """Take a client certificate (PEM) out of the host's trust list. Not being in it is success."""

    async def projects(self) -> tuple[Project, ...]:
        """The projects that we may see."""

    async def ensure_project(self, *, description: str, tags: tuple[tuple[str, str], ...]) -> None:
        """Make the tracked project if it is missing."""

    async def delete_project(self, *, operation: str) -> None:
        """Delete the tracked project if it carries that operation's mark and is empty; else leave it."""

    async def describe(self) -> Inventory:
        """The whole inventory. A part that cannot be read is named in `faults`; nothing trusted is HostUntrusted."""

    async def instances(self) -> tuple[InstanceFacts, ...]:
        """Every VM of every project we may see, in a number of requests that does not grow with VMs."""

    async def instance(self, *, name: str) -> InstanceFacts | None:
        """One VM of the tracked project, or None."""

    async def added(self, *, name: str, machine: str) -> Added | None:
        """What people added to the VM that carries the machine's mark. None: it is gone, or another's."""

    async def create_volume(self, spec: VolumeSpec) -> None:
        """Make a block volume. Exists with the same operation tag: success; exists otherwise: HostRefused."""

    async def volume_tags(self, *, pool: str, name: str) -> tuple[tuple[str, str], ...] | None:
        """Our marks on a custom volume of the tracked project; None: there is no such volume."""

    async def delete_volume(self, *, pool: str, name: str, machine: str) -> None:
        """Delete a volume that carries the machine's mark. Gone already or another's: nothing is done."""

    async def create(self, spec: InstanceSpec) -> None:
        """Make a stopped VM and wait for it. Exists with the same operation tag: success; otherwise HostRefused."""

    async def delete(self, *, name: str, machine: str | None) -> None:
        """Stop by force and delete the VM that carries the machine's mark (None: whatever it carries, for one that
        we did not make). Gone or another's: nothing is done."""

    async def readdress(self, *, name: str, machine: str, addresses: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        """Have the networks' DHCP give these addresses, by MAC, to NICs of the VM that carries the machine's mark; a
        NIC that is not named keeps what it has. Gone or another's: nothing is done."""

    async def resize(self, *, name: str, machine: str, cores: int, memory: int) -> None:
        """Set cores and memory (MiB) of the stopped VM that carries the machine's mark. Running: HostRefused."""

    async def resize_disk(self, *, name: str, machine: str, device: str, size: int) -> None:
        """Set the size (bytes) of a disk of that VM, stopped. What it cannot do (make it smaller): HostRefused."""

    async def start(self, *, name: str) -> None:
        """Start a VM and wait until the host says it runs. Running already is success."""

    async def stop(self, *, name: str, force: bool, timeout: float) -> None:
        """Stop a VM; gracefully within `timeout` seconds, or by force. Stopped already is success."""

    async def images(self) -> tuple[ImageFacts, ...]:
        """Every image that the tracked project sees."""

    async def image(self, *, name: str) -> ImageFacts | None:
        """One image, by its fingerprint or an alias, or None."""

    async def push_image(self, spec: ImageSpec) -> None:
        """Give the host an image and wait until it has it. Having it already is success, whoever gave it."""

    async def delete_image(self, *, fingerprint: str, installation: str) -> None:
        """Delete an image that carries the installation's mark. Gone already or another's: nothing is done."""

    async def guest(self, *, name: str) -> GuestFacts:
        """What shows that the guest of a VM is up; nothing of one that is off or gone."""

    async def leases(self) -> tuple[Leases, ...]:
        """What each managed network gave to guests of the tracked project, in one request each. A network that cannot
        tell is left out."""

    async def our_address(self) -> str:
        """Our end of the connection to the host: where its guests may reach us. "" when it cannot be told."""

    async def settle(self, *, name: str) -> None:
        """Wait for what the host is still doing with an instance of that name (a call of a dead process, perhaps)."""

    def events(self) -> AsyncGenerator[HostEvent]:
        """The host's live events. The first one, action "opened", says that the stream is open: what happens from
        then on is told. Ends or raises when the stream is cut."""

    async def console(self, *, name: str) -> Console:
        """The serial console of a running VM, to be closed. HostRefused when it does not run."""

    def guarded(self, guard: Guard) -> Hypervisor:
        """The same host, whose changes are preceded by this guard."""

    async def close(self) -> None:
        """Close connections."""
