"""The file that a simulated host is: what is on it, what was asked of it, what will go wrong.

It outlives the processes that speak to it (they may be killed) and is shared by several of them. Faults are rows in
the file, taken out as they strike:

    {"call": "create", "when": "before" | "after", "kind": "refuse" | "cut" | "kill" | "delay", "seconds": 1}
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from innkeeper.hypervisors.base import GuestFacts
from innkeeper.model.host import HostInterface, NumaNode, Volume
from innkeeper.model.image import ImageFacts
from innkeeper.model.machine import Added, DiskFacts, InstanceFacts, InstanceSpec, InterfaceFacts, PowerState
from innkeeper.model.seed import Seed

GB, MIB = 10**9, 2**20
BRIDGE = HostInterface(
    name="br0",
    kind="bridge",
    managed=True,
    subnets=("10.0.0.0/24",),
    addresses=("10.0.0.1/24",),
    dhcp=True,
    fixed=(4,),
)


class Fault(msgspec.Struct, kw_only=True):
    """Something that goes wrong at the next matching call. `seconds`: of a delay."""

    call: str
    kind: str
    when: str = "before"
    seconds: float = 0.0
    name: str = ""  # only for this instance or volume


class Making(msgspec.Struct, kw_only=True):
    """A create the host is still busy with."""

    until: float
    facts: InstanceFacts
    seed: Seed | None = None
    added: Added = Added()


class World(msgspec.Struct, kw_only=True):
    """The host: what it has, what is on it, what will go wrong, what was asked of it."""

    name: str = "simulated"
    cores: int = 16
    memory: int = 64 * 1024 * MIB
    numa_nodes: list[NumaNode] = msgspec.field(default_factory=list)  # none: one node with all cores and memory
    huge_pages: int = 0  # bytes set aside for them, of the memory
    pools: dict[str, int] = msgspec.field(default_factory=lambda: {"default": 1000 * GB})
    up: bool = True
    trusting: bool = True
    trusted: list[str] = msgspec.field(default_factory=list)
    create_seconds: float = 0.0
    projects: dict[str, str] = msgspec.field(default_factory=lambda: {"default": ""})  # name → operation that made it
    instances: dict[str, InstanceFacts] = msgspec.field(default_factory=dict)
    making: dict[str, Making] = msgspec.field(default_factory=dict)
    volumes: dict[str, Volume] = msgspec.field(default_factory=dict)  # "pool/project/name"
    printed: dict[str, str] = msgspec.field(default_factory=dict)  # what each instance wrote to its serial line
    consoles: dict[str, int] = msgspec.field(default_factory=dict)  # how many consoles of it are open
    images: dict[str, ImageFacts] = msgspec.field(default_factory=dict)  # by fingerprint
    seeds: dict[str, Seed] = msgspec.field(default_factory=dict)  # the NoCloud drive of each instance that has one
    added: dict[str, Added] = msgspec.field(default_factory=dict)  # what people set on instances
    interfaces: list[HostInterface] = msgspec.field(default_factory=lambda: [BRIDGE])
    leases: list[tuple[str, str, str]] = msgspec.field(default_factory=list)  # network, MAC, address
    our_end: str = ""  # where its guests would find us
    guests: dict[str, GuestFacts] = msgspec.field(default_factory=dict)  # what it sees of the guests of instances
    faults: list[Fault] = msgspec.field(default_factory=list)
    calls: dict[str, int] = msgspec.field(default_factory=dict)
    events: list[tuple[int, str, str, str]] = msgspec.field(default_factory=list)  # number, action, project, name

    def tell(self, action: str, project: str, name: str) -> None:
        """Add an event to the host's stream (the last hundred are kept)."""
        number = self.events[-1][0] + 1 if self.events else 1
        self.events = [*self.events[-99:], (number, action, project, name)]

    def settle(self) -> None:
        """Finish the creates whose time has come, whoever asked for them."""
        for key, making in list(self.making.items()):
            if making.until <= time.time():
                self.instances[key] = making.facts
                self.seeds.pop(key, None)
                self.added.pop(key, None)
                if making.added != Added():
                    self.added[key] = making.added
                if making.seed is not None:
                    self.seeds[key] = making.seed
                del self.making[key]
                self.tell("instance-created", making.facts.project, making.facts.name)


_DECODER = msgspec.json.Decoder(World)  # made here, once: msgspec's first look at a type is not safe among threads


@contextmanager
def world(path: Path) -> Iterator[World]:
    """The host of that file, locked; what was changed is written back (made when missing)."""
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = path.read_bytes() if path.exists() else b""
        state = _DECODER.decode(before) if before else World(name=path.stem)
        state.settle()
        yield state
        after = msgspec.json.encode(state)
        if after != before:
            fresh = path.with_suffix(".new")
            fresh.write_bytes(after)
            fresh.replace(path)  # a killed writer leaves the old host or the new one
    finally:
        os.close(lock)


def made(spec: InstanceSpec) -> InstanceFacts:
    """What becomes of an order for an instance."""
    return InstanceFacts(
        name=spec.name,
        project=spec.project,
        architecture=spec.architecture,
        cores=spec.cores,
        pinned=spec.pinned,
        memory=spec.memory,
        huge_pages=spec.huge_pages,
        power=PowerState.OFF,
        disks=tuple(DiskFacts(device=d.device, pool=d.pool, volume=d.volume, size=d.size) for d in spec.disks),
        interfaces=tuple(
            InterfaceFacts(
                device=n.device, attach=n.attach, parent=n.parent, mac=n.mac, vlan=n.vlan, addresses=n.addresses
            )
            for n in spec.interfaces
        ),
        tags=spec.tags,
    )
