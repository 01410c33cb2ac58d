"""The JSON of a machine: its disks and NICs, named and measured as MAAS's clients expect them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec

from innkeeper.api.maas import interface_shapes, shapes
from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Disk, Machine, Origin

_PIECE = 2**20  # bytes
_ENCODER = msgspec.json.Encoder()


def encoded(many: Iterable[Machine], about: shapes.Lookups) -> Iterator[bytes]:
    """A list of machines as JSON text, piece by piece: of thousands, the objects take many times what the text does."""
    some = bytearray(b"[")
    for number, one in enumerate(many):
        some += b"," if number else b""
        some += _text(one, about)
        if len(some) > _PIECE:
            yield bytes(some)
            some.clear()
    yield bytes(some) + b"]"


def _text(one: Machine, about: shapes.Lookups) -> bytes:
    """A whole machine as JSON text. Disks and NICs are in it several times, and made into text once."""
    if one.origin == Origin.HOST:
        nics = [msgspec.Raw(_ENCODER.encode(each)) for each in _nics(one, about)]
    else:
        nics = [interface_shapes.text(each, one.system_id, about.wiring) for each in one.interfaces]
    disks = [_disk_text(position, each, one.system_id) for position, each in enumerate(one.disks)]
    return _ALWAYS_TEXT + _ENCODER.encode(_own(one, about, nics=nics, disks=disks))[1:]


def machine(one: Machine, about: shapes.Lookups) -> shapes.Json:
    """A machine. Fields of what Innkeeper does not do (yet) hold their honest empty value."""
    disks = [disk(position, each, one.system_id) for position, each in enumerate(one.disks)]
    return _ALWAYS | _own(one, about, nics=_nics(one, about), disks=disks)


def _own(one: Machine, about: shapes.Lookups, *, nics: Sequence[object], disks: Sequence[object]) -> shapes.Json:
    """What is a machine's own; its NICs and disks are given as they shall stand in it."""
    name = about.domains[one.domain_id].name
    status = _status(one.status)
    host_record = about.hosts.get(one.host_id) if one.host_id is not None else None
    owner_data = dict(one.owner_data)
    return {
        "system_id": one.system_id,
        "hostname": one.hostname,
        "fqdn": f"{one.hostname}.{name}",
        "domain": about.domain_json[one.domain_id],
        "description": one.description,
        "status": one.status,
        "status_name": status.label,
        "status_message": one.status_message,
        "error_description": one.status_message if status.failed else "",
        "power_state": one.power_state.value,
        "power_type": host_record.kind if host_record else "manual",
        "osystem": one.osystem,
        "distro_series": one.distro_series,
        "architecture": one.architecture,
        "memory": one.memory,
        "cpu_count": one.cores,
        "cpu_speed": one.cpu_speed,
        "pinned_cores": list(one.pinned),
        "hugepages_backed": one.huge_pages,
        "storage": sum(each.size for each in one.disks) / 1e6,
        "tag_names": list(one.tags),
        "owner": one.owner or None,
        "owner_data": owner_data,
        "workload_annotations": owner_data,
        "agent_name": one.agent_name,
        "ip_addresses": interface_shapes.addresses(one.interfaces),
        "interface_set": nics,
        "boot_interface": nics[0] if nics else None,
        "blockdevice_set": disks,
        "physicalblockdevice_set": disks,
        "boot_disk": disks[0] if disks else None,
        "zone": about.zone_json[one.zone_id],
        "pool": about.pool_json[one.pool_id],
        "pod": _pod(host_record),
        "origin": one.origin.value,
        "project": one.project,
        "instance_name": one.instance,
        "default_gateways": interface_shapes.gateways(one.interfaces, about.wiring),
        "commissioning_status": status.commissioning,
        "commissioning_status_name": _COMMISSIONING[status.commissioning],
        "locked": one.locked,
        "dynamic": one.dynamic,
        "anti_affinity": one.anti_affinity,
        "resource_uri": f"{shapes.API}/machines/{one.system_id}/",
    }


_TESTED = ("cpu", "memory", "network", "storage", "other", "interface")
# What is the same of every machine.
_ALWAYS: shapes.Json = {
    "status_action": "",
    "hwe_kernel": "",
    "min_hwe_kernel": "",
    "swap_size": None,
    "address_ttl": None,
    "bios_boot_method": "uefi",
    "node_type": 0,
    "node_type_name": "Machine",
    "hardware_info": {},
    "virtualblockdevice_set": [],
    "iscsiblockdevice_set": [],
    "special_filesystems": [],
    "raids": [],
    "bcaches": [],
    "volume_groups": [],
    "cache_sets": [],
    "parent": None,
    "numanode_set": [],
    "testing_status": -1,
    "testing_status_name": "Not run",
    **{f"{part}_test_status": -1 for part in _TESTED},
    **{f"{part}_test_status_name": "Not run" for part in _TESTED},
    "last_sync": None,
    "next_sync": None,
    "sync_interval": None,
    "netboot": False,
    "disable_ipv4": False,
    "enable_hw_sync": False,
    "ephemeral_deploy": False,
}
_ALWAYS_TEXT = _ENCODER.encode(_ALWAYS)[:-1] + b","
_COMMISSIONING = {-1: "Not run", 1: "Running", 2: "Passed", 3: "Failed"}


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What is told of a status."""

    label: str
    failed: bool
    commissioning: int


@cache
def _status(number: int) -> _Told:
    status = Status(number)
    label = status.label
    return _Told(label=label, failed=label.startswith("Failed"), commissioning=_commissioning(status))


def _commissioning(status: Status) -> int:
    if status == Status.COMMISSIONING:
        return 1
    return 3 if status == Status.FAILED_COMMISSIONING else 2


def _nics(one: Machine, about: shapes.Lookups) -> list[shapes.Json]:
    """A machine's NICs; of a host's record the host's interfaces."""
    if one.origin == Origin.HOST and not one.interfaces:
        theirs = about.interfaces_of(one.system_id)
        return [interface_shapes.host_interface(each, one.system_id, about.wiring) for each in theirs]
    return [interface_shapes.interface(each, one.system_id, about.wiring) for each in one.interfaces]


def _pod(one: Host | None) -> shapes.Json | None:
    if one is None:
        return None
    return {"id": one.id, "name": one.name, "resource_uri": f"{shapes.API}/pods/{one.id}/"}


def _letters(number: int) -> str:
    """As Linux counts disks: a … z, aa … zz, aaa …"""
    before, last = divmod(number, 26)
    return (_letters(before - 1) if before else "") + chr(ord("a") + last)


def disk(position: int, one: Disk, system_id: str) -> shapes.Json:
    """A block device, named as the guest sees it; `id_path` is how QEMU names LXD's device."""
    return _DISK | _own_disk(position, one, system_id)


def _disk_text(position: int, one: Disk, system_id: str) -> msgspec.Raw:
    return msgspec.Raw(_DISK_TEXT + _ENCODER.encode(_own_disk(position, one, system_id))[1:])


def _own_disk(position: int, one: Disk, system_id: str) -> shapes.Json:
    path = f"/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_lxd_{one.device}"
    return {
        "id": one.id,
        "system_id": system_id,
        "name": f"sd{_letters(position)}",
        "serial": f"lxd_{one.device}",
        "id_path": path,
        "path": path,
        "size": one.size,
        "available_size": one.size,
        "tags": list(one.tags),
        "storage_pool": one.pool,
        "storage_pool_reason": one.why,
        "resource_uri": f"{shapes.API}/nodes/{system_id}/blockdevices/{one.id}/",
    }


# What is the same of every block device.
_DISK: shapes.Json = {
    "type": "physical",
    "model": "QEMU HARDDISK",
    "uuid": "",
    "block_size": 512,
    "used_size": 0,
    "used_for": "Unused",
    "filesystem": None,
    "partition_table_type": None,
    "partitions": [],
    "firmware_version": None,
    "numa_node": 0,
}
_DISK_TEXT = _ENCODER.encode(_DISK)[:-1] + b","
