"""A host as it really is, kept beside the database by the claims' state machine, and the count made from it anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from innkeeper.model.host import HostInterface as Nic
from innkeeper.model.host import Inventory, NumaNode, StoragePool, Thread, Volume
from innkeeper.model.interface_constraints import InterfaceRequest, interfaces
from innkeeper.model.machine import DiskFacts, InstanceFacts, InterfaceFacts, Machine
from innkeeper.model.network_names import Networks, resolve
from innkeeper.model.request import Request
from innkeeper.store.tables import claim, claim_storage

MIB = 2**20
LAN = Nic(name="lan", kind="bridge", subnets=("10.0.0.0/24",), addresses=("10.0.0.1/24",))  # all hosts are on it
Key = tuple[str, str]


@dataclass
class Reality:
    """One host: what it has, what is on it, and the ratios that were set."""

    id: int
    name: str
    cores: int
    memory: int  # MiB
    pools: dict[str, int]
    instances: dict[Key, InstanceFacts] = field(default_factory=dict)
    gone: list[InstanceFacts] = field(default_factory=list)  # deleted behind our back; may come back
    cpu_ratio: float = 1.0
    memory_ratio: float = 1.0
    pool_ratios: dict[str, float] = field(default_factory=dict)

    def inventory(self) -> Inventory:
        """What the host tells of itself just now."""
        threads = tuple(Thread(id=number, core=number) for number in range(self.cores))
        return Inventory(
            server_name=self.name,
            version="1",
            architectures=("amd64/generic",),
            memory=self.memory * MIB,
            numa_nodes=(NumaNode(id=0, threads=threads, memory=self.memory * MIB),),
            interfaces=(Nic(name="br0", kind="bridge", managed=True), LAN),
            pools=tuple(
                StoragePool(name=name, driver="zfs", total=total, written=0, volumes=self._volumes(name))
                for name, total in self.pools.items()
            ),
        )

    def _volumes(self, pool: str) -> tuple[Volume, ...]:
        found = []
        for facts in self.instances.values():
            for disk in facts.disks:
                if disk.pool == pool:
                    kind = "custom" if disk.volume else "virtual-machine"
                    name = disk.volume or facts.name
                    found.append(
                        Volume(name=name, kind=kind, project=facts.project, size=disk.size, written=0, tags=facts.tags)
                    )
        return tuple(found)

    def limits(self) -> dict[str, int]:
        """What may be promised, by resource, in exact fractions."""
        found = {"cores": _limit(self.cores, self.cpu_ratio), "memory": _limit(self.memory, self.memory_ratio)}
        return found | {f"pool {name}": _limit(size, self.pool_ratios[name]) for name, size in self.pools.items()}


@dataclass(frozen=True, kw_only=True)
class Making:
    """A compose that is not over: what the host will make of it."""

    host: Reality
    system_id: str
    operation: str
    facts: InstanceFacts


@dataclass(frozen=True, kw_only=True)
class Removing:
    """A removal that is not over."""

    host: Reality
    operation: str
    name: str
    system_id: str


def _limit(physical: int, ratio: float) -> int:
    exact = Fraction(str(ratio)) * physical
    return exact.numerator // exact.denominator


def held(sql: sa.Connection, host: Reality) -> dict[str, int]:
    """What the claims of a host add up to, by resource, counted row by row."""
    found = dict.fromkeys(host.limits(), 0)
    ids = []
    for row in sql.execute(sa.select(claim).where(claim.c.host_id == host.id)):
        ids.append(row.id)
        found["cores"] += row.cores
        found["memory"] += row.memory
    for row in sql.execute(sa.select(claim_storage).where(claim_storage.c.claim_id.in_(ids))):
        found[f"pool {row.pool}"] += row.size
    return found


def asked(host: Reality, request: Request, default_pool: str) -> dict[str, int]:
    """What a request needs of a host when every disk goes to that pool."""
    found = {"cores": request.cores, "memory": request.memory}
    return found | {f"pool {default_pool}": sum(disk.size for disk in request.disks)}


def made(request: Request, *, name: str, system_id: str, operation: str, uuid: str, pool: str) -> InstanceFacts:
    """The instance that a host makes of a claim."""
    tags = (("installation", uuid), ("machine", system_id), ("operation", operation))
    disks = tuple(
        DiskFacts(
            device=f"disk{position}" if position else "root",
            pool=pool,
            volume=f"innkeeper-{system_id}-disk{position}" if position else "",
            size=disk.size,
        )
        for position, disk in enumerate(request.disks)
    )
    return InstanceFacts(
        name=name, project="default", cores=request.cores, memory=request.memory, disks=disks, tags=tags
    )


def two_nics(known: Networks, ip: str) -> tuple[InterfaceRequest, ...]:
    """A NIC on the network of all hosts, with that address ("" any), and one on the host's own."""
    return resolve(interfaces(f"a:name=lan{f',ip={ip}' if ip else ''};b:name=br0"), known)


def nics(record: Machine) -> tuple[InterfaceFacts, ...]:
    """The NICs that a host makes of a record."""
    return tuple(
        InterfaceFacts(device=nic.name, attach=nic.attach, parent=nic.parent, mac=nic.mac) for nic in record.interfaces
    )


def numbers(facts: InstanceFacts) -> tuple[Any, ...]:
    """What an instance holds: cores, memory, bytes by disk."""
    return facts.cores, facts.memory, tuple((disk.pool, disk.size or 0) for disk in facts.disks if disk.pool)
