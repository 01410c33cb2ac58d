"""A machine that is there and a wish: which of its disks and NICs are meant, or what stands against it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from innkeeper.model.allocation import Wish
from innkeeper.model.constraints import DiskRequest
from innkeeper.model.interface_constraints import Condition, InterfaceRequest
from innkeeper.model.machine import Disk, Interface, Machine
from innkeeper.model.network import LinkMode
from innkeeper.model.network_names import Networks
from innkeeper.placement.reach import Reach, on_vlan

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, kw_only=True)
class Match:
    """How a machine meets a wish. `against`: the constraints that it does not meet; the rest is empty then.

    `storage`, `interfaces`: (label, id of the machine's disk or NIC), for those that were asked for by a label.
    """

    against: tuple[str, ...] = ()
    storage: tuple[tuple[str, int], ...] = ()
    interfaces: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a machine's own record does not tell: its host, and the networks there are."""

    host: str = ""
    kind: str = ""
    known: Networks = field(default_factory=Networks)


def match(machine: Machine, wish: Wish, around: Around) -> Match:
    """How this machine meets the wish, or every constraint that it does not."""
    against = [name for name, met in _plain(machine, wish, around) if not met]
    disks = _disks(machine.disks, wish.disks)
    if disks is None:
        against.append("storage")
    nics = [_nic(one, machine, around.known) for one in machine.interfaces]
    chosen = _assigned(wish.interfaces, nics, _hangs)
    if chosen is None:
        against.append("interfaces")
    if not all(any(nic.meets(one) for nic in nics) for one in wish.there):
        against.append("networks")
    if not all(nic.meets(one) for nic in nics for one in wish.not_there):
        against.append("not on networks")
    if against or disks is None or chosen is None:
        return Match(against=tuple(against))
    return Match(
        storage=tuple((one.label, disk.id) for one, disk in zip(wish.disks, disks, strict=True) if one.label),
        interfaces=tuple((one.label, nic.id) for one, nic in zip(wish.interfaces, chosen, strict=True)),
    )


def _plain(machine: Machine, wish: Wish, around: Around) -> list[tuple[str, bool]]:
    """(constraint, whether it is met), for all that is no disk and no NIC."""
    return [
        ("system_id", wish.system_id in ("", machine.system_id)),
        ("name", wish.name in ("", machine.hostname) and wish.domain_id in (None, machine.domain_id)),
        ("arch", not wish.architectures or any(offers(machine.architecture, one) for one in wish.architectures)),
        ("cpu_count", machine.cores >= wish.cores),
        ("mem", machine.memory >= wish.memory),
        ("tags", set(wish.tags) <= set(machine.tags)),
        ("not_tags", not set(wish.not_tags) & set(machine.tags)),
        ("zone", not wish.zone_ids or machine.zone_id in wish.zone_ids),
        ("not_in_zone", machine.zone_id not in wish.not_zone_ids),
        ("pool", not wish.pool_ids or machine.pool_id in wish.pool_ids),
        ("not_in_pool", machine.pool_id not in wish.not_pool_ids),
        ("pod", not wish.pods or around.host in wish.pods),
        ("not_pod", around.host not in wish.not_pods),
        ("pod_type", not wish.pod_types or around.kind in wish.pod_types),
        ("not_pod_type", around.kind not in wish.not_pod_types),
        ("anti_affinity", not wish.anti_affinity or machine.anti_affinity in ("", wish.anti_affinity)),
    ]


def offers(architecture: str, wanted: str) -> bool:
    """Whether "amd64/generic" is what was asked for as "amd64/generic" or "amd64"."""
    return wanted in (architecture, architecture.split("/")[0])


def _disks(there: Sequence[Disk], wanted: Sequence[DiskRequest]) -> list[Disk] | None:
    """The first is the root disk; the others any of the rest, the smallest that will do."""
    if not wanted:
        return []
    if not there or not _holds(wanted[0], there[0]):
        return None
    rest = _assigned(wanted[1:], sorted(there[1:], key=lambda one: one.size), _holds)
    return None if rest is None else [there[0], *rest]


def _holds(wanted: DiskRequest, disk: Disk) -> bool:
    return disk.size >= wanted.size and set(wanted.tags) <= {*disk.tags, disk.pool}


@dataclass(frozen=True, kw_only=True)
class _Nic:
    """A machine's NIC: by its own name, and by that of what it hangs on."""

    id: int
    reach: Reach
    parent: str
    addresses: frozenset[str]
    unconfigured: bool  # its guest's system gives it no address

    def meets(self, condition: Condition) -> bool:
        if condition.about != "name":
            return self.reach.meets(condition)
        named = {self.reach.name, self.parent} & set(condition.accepted)
        return bool(named) != condition.negated


def _nic(one: Interface, machine: Machine, known: Networks) -> _Nic:
    reach = Reach(id=one.id, name=one.name, hostname=machine.hostname, kind="physical", tags=one.tags)
    vlan = known.vlan(one.vlan_id) if one.vlan_id is not None else None
    if vlan is not None:
        fabric = known.fabric(vlan.fabric_id)
        reach = replace(reach, fabric_class=fabric.class_type if fabric else None)
        reach = on_vlan(reach, vlan, known.beside(vlan.id))
    addresses = frozenset(link.ip for link in one.links if link.ip)
    unconfigured = all(link.mode == LinkMode.LINK_UP for link in one.links)
    return _Nic(id=one.id, reach=reach, parent=one.parent, addresses=addresses, unconfigured=unconfigured)


def _hangs(wanted: InterfaceRequest, nic: _Nic) -> bool:
    if wanted.unconfigured and not nic.unconfigured:
        return False
    return all(nic.meets(one) for one in wanted.conditions) and {one.ip for one in wanted.addresses} <= nic.addresses


def _assigned(wanted: Sequence[A], there: Sequence[B], fits: Callable[[A, B], bool]) -> list[B] | None:
    """One of `there` for each that is wanted, none for two; None when that cannot be (augmenting paths)."""
    fitting = [[number for number, one in enumerate(there) if fits(each, one)] for each in wanted]
    holder: dict[int, int] = {}

    def take(position: int, tried: set[int]) -> bool:
        for number in fitting[position]:
            if number in tried:
                continue
            tried.add(number)
            if number not in holder or take(holder[number], tried):
                holder[number] = position
                return True
        return False

    for position in range(len(wanted)):
        if not take(position, set()):
            return None
    chosen = {position: number for number, position in holder.items()}
    return [there[chosen[position]] for position in range(len(wanted))]
