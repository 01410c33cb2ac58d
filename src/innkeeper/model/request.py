"""A request: what a caller wants of a machine, validated and complete, before any host was chosen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.interface_constraints import Condition, InterfaceRequest

DEFAULT_CORES, DEFAULT_MEMORY, DEFAULT_DISK = 1, 2048, 8 * GB


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is wanted. memory MiB; `pinned` thread ids (they take the place of `cores`); ids of zone, pool, domain.

    None means: as the host has it. `interfaces` empty: as few NICs as `there` needs, one on the host's best network
    without it. `there`: conditions each of which some NIC must meet; `not_there`: negated ones that hold of every NIC.
    """

    hostname: str = ""  # "" : a random one
    cores: int = DEFAULT_CORES
    pinned: tuple[int, ...] = ()
    memory: int = DEFAULT_MEMORY
    huge_pages: bool = False
    architecture: str | None = None
    cpu_speed: int | None = None
    disks: tuple[DiskRequest, ...] = (DiskRequest(label="root", size=DEFAULT_DISK),)
    interfaces: tuple[InterfaceRequest, ...] = ()
    there: tuple[Condition, ...] = ()
    not_there: tuple[Condition, ...] = ()
    domain_id: int | None = None
    zone_id: int | None = None
    pool_id: int | None = None
    anti_affinity: str = ""  # a group of which each host holds one machine

    @property
    def digest(self) -> str:
        """The same for the same wishes: how a repeated request is known."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
