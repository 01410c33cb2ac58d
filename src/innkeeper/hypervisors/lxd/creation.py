"""InstanceSpec → what is POSTed to LXD. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from innkeeper.hypervisors.lxd import additions, units
from innkeeper.hypervisors.lxd.additions import SEED, SEED_KEYS
from innkeeper.hypervisors.lxd.marks import marked
from innkeeper.model.machine import DiskSpec, InstanceSpec, InterfaceSpec
from innkeeper.model.seed import Seed

_ADDRESSES = ("ipv4.address", "ipv6.address")
_NICTYPES = {"bridge": "bridged", "macvlan": "macvlan", "sriov": "sriov"}


def instance_body(spec: InstanceSpec) -> dict[str, object]:
    """The body of POST /1.0/instances: a stopped VM, empty or of an image, whose every limit is written out.

    A profile could otherwise change what was claimed, so even a "false" is said. An empty list of profiles means
    none; leaving it out would mean LXD's `default`.
    """
    devices = {disk.device: _disk(disk) for disk in spec.disks} | {nic.device: _nic(nic) for nic in spec.interfaces}
    return {
        "name": spec.name,
        "type": "virtual-machine",
        "architecture": units.kernel_architecture(spec.architecture),
        "source": {"type": "image", "fingerprint": spec.image} if spec.image else {"type": "none"},
        "profiles": additions.with_profiles(spec.profiles, spec.added),
        "config": {
            "security.secureboot": "false",  # unsigned images and network boot are the rule here
            **dict(spec.added.config),
            "limits.cpu": units.cpu_text(cores=spec.cores, pinned=spec.pinned),
            "limits.memory": f"{spec.memory}MiB",
            "limits.memory.hugepages": "true" if spec.huge_pages else "false",
            **_seed(spec.seed),
            **marked(spec.tags),
        },
        "devices": additions.with_devices(devices, spec.added)
        | ({SEED: {"type": "disk", "source": "cloud-init:config"}} if spec.seed else {}),
    }


def readdressed(
    devices: Mapping[str, Mapping[str, str]], addresses: Mapping[str, tuple[str, ...]]
) -> dict[str, dict[str, str]]:
    """Of an instance's devices the NICs (by MAC) whose DHCP gives other addresses than these, as they shall be."""
    changed = {}
    for name, device in devices.items():
        wanted = addresses.get(device.get("hwaddr", "").lower())
        if device.get("type") != "nic" or wanted is None:
            continue
        fresh = {key: value for key, value in device.items() if key not in _ADDRESSES} | _fixed(wanted)
        if fresh != device:
            changed[name] = fresh
    return changed


def _fixed(addresses: tuple[str, ...]) -> dict[str, str]:
    return {f"ipv{ipaddress.ip_address(one).version}.address": one for one in addresses}


def _seed(seed: Seed | None) -> dict[str, str]:
    """What LXD writes on the NoCloud drive; its own meta-data come before ours, and cloud-init takes the last."""
    if seed is None:
        return {}
    files = zip(SEED_KEYS, (seed.meta_data, seed.vendor_data, seed.network_config, seed.user_data), strict=True)
    return {key: text for key, text in files if text}


def _disk(disk: DiskSpec) -> dict[str, str]:
    if disk.volume:
        return {"type": "disk", "pool": disk.pool, "source": disk.volume}
    # A higher priority boots first; NICs have 0. A VM with an empty disk still goes on to the network.
    return {"type": "disk", "path": "/", "pool": disk.pool, "size": str(disk.size), "boot.priority": "1"}


def _nic(nic: InterfaceSpec) -> dict[str, str]:
    device = {"type": "nic", "hwaddr": nic.mac}
    if len(nic.device) > 1:  # LXD takes no shorter name; in a VM it is the guest that names its NICs in any case
        device["name"] = nic.device
    if nic.attach in _NICTYPES:
        device |= {"nictype": _NICTYPES[nic.attach], "parent": nic.parent}
    else:
        device["network"] = nic.parent
    if nic.vlan:
        device["vlan"] = str(nic.vlan)
    device |= _fixed(nic.addresses)
    if nic.attach == "macvlan" and nic.mode not in ("", "bridge"):
        device["mode"] = nic.mode  # bridge is the default, and older servers know no other
    return device
