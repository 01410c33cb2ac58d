"""What people added to a VM on its host: read before it is deleted, given to the one that takes its place. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from innkeeper.hypervisors.lxd import shapes
from innkeeper.hypervisors.lxd.marks import PREFIX, mark
from innkeeper.model.machine import Added

# The device of the NoCloud drive, which LXD makes of the configuration. Too long for the name of a NIC.
SEED = "innkeeper-cloud-init-seed"
SEED_KEYS = ("user.meta-data", "cloud-init.vendor-data", "cloud-init.network-config", "cloud-init.user-data")
_OURS = frozenset({"limits.cpu", "limits.memory", "limits.memory.hugepages", *SEED_KEYS})
_MADE = (PREFIX, "volatile.", "image.")  # written by us, or by the server of what it made
_FIXED = frozenset({"ipv4.address", "ipv6.address"})
_NIC = frozenset({"type", "name", "hwaddr", "network", "nictype", "parent", "vlan", "mode"}) | _FIXED
_DISK = frozenset({"type", "pool", "source", "size"})
Devices = dict[str, dict[str, str]]


def of(entry: shapes.Instance | None, *, machine: str) -> Added | None:
    """What was set on the instance itself (its profiles are named, not followed); None unless it is the machine's."""
    if entry is None or not machine or mark(entry.config, "machine") != machine:
        return None
    config = entry.config or {}
    devices = {name: device for name, device in (entry.devices or {}).items() if name != SEED}
    for name, device in devices.items():
        mac = config.get(f"volatile.{name}.hwaddr", "")
        if device.get("type") == "nic" and mac:  # else the guest would have another NIC afterwards
            devices[name] = {"hwaddr": mac} | device
    return Added(
        config=tuple(sorted((k, v) for k, v in config.items() if k not in _OURS and not k.startswith(_MADE))),
        devices=tuple((name, tuple(sorted(device.items()))) for name, device in sorted(devices.items())),
        profiles=tuple(entry.profiles or ()),
    )


def with_devices(ours: Mapping[str, Mapping[str, str]], added: Added) -> Devices:
    """The devices of a record, with what was set on them beyond it, and those that are not in it.

    A device is known again by its MAC or volume: a NIC may have been renamed in the record since it was made.
    """
    found = {name: dict(device) for name, device in ours.items()}
    known = {_what(device): name for name, device in found.items()}
    for name, pairs in added.devices:
        device = dict(pairs)
        same = known.get(_what(device), name)
        if same in ours:
            record = _NIC if ours[same]["type"] == "nic" else _DISK
            found[same] |= {key: value for key, value in device.items() if key not in record}
        else:
            found[name] = device
    return found


def with_profiles(ours: tuple[str, ...], added: Added) -> list[str]:
    """All profiles, in the order that they had."""
    return [*(name for name in ours if name not in added.profiles), *added.profiles]


def _what(device: Mapping[str, str]) -> tuple[str, ...]:
    if device.get("type") == "nic":
        return ("nic", device.get("hwaddr", "").lower())
    where = device.get("source") or device.get("path", "")
    return (device.get("type", ""), device.get("pool", ""), where)
