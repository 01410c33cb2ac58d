"""Virtual machines as LXD tells them → InstanceFacts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from innkeeper.hypervisors.lxd import shapes, units
from innkeeper.hypervisors.lxd.marks import marks
from innkeeper.model.machine import DiskFacts, InstanceFacts, InterfaceFacts, PowerState

_DEFAULT_MEMORY = 1024  # MiB: what LXD gives a VM without limits.memory
_DEFAULT_ROOT = 10 * 1024**3  # bytes: what LXD makes a VM's root disk without a size
_ATTACH = {"bridged": "bridge", "macvlan": "macvlan", "sriov": "sriov", "ovn": "ovn"}
_KEPT = ("limits.", "security.")

# Frozen is on: memory and cores stay taken, and a start makes it run again.
_ON = frozenset({101, shapes.RUNNING, 106, 107, 109, shapes.FROZEN, 111, 113})
_ERROR = 112


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What an instance's own JSON does not tell: {network: type} and {(pool, project, volume): bytes}."""

    network_types: Mapping[str, str] = field(default_factory=dict)
    volume_sizes: Mapping[tuple[str, str, str], int | None] = field(default_factory=dict)


def virtual_machines(entries: Iterable[shapes.Instance]) -> list[shapes.Instance]:
    """Containers left out."""
    return [entry for entry in entries if entry.type == "virtual-machine"]


def custom_volumes(entries: Iterable[shapes.Instance]) -> set[tuple[str, str, str]]:
    """(pool, project, volume) of every custom volume that one of them holds."""
    return {
        (device["pool"], entry.project, device["source"])
        for entry in entries
        for device in (entry.expanded_devices or {}).values()
        if _in_pool(device) and device.get("source")
    }


def managed_networks(entries: Iterable[shapes.Instance]) -> set[str]:
    """Names of the managed networks that their NICs name."""
    devices = [device for entry in entries for device in (entry.expanded_devices or {}).values()]
    return {device["network"] for device in devices if device.get("type") == "nic" and device.get("network")}


def facts(entry: shapes.Instance, around: Surroundings) -> InstanceFacts:
    """One VM; profiles count, since the expanded configuration is read. What is not understood is named in `faults`."""
    config = entry.expanded_config if entry.expanded_config is not None else entry.config or {}
    faults: list[str] = []
    cores, pinned = _cores(config, faults)
    devices = sorted((entry.expanded_devices or {}).items(), key=_place)
    return InstanceFacts(
        name=entry.name,
        project=entry.project,
        architecture=units.architecture(entry.architecture),
        cores=cores,
        pinned=pinned,
        memory=_memory(config, faults),
        huge_pages=units.truth(config.get("limits.memory.hugepages", "")),
        power=power(entry.status_code),
        location="" if entry.location == "none" else entry.location,
        disks=tuple(_disk(entry, name, d, around, faults) for name, d in devices if d.get("type") == "disk"),
        interfaces=tuple(_nic(name, d, config, around) for name, d in devices if d.get("type") == "nic"),
        # A mark says who made this instance, so it is read from the instance itself and never from a profile.
        tags=marks(entry.config),
        config=tuple(sorted((key, value) for key, value in config.items() if key.startswith(_KEPT))),
        faults=tuple(faults),
    )


def _place(named: tuple[str, Mapping[str, str]]) -> tuple[bool, list[str | int]]:
    """The order of devices: the root disk, from which a VM boots, then by name, with disk2 before disk10."""
    name, device = named
    pieces = re.split(r"([0-9]+)", name)
    return device.get("path") != "/", [int(one) if at % 2 else one for at, one in enumerate(pieces)]


def power(status_code: int) -> PowerState:
    """LXD's status as a power state."""
    if status_code in _ON:
        return PowerState.ON
    if status_code == shapes.STOPPED:
        return PowerState.OFF
    return PowerState.ERROR if status_code == _ERROR else PowerState.UNKNOWN


def _cores(config: Mapping[str, str], faults: list[str]) -> tuple[int, tuple[int, ...]]:
    text = config.get("limits.cpu", "")
    if not text.strip():
        return 1, ()
    told = units.cpus(text)
    if told is None:
        faults.append(f"limits.cpu is {text!r}; taken as 1 core")
        return 1, ()
    return told


def _memory(config: Mapping[str, str], faults: list[str]) -> int:
    text = config.get("limits.memory", "")
    if not text.strip():
        return _DEFAULT_MEMORY
    told = units.size(text)
    if told is None:
        faults.append(f"limits.memory is {text!r}; taken as {_DEFAULT_MEMORY} MiB")
        return _DEFAULT_MEMORY
    return told // units.MIB


def _in_pool(device: Mapping[str, str]) -> bool:
    """A disk that is a volume of a pool, and not another instance's root disk lent to this one."""
    return device.get("type") == "disk" and bool(device.get("pool")) and device.get("source.type", "custom") == "custom"


def _disk(
    entry: shapes.Instance, name: str, device: Mapping[str, str], around: Surroundings, faults: list[str]
) -> DiskFacts:
    if not _in_pool(device):
        return DiskFacts(device=name)  # an ISO, a host path, cloud-init's drive: takes nothing from a pool
    pool, source = device["pool"], device.get("source", "")
    if source:
        # A project without volumes of its own uses those of "default".
        known = (around.volume_sizes.get((pool, project, source)) for project in (entry.project, "default"))
        return DiskFacts(device=name, pool=pool, volume=source, size=next((s for s in known if s is not None), None))
    size = units.size(device.get("size", ""))
    if size is None:
        faults.append(f"disk {name} has size {device.get('size', '')!r}; taken as 10 GiB")
    return DiskFacts(device=name, pool=pool, size=_DEFAULT_ROOT if size is None else size)


def _nic(name: str, device: Mapping[str, str], config: Mapping[str, str], around: Surroundings) -> InterfaceFacts:
    network = device.get("network", "")
    if network:
        attach = "ovn" if around.network_types.get(network) == "ovn" else "network"
    else:
        attach = _ATTACH.get(device.get("nictype", ""), "other")
    return InterfaceFacts(
        device=name,
        attach=attach,
        parent=network or device.get("parent", ""),
        mac=device.get("hwaddr") or config.get(f"volatile.{name}.hwaddr", ""),
        vlan=units.number(device.get("vlan", "")),
        addresses=tuple(device[key] for key in ("ipv4.address", "ipv6.address") if device.get(key)),
    )
