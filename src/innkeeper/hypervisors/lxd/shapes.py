"""LXD's JSON as it is sent: only the fields that are read, each absent or null where a server may leave it out.

Unknown fields are ignored, so newer servers and Incus fit as well.
"""

from __future__ import annotations

from msgspec import Raw, Struct, field

# --- server


class Environment(Struct, frozen=True, kw_only=True):
    kernel_architecture: str = ""
    server: str = "lxd"
    server_name: str = ""
    server_version: str = ""
    server_clustered: bool = False


class Server(Struct, frozen=True, kw_only=True):
    auth: str
    api_extensions: list[str] | None = None
    environment: Environment | None = None  # hidden from those who are not trusted


class Resources(Struct, frozen=True, kw_only=True):
    cpu: Cpu | None = None
    memory: Memory | None = None
    network: Network | None = None


class Cpu(Struct, frozen=True, kw_only=True):
    architecture: str = ""
    sockets: list[Socket] | None = None


class Socket(Struct, frozen=True, kw_only=True):
    name: str = ""
    socket: int = 0
    frequency: int = 0  # MHz
    frequency_turbo: int = 0
    cores: list[Core] | None = None


class Core(Struct, frozen=True, kw_only=True):
    core: int = 0
    frequency: int = 0
    numa_node: int | None = None  # servers before LXD 4.0 had it here
    threads: list[HardwareThread] | None = None


class HardwareThread(Struct, frozen=True, kw_only=True):
    id: int
    numa_node: int | None = None
    online: bool = True
    isolated: bool = False


class Memory(Struct, frozen=True, kw_only=True):
    total: int | None = None
    hugepages_total: int = 0
    hugepages_used: int = 0
    hugepages_size: int = 0
    nodes: list[MemoryNode] | None = None


class MemoryNode(Struct, frozen=True, kw_only=True):
    numa_node: int = 0
    total: int = 0
    hugepages_total: int = 0
    hugepages_used: int = 0


class Network(Struct, frozen=True, kw_only=True):
    cards: list[Card] | None = None


class Card(Struct, frozen=True, kw_only=True):
    driver: str = ""
    numa_node: int | None = None
    pci_address: str = ""
    usb_address: str = ""
    ports: list[Port] | None = None
    sriov: Sriov | None = None


class Port(Struct, frozen=True, kw_only=True):
    id: str = ""
    address: str = ""
    protocol: str = "ethernet"
    link_speed: int = 0  # Mbit/s
    link_detected: bool = False


class Sriov(Struct, frozen=True, kw_only=True):
    maximum_vfs: int = 0
    vfs: list[Card] | None = None


class Project(Struct, frozen=True, kw_only=True):
    name: str
    description: str = ""
    config: dict[str, str] | None = None
    used_by: list[str] | None = None


# --- networks


class NetworkEntry(Struct, frozen=True, kw_only=True):
    name: str
    type: str = "unknown"
    managed: bool = False
    config: dict[str, str] | None = None


class NetworkState(Struct, frozen=True, kw_only=True):
    addresses: list[NetworkAddress] | None = None
    hwaddr: str = ""
    mtu: int = 0
    state: str = ""
    bond: BondState | None = None
    bridge: BridgeState | None = None
    vlan: VlanState | None = None


class NetworkAddress(Struct, frozen=True, kw_only=True):
    address: str
    netmask: str = ""
    scope: str = "global"


class NetworkLease(Struct, frozen=True, kw_only=True):
    hwaddr: str = ""
    address: str = ""
    type: str = ""


class BondState(Struct, frozen=True, kw_only=True):
    lower_devices: list[str] | None = None


class BridgeState(Struct, frozen=True, kw_only=True):
    upper_devices: list[str] | None = None


class VlanState(Struct, frozen=True, kw_only=True):
    lower_device: str = ""
    vid: int = 0


# --- storage


class Pool(Struct, frozen=True, kw_only=True):
    name: str
    driver: str = ""
    config: dict[str, str] | None = None  # null for a restricted certificate


class PoolResources(Struct, frozen=True, kw_only=True):
    space: Space | None = None


class Space(Struct, frozen=True, kw_only=True):
    used: int | None = None
    total: int | None = None


class Volume(Struct, frozen=True, kw_only=True):
    name: str
    type: str = "custom"
    content_type: str = "block"
    project: str = "default"
    config: dict[str, str] | None = None
    used_by: list[str] | None = None


# --- instances


class Instance(Struct, frozen=True, kw_only=True):
    name: str
    type: str = "container"
    project: str = "default"
    architecture: str = ""
    status_code: int = 0
    location: str = ""
    config: dict[str, str] | None = None
    devices: dict[str, dict[str, str]] | None = None
    profiles: list[str] | None = None
    expanded_config: dict[str, str] | None = None
    expanded_devices: dict[str, dict[str, str]] | None = None


class InstanceState(Struct, frozen=True, kw_only=True):
    status_code: int = 0
    processes: int = 0  # -1: no agent answers
    network: dict[str, InstanceNic] | None = None


class InstanceNic(Struct, frozen=True, kw_only=True):
    hwaddr: str = ""
    addresses: list[NetworkAddress] | None = None


# --- operations and events


class Image(Struct, frozen=True, kw_only=True):
    fingerprint: str
    type: str = "container"
    size: int = 0
    properties: dict[str, str] | None = None
    aliases: list[ImageName] | None = None


class ImageName(Struct, frozen=True, kw_only=True):
    name: str


class ImageAlias(Struct, frozen=True, kw_only=True):
    target: str


class Operation(Struct, frozen=True, kw_only=True):
    id: str
    description: str = ""
    status_code: int = 0
    kind: str = field(default="task", name="class")  # task, websocket (a console, a shell), token
    resources: dict[str, list[str] | None] | None = None
    metadata: Raw = Raw(b"null")
    err: str = ""


class Streams(Struct, frozen=True, kw_only=True):
    """What an operation of websockets tells: its streams by name, with the secret that opens each."""

    fds: dict[str, str]


class Event(Struct, frozen=True, kw_only=True):
    type: str
    project: str = ""
    metadata: Raw = Raw(b"null")


class Lifecycle(Struct, frozen=True, kw_only=True):
    action: str
    source: str = ""
    project: str = ""  # Incus
    context: dict[str, object] | None = None


# `status_code` of operations and instances.
STOPPED = 102
RUNNING = 103
FROZEN = 110
SUCCESS = 200
FAILURES = range(400, 600)
