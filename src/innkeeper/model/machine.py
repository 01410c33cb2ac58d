"""A machine: a VM that was composed here or found on a host (adopted), or the record of a host itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from innkeeper.model.network import Link
from innkeeper.model.seed import Seed


class PowerState(StrEnum):
    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"
    ERROR = "error"


class Origin(StrEnum):
    """How a machine record came to be."""

    COMPOSED = "composed"
    ADOPTED = "adopted"
    HOST = "host"  # stands for a VM host
    DEVICE = "device"  # of MAAS's devices: a name and NICs, nothing of ours


@dataclass(frozen=True, kw_only=True)
class DiskFacts:
    """A disk of an instance as its host knows it. `pool` "" : not in a pool (ISO, host path)."""

    device: str
    pool: str = ""
    volume: str = ""  # custom volume; "" for the root disk
    size: int | None = None  # bytes; None: the host could not tell


@dataclass(frozen=True, kw_only=True)
class InterfaceFacts:
    """A NIC of an instance as its host knows it. `attach`: network, bridge, macvlan, sriov, ovn, other.

    `addresses`: what the host's DHCP is told to give it.
    """

    device: str
    attach: str
    parent: str
    mac: str = ""
    vlan: int = 0
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InstanceFacts:
    """An instance as its host knows it. memory MiB; `cores` counts pinned ones too.

    `tags` are our own marks (user.innkeeper.*) without the prefix: machine, operation, installation.
    """

    name: str
    project: str
    architecture: str = "amd64/generic"
    cores: int = 1
    pinned: tuple[int, ...] = ()
    memory: int = 1024
    huge_pages: bool = False
    power: PowerState = PowerState.UNKNOWN
    location: str = ""  # cluster member; "" not clustered
    disks: tuple[DiskFacts, ...] = ()
    interfaces: tuple[InterfaceFacts, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    config: tuple[tuple[str, str], ...] = ()  # limits.* and security.* as written, for the read-back
    faults: tuple[str, ...] = ()  # values that could not be understood, and what was taken instead

    @property
    def key(self) -> tuple[str, str]:
        """(project, name): what names an instance on a host."""
        return (self.project, self.name)

    def tag(self, name: str) -> str:
        """The value of our mark `name`, or ""."""
        return dict(self.tags).get(name, "")


@dataclass(frozen=True, kw_only=True)
class DiskSpec:
    """A disk to make. `volume` "" : it is the root disk."""

    device: str
    pool: str
    size: int  # bytes
    volume: str = ""


@dataclass(frozen=True, kw_only=True)
class InterfaceSpec:
    """A NIC to make: `attach` network, bridge, macvlan or sriov, on `parent`, with our MAC."""

    device: str
    attach: str
    parent: str
    mac: str
    mode: str = ""  # macvlan mode
    vlan: int = 0  # the VLAN id its frames are tagged with
    addresses: tuple[str, ...] = ()  # what the network's own DHCP gives it, where it can be told


@dataclass(frozen=True, kw_only=True)
class Added:
    """What people set on an instance on its host, beyond what we make of a record. In the host's own words, which may
    be secrets: never printed. `devices`: theirs whole, and ours with whatever was set on them."""

    config: tuple[tuple[str, str], ...] = ()
    devices: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    profiles: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Added(…)"


@dataclass(frozen=True, kw_only=True)
class InstanceSpec:
    """An instance to make; everything was decided and claimed before. memory MiB."""

    name: str
    project: str
    architecture: str
    cores: int
    memory: int
    pinned: tuple[int, ...] = ()
    huge_pages: bool = False
    profiles: tuple[str, ...] = ()
    disks: tuple[DiskSpec, ...] = ()
    interfaces: tuple[InterfaceSpec, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    target: str = ""  # cluster member
    image: str = ""  # fingerprint of the image that the root disk is made of; "" : an empty one
    seed: Seed | None = None  # what its guest finds on a NoCloud drive
    added: Added = Added()  # what the one before it had beyond this


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk of a machine record; size in bytes."""

    id: int
    device: str
    size: int
    pool: str = ""
    volume: str = ""
    tags: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A NIC of a machine record."""

    id: int
    name: str
    mac: str
    attach: str = ""
    parent: str = ""
    mode: str = ""
    vlan: int = 0  # the tag it is attached with
    vlan_id: int | None = None  # the VLAN it is on
    tags: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    def fixed_addresses(self, versions: Collection[int]) -> tuple[str, ...]:
        """The addresses that a network's own DHCP is to give it: the first held one of each of these IP versions."""
        held = [ip_address(link.ip) for link in self.links if link.ip and not link.learnt]
        first = {one.version: str(one) for one in reversed(held) if one.version in versions and not self.vlan}
        return tuple(first[version] for version in sorted(first))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine record as Innkeeper keeps it. memory MiB, cpu_speed MHz; `status` is a lifecycle.Status number."""

    id: int
    system_id: str
    hostname: str
    origin: Origin
    status: int
    status_message: str = ""
    power_state: PowerState = PowerState.UNKNOWN
    architecture: str = "amd64/generic"
    cores: int = 0
    memory: int = 0
    pinned: tuple[int, ...] = ()
    huge_pages: bool = False
    cpu_speed: int = 0
    domain_id: int = 0
    zone_id: int = 1
    pool_id: int = 0
    host_id: int | None = None
    project: str = ""
    instance: str = ""
    owner_id: int | None = None
    owner: str = ""
    owner_data: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""
    agent_name: str = ""
    locked: bool = False
    digest: str = ""
    created: float = 0.0
    updated: float = 0.0
    composer_id: int | None = None  # who composed it: may act on it while nobody owns it
    dynamic: bool = False  # made by an allocate: goes when it is released
    osystem: str = ""
    distro_series: str = ""
    anti_affinity: str = ""  # one machine of the group a host
    parent: str = ""  # of a device: the machine it is in
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()


def deletable(one: Machine, *, user_id: int, is_admin: bool) -> bool:
    """Whether a user may destroy a machine: who composed it and administrators; who was given it releases it.

    MAAS lets administrators alone; here what an allocate of one's own composed is one's own.
    """
    return is_admin or one.composer_id == user_id
