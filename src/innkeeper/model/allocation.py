"""What an allocate asks for: of a machine that is Ready, or of the host that one is composed on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from innkeeper.model.constraints import DiskRequest
from innkeeper.model.interface_constraints import Condition, InterfaceRequest
from innkeeper.model.request import DEFAULT_CORES, DEFAULT_DISK, DEFAULT_MEMORY, Request

LEAST_MEMORY = 1024  # MiB: what a machine that is composed has at least


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The constraints of an allocate; empty means any. memory MiB, `cores` and `memory` at least.

    Several values of one field mean any of them, and none of them where the name begins with not_; `tags` means all.
    `there`: conditions each of which some NIC must meet; `not_there`: those that no NIC may meet, negated already.
    The root disk's size is 0 where any will do.
    """

    name: str = ""
    domain_id: int | None = None  # of a name with its domain
    system_id: str = ""
    architectures: tuple[str, ...] = ()
    cores: int = 0
    memory: int = 0
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    zone_ids: tuple[int, ...] = ()
    not_zone_ids: tuple[int, ...] = ()
    pool_ids: tuple[int, ...] = ()
    not_pool_ids: tuple[int, ...] = ()
    pods: tuple[str, ...] = ()
    not_pods: tuple[str, ...] = ()
    pod_types: tuple[str, ...] = ()
    not_pod_types: tuple[str, ...] = ()
    disks: tuple[DiskRequest, ...] = ()
    interfaces: tuple[InterfaceRequest, ...] = ()
    there: tuple[Condition, ...] = ()
    not_there: tuple[Condition, ...] = ()
    anti_affinity: str = ""

    @property
    def composable(self) -> bool:
        """Whether a machine may be made for it: not for who asks for one that is there, by id, name or tag."""
        return not (self.system_id or self.name or self.tags)

    @property
    def request(self) -> Request:
        """The machine that is made where none is there: as small as it may be."""
        made = Request(
            cores=self.cores or DEFAULT_CORES,
            memory=max(self.memory, LEAST_MEMORY) if self.memory else DEFAULT_MEMORY,
            architecture=self.architectures[0] if len(self.architectures) == 1 else None,
            interfaces=self.interfaces,
            there=self.there,
            not_there=self.not_there,
            anti_affinity=self.anti_affinity,
        )
        if not self.disks:
            return made
        root, *others = self.disks
        return replace(made, disks=(replace(root, size=root.size or DEFAULT_DISK), *others))


def cost(*, cores: int, memory: int) -> float:
    """What a machine costs: of those that fit the cheapest is taken. memory MiB; MAAS's formula."""
    return cores + memory / 1024
