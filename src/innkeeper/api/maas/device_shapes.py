"""The JSON of a device, and of whatever stands in a list of machines and devices."""

from __future__ import annotations

from innkeeper.api.maas import machine_shapes, shapes
from innkeeper.model.machine import Machine, Origin

# What a device has of a machine's fields; all else of a machine means nothing for it.
_SHARED = (
    "system_id",
    "hostname",
    "fqdn",
    "domain",
    "description",
    "owner",
    "owner_data",
    "workload_annotations",
    "tag_names",
    "ip_addresses",
    "interface_set",
    "zone",
    "pool",
    "address_ttl",
)


def device(one: Machine, about: shapes.Lookups) -> shapes.Json:
    """A device. `parent`: the system_id of the machine it is in, or null."""
    full = machine_shapes.machine(one, about)
    return {
        **{field: full[field] for field in _SHARED},
        "parent": one.parent or None,
        "node_type": 1,
        "node_type_name": "Device",
        "resource_uri": f"{shapes.API}/devices/{one.system_id}/",
    }


def node(one: Machine, about: shapes.Lookups) -> shapes.Json:
    """A machine or a device."""
    return device(one, about) if one.origin == Origin.DEVICE else machine_shapes.machine(one, about)
