"""Which columns the table of a resource has, and how its cells read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_MIB_PER_GIB = 1024
_GB = 1_000_000_000

Item = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Column:
    """`read` takes what the cell shows out of one object of the answer."""

    title: str
    read: Callable[[Item], object]
    number: bool = False


def columns_for(resource: str) -> tuple[Column, ...]:
    """The chosen columns of a resource (or of a list inside one), () when none were chosen."""
    return _CHOSEN.get(resource, ())


def cell(value: object) -> str:
    """One value in one line; what a terminal would obey is shown as `?`."""
    if value in (None, "", [], {}):
        return "-"
    match value:
        case bool():
            text = "yes" if value else "no"
        case list():
            text = ", ".join(cell(part) for part in value)
        case dict():
            text = str(next((value[key] for key in ("name", "hostname", "system_id", "id") if key in value), "…"))
        case _:
            text = str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def _at(title: str, path: str, *, number: bool = False) -> Column:
    return Column(title=title, read=lambda item: _find(item, path), number=number)


def _share(title: str, part: str, *, unit: float) -> Column:
    """Used of total, both divided by `unit`."""

    def read(item: Item) -> str | None:
        used, total = _find(item, f"used.{part}"), _find(item, f"total.{part}")
        if used is None or total is None:
            return None
        return f"{_scaled(used, unit)}/{_scaled(total, unit)}"

    return Column(title=title, read=read, number=True)


def _scale(title: str, path: str, *, unit: float) -> Column:
    def read(item: Item) -> str | None:
        value = _find(item, path)
        return None if value is None else _scaled(value, unit)

    return Column(title=title, read=read, number=True)


def _scaled(value: Any, unit: float) -> str:
    return f"{value / unit:.1f}".removesuffix(".0")


def _find(item: Any, path: str) -> Any:
    for name in path.split("."):
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


_NAMED = (_at("ID", "id", number=True), _at("NAME", "name"), _at("DESCRIPTION", "description"))
_HOSTS = (
    _at("ID", "id", number=True),
    _at("NAME", "name"),
    _at("TYPE", "type"),
    _at("STATE", "state"),
    _share("CORES", "cores", unit=1),
    _share("MEMORY GiB", "memory", unit=_MIB_PER_GIB),
    _share("STORAGE GB", "local_storage", unit=_GB),
    _at("CPU ×", "cpu_over_commit_ratio", number=True),
    _at("MEMORY ×", "memory_over_commit_ratio", number=True),
    _at("ZONE", "zone.name"),
    _at("POOL", "pool.name"),
    _at("TAGS", "tags"),
)
_MACHINES = (
    _at("SYSTEM ID", "system_id"),
    _at("HOSTNAME", "hostname"),
    _at("STATUS", "status_name"),
    _at("POWER", "power_state"),
    _at("CORES", "cpu_count", number=True),
    _scale("MEMORY GiB", "memory", unit=_MIB_PER_GIB),
    _at("VM HOST", "pod.name"),
    _at("ZONE", "zone.name"),
    _at("POOL", "pool.name"),
    _at("OWNER", "owner"),
    _at("ADDRESSES", "ip_addresses"),
)
_STORAGE_POOLS = (
    _at("NAME", "name"),
    _at("TYPE", "type"),
    _at("PATH", "path"),
    _scale("TOTAL GB", "total", unit=_GB),
    _scale("USED GB", "used", unit=_GB),
    _scale("AVAILABLE GB", "available", unit=_GB),
    _at("DEFAULT", "default"),
)
_LIMITS = (
    _at("RESOURCE", "name"),
    _at("PHYSICAL", "physical", number=True),
    _at("RATIO", "ratio", number=True),
    _at("LIMIT", "limit", number=True),
    _at("CLAIMED", "claimed", number=True),
    _at("OTHERS", "others", number=True),
    _at("FREE", "free", number=True),
    _at("OVER BY", "over", number=True),
)
_IMAGES = (
    _at("ID", "id", number=True),
    _at("NAME", "name"),
    _at("ARCHITECTURE", "architecture"),
    _at("TITLE", "title"),
    _at("TYPE", "type"),
    _at("READY", "complete"),
    _at("SOURCE", "source"),
)
_DEVICES = (
    _at("SYSTEM ID", "system_id"),
    _at("HOSTNAME", "hostname"),
    _at("PARENT", "parent"),
    _at("OWNER", "owner"),
    _at("ADDRESSES", "ip_addresses"),
)
_EVENTS = (
    _at("ID", "id", number=True),
    _at("WHEN", "created"),
    _at("LEVEL", "level"),
    _at("ABOUT", "hostname"),
    _at("WHO", "username"),
    _at("WHAT", "description"),
)
_USERS = (
    _at("USERNAME", "username"),
    _at("EMAIL", "email"),
    _at("ADMINISTRATOR", "is_superuser"),
)
_DOMAINS = (
    _at("ID", "id", number=True),
    _at("NAME", "name"),
    _at("AUTHORITATIVE", "authoritative"),
    _at("TTL", "ttl", number=True),
)
_FABRICS = (
    _at("ID", "id", number=True),
    _at("NAME", "name"),
    _at("CLASS", "class_type"),
    _at("VLANS", "vlans"),
    _at("DESCRIPTION", "description"),
)
_VLANS = (
    _at("ID", "id", number=True),
    _at("FABRIC", "fabric"),
    _at("VID", "vid", number=True),
    _at("NAME", "name"),
    _at("SPACE", "space"),
    _at("MTU", "mtu", number=True),
    _at("DHCP", "dhcp_on"),
)
_SUBNETS = (
    _at("ID", "id", number=True),
    _at("NAME", "name"),
    _at("CIDR", "cidr"),
    _at("FABRIC", "vlan.fabric"),
    _at("VID", "vlan.vid", number=True),
    _at("SPACE", "space"),
    _at("GATEWAY", "gateway_ip"),
    _at("DNS", "dns_servers"),
    _at("MANAGED", "managed"),
)
_SPACES = (
    _at("ID", "id", number=True),
    _at("NAME", "name"),
    _at("VLANS", "vlans"),
    _at("SUBNETS", "subnets"),
    _at("DESCRIPTION", "description"),
)
_STATIC_ROUTES = (
    _at("ID", "id", number=True),
    _at("SOURCE", "source.cidr"),
    _at("DESTINATION", "destination.cidr"),
    _at("GATEWAY", "gateway_ip"),
    _at("METRIC", "metric", number=True),
)
_RANGES = (
    _at("ID", "id", number=True),
    _at("TYPE", "type"),
    _at("START", "start_ip"),
    _at("END", "end_ip"),
    _at("SUBNET", "subnet.cidr"),
    _at("USER", "user.username"),
    _at("COMMENT", "comment"),
)
_ADDRESSES = (
    _at("IP", "ip"),
    _at("SUBNET", "subnet.cidr"),
    _at("TYPE", "alloc_type_name"),
    _at("OWNER", "owner.username"),
    _at("HOSTNAME", "hostname"),
    _at("NICS", "interface_set"),
)

_CHOSEN: Mapping[str, tuple[Column, ...]] = {
    "vm-hosts": _HOSTS,
    "pods": _HOSTS,
    "machines": _MACHINES,
    "nodes": _MACHINES,
    "devices": _DEVICES,
    "events": _EVENTS,
    "boot-resources": _IMAGES,
    "zones": _NAMED,
    "resource-pools": _NAMED,
    "users": _USERS,
    "domains": _DOMAINS,
    "fabrics": _FABRICS,
    "vlans": _VLANS,
    "subnets": _SUBNETS,
    "spaces": _SPACES,
    "static-routes": _STATIC_ROUTES,
    "ipranges": _RANGES,
    "ipaddresses": _ADDRESSES,
    "storage_pools": _STORAGE_POOLS,
    "limits": _LIMITS,
}
