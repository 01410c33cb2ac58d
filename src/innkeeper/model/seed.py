"""What a guest is told on its NoCloud drive: who it is, who may log in, its network, and where it phones home. Pure.

Everything but the user's own data is written as JSON, which cloud-init reads as the YAML that it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

LATER = 2000  # metric of default routes that are not the machine's
FIRST = 100  # metric of an IPv6 default route that is: without one it shares the traffic with what a router advertises
TRIES = 10  # how often cloud-init calls before it gives up


@dataclass(frozen=True, kw_only=True)
class Seed:
    """The drive's files. They hold secrets: never printed."""

    meta_data: str
    vendor_data: str
    network_config: str
    user_data: str = ""

    def __repr__(self) -> str:
        return "Seed(…)"


@dataclass(frozen=True, kw_only=True)
class Route:
    """Through `via` to `to`, a network."""

    to: str
    via: str
    metric: int = 0


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One link of a NIC: an address of its own ("10.0.0.5/24"), or "" : asked of the network (`version` 4 or 6).

    `secondary`: what is asked brings a default route, and the machine's default is another one.
    """

    address: str = ""
    version: int = 4
    secondary: bool = False
    gateway: str = ""
    dns: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Nic:
    """A NIC as its guest shall have it. Without a leg it comes up and has no address."""

    name: str
    mac: str
    mtu: int = 1500
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Whom a seed is for. `phone_home` "" : it is not asked to call."""

    system_id: str
    hostname: str
    domain: str
    keys: tuple[str, ...] = ()
    phone_home: str = ""


def seed(guest: Guest, nics: Sequence[Nic], *, user_data: str = "") -> Seed:
    """The whole drive of a guest."""
    return Seed(
        meta_data=meta_data(guest),
        vendor_data=vendor_data(guest),
        network_config=network_config(nics),
        user_data=user_data,
    )


def meta_data(guest: Guest) -> str:
    """Name and keys, one a line: hosts put lines of their own before, and the last one of a name counts."""
    lines: dict[str, Any] = {"instance-id": guest.system_id, "local-hostname": guest.hostname}
    if guest.keys:
        lines["public-keys"] = list(guest.keys)
    if guest.phone_home:
        lines["phone-home-url"] = guest.phone_home
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in lines.items())


def vendor_data(guest: Guest) -> str:
    """Our part of the cloud-config: the user's own is merged over it."""
    config: dict[str, Any] = {"fqdn": f"{guest.hostname}.{guest.domain}"}
    if guest.phone_home:
        config["phone_home"] = {
            "url": guest.phone_home,
            "post": ["instance_id", "hostname", "fqdn"],
            "tries": TRIES,
        }
    return f"#cloud-config\n{json.dumps(config)}\n"


def network_config(nics: Sequence[Nic]) -> str:
    """Cloud-init's network configuration, version 2. NICs are known by their MACs and get their names."""
    default: set[int] = set()  # the IP versions that have a default route: the first gateway is it
    return json.dumps({"version": 2, "ethernets": {nic.name: _ethernet(nic, default) for nic in nics}}) + "\n"


def _ethernet(nic: Nic, default: set[int]) -> dict[str, Any]:
    found: dict[str, Any] = {"match": {"macaddress": nic.mac}, "set-name": nic.name}
    if nic.mtu != 1500:
        found["mtu"] = nic.mtu
    addresses = [leg.address for leg in nic.legs if leg.address]
    asked = {leg.version for leg in nic.legs if not leg.address}
    found["dhcp4"], found["dhcp6"] = 4 in asked, 6 in asked
    for version in sorted({leg.version for leg in nic.legs if leg.secondary and not leg.address}):
        found[f"dhcp{version}-overrides"] = {"route-metric": LATER}
    if addresses:
        found["addresses"] = addresses
    servers = list(dict.fromkeys(server for leg in nic.legs for server in leg.dns))
    if servers and addresses:  # what is asked of the network comes with its servers
        found["nameservers"] = {"addresses": servers}
    routes: list[dict[str, Any]] = []
    for leg in nic.legs:
        version = ip_address(leg.gateway).version if leg.gateway else 0
        if leg.address and version and version not in default:
            default.add(version)
            whole: dict[str, Any] = {"to": "0.0.0.0/0"} if version == 4 else {"to": "::/0", "metric": FIRST}
            routes.append({**whole, "via": leg.gateway})
        for route in leg.routes:
            more = {"metric": route.metric} if route.metric else {}
            routes.append({"to": route.to, "via": route.via, **more})
    if routes:
        found["routes"] = routes
    if not nic.legs:
        found["optional"] = True  # nobody waits for its address at boot
    return found
