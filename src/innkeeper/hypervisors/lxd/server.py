"""GET /1.0 → who answers, and whether it can do what we need. Pure."""

from __future__ import annotations

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import Identity
from innkeeper.hypervisors.lxd import shapes

# API extension → what we need it for. Versions are never compared: distributions patch, and Incus counts anew.
REQUIRED = {
    "projects": "to work in a project of its own",
    "instances": "the one list of VMs",
    "virtual-machines": "VMs",
    "custom_block_volumes": "further disks",
    "vm_boot_priority": "to boot from disk before the network",
    "resources_v2": "cores, memory and NUMA nodes",
    "network_state": "addresses of host interfaces",
    "event_lifecycle": "live events",
}
# Optional ones, asked for by name where they make a difference.
ALL_INSTANCES = "instance_all_projects"
ALL_VOLUMES = "storage_volumes_all_projects"
EXPLICIT_TOKEN = "explicit_trust_token"
MACVLAN_MODE = "instance_nic_macvlan_mode"
_INCUS_ONLY = "dev_incus_events"


def identity(server: shapes.Server) -> Identity:
    """Who answers. Those who are not trusted are told neither name nor version, only the extensions."""
    environment = server.environment or shapes.Environment()
    extensions = frozenset(server.api_extensions or ())
    return Identity(
        trusted=server.auth == "trusted",
        server_name=environment.server_name,
        version=environment.server_version,
        hypervisor="incus" if _INCUS_ONLY in extensions else environment.server,
        extensions=extensions,
        missing=tuple(name for name in REQUIRED if name not in extensions),
    )


def require(found: Identity) -> None:
    """HostRefused with the missing extensions by name when the server is too old for us."""
    if not found.missing:
        return
    name = {"lxd": "LXD", "incus": "Incus"}.get(found.hypervisor, found.hypervisor)
    raise HostRefused(
        f"The server ({name} {found.version}) is too old." if found.version else "The server is too old.",
        details="It lacks the API extensions "
        + ", ".join(f"{missing} ({REQUIRED[missing]})" for missing in found.missing)
        + ".",
        resolution="Upgrade it: LXD 4.16 or later, or any Incus.",
    )


def require_macvlan_modes(found: Identity, modes: set[str]) -> None:
    """HostRefused when these modes of macvlan (others than bridge) are asked of a server that has no choice."""
    if MACVLAN_MODE not in found.extensions:
        raise HostRefused(
            f"The host cannot make a macvlan interface in mode {', '.join(sorted(modes))}.",
            details=f"It lacks the API extension {MACVLAN_MODE}.",
            resolution="Use mode bridge.",
        )
