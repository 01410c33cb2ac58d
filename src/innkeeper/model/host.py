"""A VM host: what it is, what it told about itself (its inventory), and how it is doing.

Units: memory in bytes inside the inventory (as hosts report it) and MiB in totals and claims,
storage in bytes, clock in MHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HostState(StrEnum):
    """How a VM host is doing. `reason` beside it says why."""

    ADDING = "adding"  # its first operation is still running
    WAITING = "waiting for trust"  # it knows us, but does not trust our certificate yet
    READY = "ready"
    DEGRADED = "degraded"  # usable; a part of it could not be read, last numbers are marked stale
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"  # it trusted us once
    CHANGED = "certificate changed"  # refused until re-pinned
    REMOVING = "removing"


@dataclass(frozen=True, kw_only=True)
class Thread:
    """One hardware thread: what LXD and libvirt pin to. `id` is the kernel's number."""

    id: int
    core: int = 0
    socket: int = 0
    online: bool = True
    isolated: bool = False


@dataclass(frozen=True, kw_only=True)
class HugePages:
    """Pages of one size on one NUMA node; all in bytes."""

    page_size: int
    total: int
    used: int = 0


@dataclass(frozen=True, kw_only=True)
class NumaNode:
    """A NUMA node. `id` is kept as the host counts (0, 1, 16, 17), never renumbered."""

    id: int
    threads: tuple[Thread, ...] = ()
    memory: int = 0
    huge_pages: tuple[HugePages, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VirtualFunction:
    """An SR-IOV virtual function of a port."""

    id: str  # the interface name, or "" when it is bound elsewhere
    pci_address: str
    address: str = ""  # MAC
    used_by: str = ""  # instance, when known


@dataclass(frozen=True, kw_only=True)
class HostInterface:
    """A network interface or managed network of a host that a VM could be attached to.

    `kind`: bridge, bond, vlan, physical, ovn, macvlan, sriov, unknown. `managed`: the hypervisor's own
    network. `subnets`: CIDRs of its addresses. `vlan`: (parent, VLAN id) or None.
    """

    name: str
    kind: str
    managed: bool = False
    mac: str = ""
    mtu: int = 0
    up: bool = True
    addresses: tuple[str, ...] = ()  # "10.0.0.1/24"
    subnets: tuple[str, ...] = ()  # "10.0.0.0/24"
    dhcp: bool = False  # the managed network's own DHCP
    fixed: tuple[int, ...] = ()  # IP versions (4, 6) whose DHCP can be told which address a NIC gets
    numa_node: int | None = None
    pci_address: str = ""
    vf_total: int = 0
    vfs: tuple[VirtualFunction, ...] = ()
    vlan_parent: str = ""
    vlan_id: int = 0
    members: tuple[str, ...] = ()  # of a bond or bridge
    speed: int = 0  # Mbit/s
    ethernet: bool = True  # False: InfiniBand and the like; never offered to VMs


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume in a storage pool. `written` None: this pool cannot tell it.

    `kind`: virtual-machine, custom, image, container …; `holders`: instances that use it, as
    "project/name"; none and custom: an orphan.
    """

    name: str
    kind: str
    project: str = "default"
    content: str = "block"
    size: int | None = None
    written: int | None = None
    holders: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()  # our own marks on it (user.innkeeper.*)


@dataclass(frozen=True, kw_only=True)
class StoragePool:
    """A storage pool as its host reports it. `total`/`written` None: the host could not tell."""

    name: str
    driver: str
    path: str = "unknown"
    total: int | None = None
    written: int | None = None
    volumes: tuple[Volume, ...] = ()
    shared: bool = False  # ceph and the like: seen by other hosts too


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project of the host (LXD's word)."""

    name: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All that a host told about itself, as it told it. `faults`: the parts that could not be read.

    A part named in `faults` ("resources", "storage pools", "pool fast", "networks", "network eth0",
    "projects", "other projects", "profiles") is empty here; whoever stores an inventory keeps the last numbers of
    such a part and marks them stale.
    """

    server_name: str = ""
    version: str = ""
    hypervisor: str = "lxd"  # the server's own name: lxd, incus
    clustered: bool = False
    architectures: tuple[str, ...] = ()  # "amd64/generic"
    cpu_model: str = ""
    cpu_speed: int = 0  # MHz, 0 unknown
    memory: int | None = None  # bytes; None unknown
    numa_nodes: tuple[NumaNode, ...] = ()
    interfaces: tuple[HostInterface, ...] = ()
    pools: tuple[StoragePool, ...] = ()
    projects: tuple[Project, ...] = ()
    profiles: tuple[str, ...] = ()  # of the tracked project
    faults: tuple[tuple[str, str], ...] = ()  # (part, the host's words)

    @property
    def threads(self) -> tuple[Thread, ...]:
        """All hardware threads, by id."""
        return tuple(sorted((t for n in self.numa_nodes for t in n.threads), key=lambda t: t.id))

    @property
    def cores(self) -> int | None:
        """Hardware threads that are online, which hypervisors call CPUs; None: unknown."""
        online = sum(1 for t in self.threads if t.online)
        return online or None

    @property
    def huge_page_bytes(self) -> int:
        """Memory set aside for huge pages of any size."""
        return sum(pages.total for node in self.numa_nodes for pages in node.huge_pages)


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """What a person decided about a storage pool of a host."""

    ratio: float = 1.0
    default: bool = False


@dataclass(frozen=True, kw_only=True)
class Host:
    """A VM host as Innkeeper keeps it (without secrets and without its inventory)."""

    id: int
    kind: str  # registry name: lxd, simulated
    name: str
    address: str
    project: str
    state: HostState
    reason: str = ""
    state_since: float = 0.0  # 0: not known
    zone_id: int = 1
    pool_id: int = 0
    tags: tuple[str, ...] = ()
    cpu_over_commit_ratio: float = 1.0
    memory_over_commit_ratio: float = 1.0
    default_macvlan_mode: str | None = None
    default_storage_pool: str = ""
    fingerprint: str = ""  # SHA-256 of the pinned server certificate
    certificate_expires: float = 0.0  # our client certificate; 0: not known
    system_id: str = ""  # the machine record that stands for this host
    revision: int = 1
    live: bool = False  # its event stream is open
    refreshed_at: float | None = None
    stale: tuple[str, ...] = ()  # parts whose numbers are old
    version: str = ""
    architectures: tuple[str, ...] = ()
    cores: int | None = None  # None: not known yet
    memory: int | None = None  # MiB
    huge_pages: int = 0  # MiB set aside for them
    schedulable: bool = True  # False: no new machines are placed on it, see closed_reason
    closed_reason: str = ""
    guest_address: str = ""  # where its guests reach us; "" : our end of the connection to it
