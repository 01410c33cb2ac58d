"""One host and one request: how the machine would be made there, or everything that stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from innkeeper.model.capacity import Figure
from innkeeper.model.constraints import DiskRequest
from innkeeper.model.host import Inventory
from innkeeper.model.network import HostNetwork
from innkeeper.model.network_names import Networks
from innkeeper.model.request import Request
from innkeeper.placement.interfaces import PlacedInterface, place_on
from innkeeper.placement.offer import Offer


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A host as placement sees it: its inventory, its figures (None: not known yet) and who holds which core."""

    host_id: int
    name: str
    inventory: Inventory
    cores: Figure | None
    memory: Figure | None
    huge_pages: Figure
    storage: tuple[tuple[str, Figure], ...]  # by pool, in the host's order
    unmeasured: tuple[str, ...] = ()  # pools whose size is not known yet
    default_pool: str = ""
    pinned_by: Mapping[int, str] = field(default_factory=dict)  # thread id → instance that holds it
    macvlan_mode: str = ""
    networks: tuple[HostNetwork, ...] = ()  # of its interfaces, by name
    known: Networks = field(default_factory=Networks)  # all there are, the same for all hosts
    closed: str = ""  # why it takes no new machines; "" : it does
    groups: Mapping[str, str] = field(default_factory=dict)  # anti-affinity group → the machine of it that is there

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The figures of its storage pools, by name."""
        return dict(self.storage)

    @cached_property
    def free(self) -> dict[str, int]:
        """What its storage pools have free, by name."""
        return {name: figure.free for name, figure in self.storage}

    @cached_property
    def pools(self) -> frozenset[str]:
        """The names of its storage pools."""
        return frozenset((*(name for name, _ in self.storage), *self.unmeasured))

    @cached_property
    def offer(self) -> Offer:
        """What it has for NICs."""
        return Offer(hostname=self.name, interfaces=self.inventory.interfaces, networks=self.networks, known=self.known)


@dataclass(frozen=True, kw_only=True)
class PlacedDisk:
    """A disk with its pool, and why that one."""

    label: str
    size: int
    tags: tuple[str, ...]
    pool: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How the request would be made on the host."""

    host_id: int
    cores: int
    pinned: tuple[int, ...]
    memory: int
    huge_pages: bool
    architecture: str
    disks: tuple[PlacedDisk, ...]
    interfaces: tuple[PlacedInterface, ...]


class Reason(NamedTuple):
    """Something that stands against a request. `kind`: limit, unknown, mismatch, or conflict (as things stand).
    `about`: the constraint that fails, in a word."""

    kind: str
    text: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """Everything that stands against the request on this host."""

    host_id: int
    host: str
    reasons: tuple[Reason, ...]

    def of(self, kind: str) -> tuple[str, ...]:
        """The texts of one kind."""
        return tuple(one.text for one in self.reasons if one.kind == kind)


class _Reasons(list[Reason]):
    def limit(self, text: str, about: str) -> None:
        self.append(Reason("limit", text, about))

    def unknown(self, text: str, about: str) -> None:
        self.append(Reason("unknown", text, about))

    def mismatch(self, text: str, about: str) -> None:
        self.append(Reason("mismatch", text, about))

    def conflict(self, text: str, about: str) -> None:
        self.append(Reason("conflict", text, about))


def fit(candidate: Candidate, request: Request) -> Fit | Unfit:
    """How this request would be made on this host, or all the reasons why it cannot be."""
    against = _Reasons()
    _open(candidate, request, against)
    architecture = _architecture(candidate, request, against)
    cores = len(request.pinned) or request.cores
    _compute(candidate, request, cores, against)
    disks = _disks(candidate, request.disks, against)
    interfaces = _interfaces(candidate, request, against)
    if against:
        return Unfit(host_id=candidate.host_id, host=candidate.name, reasons=tuple(against))
    return Fit(
        host_id=candidate.host_id,
        cores=cores,
        pinned=request.pinned,
        memory=request.memory,
        huge_pages=request.huge_pages,
        architecture=architecture,
        disks=disks,
        interfaces=interfaces,
    )


def _open(candidate: Candidate, request: Request, against: _Reasons) -> None:
    if candidate.closed:
        against.conflict(f"it is closed to new machines: {candidate.closed}", "closed")
    group = request.anti_affinity
    if group and (there := candidate.groups.get(group)):
        against.conflict(f"it has {there} of the anti-affinity group {group}, which is one a host", "anti_affinity")


def _architecture(candidate: Candidate, request: Request, against: _Reasons) -> str:
    offered = candidate.inventory.architectures
    if not offered:
        against.unknown("its architecture is not known yet", "architecture")
        return ""
    wanted = request.architecture
    if wanted is None or wanted in offered:
        return wanted or offered[0]
    matching = [one for one in offered if one.split("/")[0] == wanted]
    if matching:
        return matching[0]
    against.mismatch(f"architecture {wanted} is not offered; it has {', '.join(offered)}", "architecture")
    return ""


def _compute(candidate: Candidate, request: Request, cores: int, against: _Reasons) -> None:
    speed = candidate.inventory.cpu_speed
    if request.cpu_speed and speed and request.cpu_speed > speed:
        against.mismatch(f"cpu_speed {request.cpu_speed} MHz is more than its {speed} MHz", "cpu_speed")
    if candidate.cores is None:
        against.unknown("its number of cores is not known yet", "cores")
    elif short := candidate.cores.shortfall(cores):
        against.limit(short.text, "cores")
    _pins(candidate, request.pinned, against)
    if request.huge_pages:
        if short := candidate.huge_pages.shortfall(request.memory):
            against.limit(short.text, "huge pages")
    elif candidate.memory is None:
        against.unknown("its memory is not known yet", "memory")
    elif short := candidate.memory.shortfall(request.memory):
        against.limit(short.text, "memory")


def _pins(candidate: Candidate, pinned: tuple[int, ...], against: _Reasons) -> None:
    if not pinned:
        return
    there = {thread.id for thread in candidate.inventory.threads if thread.online}
    for core in pinned:
        if there and core not in there:
            against.mismatch(f"core {core} does not exist or is offline; it has {_ranges(there)}", "pinned cores")
        elif holder := candidate.pinned_by.get(core):
            against.limit(f"pinned core {core} is held by {holder}", "pinned cores")


def _disks(candidate: Candidate, wanted: tuple[DiskRequest, ...], against: _Reasons) -> tuple[PlacedDisk, ...]:
    """Pools for all disks together: each takes from what the earlier ones left."""
    pools = candidate.figures
    if unknown := _unmeasured(candidate, wanted):
        for name in unknown:
            against.unknown(f"the size of its storage pool {name} is not known yet", "storage")
        return ()
    if not pools:
        none = "its storage pools are not known yet" if candidate.cores is None else "it has no storage pool"
        against.unknown(none, "storage")
        return ()
    free = dict(candidate.free)
    placed = []
    for disk in wanted:
        name, why = _pool_for(candidate, disk, free)
        if disk.size > free[name]:
            figure = pools[name]
            asked_before = figure.free - free[name]
            before = f", {asked_before} bytes of it for the disks before" if asked_before else ""
            short = figure.shortfall(disk.size + asked_before)
            against.limit((short.text if short else f"storage pool {name} is full") + before, "storage")
            continue
        free[name] -= disk.size
        tags = tuple(tag for tag in disk.tags if tag not in pools) if disk.tags else ()
        placed.append(PlacedDisk(label=disk.label, size=disk.size, tags=tags, pool=name, why=why))
    return tuple(placed)


def _unmeasured(candidate: Candidate, wanted: tuple[DiskRequest, ...]) -> tuple[str, ...]:
    """The pools that these disks would go to, did we know their size."""
    if not candidate.unmeasured:
        return ()
    found = []
    for disk in wanted:
        named = [tag for tag in disk.tags if tag in candidate.pools]
        chosen = named[:1] or [candidate.default_pool]
        found += [name for name in chosen if name in candidate.unmeasured]
    return tuple(dict.fromkeys(found)) or (candidate.unmeasured if not candidate.storage else ())


def _pool_for(candidate: Candidate, disk: DiskRequest, free: Mapping[str, int]) -> tuple[str, str]:
    """The pool a tag names (first with room), else the default pool, else the one with most room."""
    if disk.tags and (named := [tag for tag in disk.tags if tag in free]):
        roomy = [name for name in named if free[name] >= disk.size]
        return (roomy or named)[0], f"the tag {(roomy or named)[0]} names it"
    if candidate.default_pool in free:
        return candidate.default_pool, "it is the host's default pool"
    best = max(free, key=lambda name: free[name])
    return best, "it has most room"


def _interfaces(candidate: Candidate, request: Request, against: _Reasons) -> tuple[PlacedInterface, ...]:
    placed, obstacles = place_on(
        candidate.offer,
        wanted=request.interfaces,
        there=request.there,
        not_there=request.not_there,
        macvlan_mode=candidate.macvlan_mode,
    )
    for one in obstacles:
        against.append(Reason("conflict" if one.passing else "mismatch", one.text, one.about))
    return placed


def _ranges(ids: set[int]) -> str:
    """1,2,3,7 as "1-3,7"."""
    runs: list[list[int]] = []
    for one in sorted(ids):
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in runs)
