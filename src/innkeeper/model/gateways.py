"""Which gateway is a machine's default, for each IP version. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from innkeeper.model.machine import Interface
from innkeeper.model.network import LinkMode, Subnet


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A default gateway and the link whose subnet has it."""

    ip: str
    link_id: int
    subnet_id: int


def default_gateways(nics: Iterable[Interface], subnets: Mapping[int, Subnet]) -> dict[int, Gateway]:
    """By IP version: the one that a person chose, else that of the first link whose subnet has a gateway. A link
    without an address of its own goes nowhere."""
    found: dict[int, Gateway] = {}
    chosen: set[int] = set()
    for nic in nics:
        for link in nic.links:
            subnet = subnets.get(link.subnet_id) if link.subnet_id is not None else None
            if subnet is None or not subnet.gateway_ip or link.mode == LinkMode.LINK_UP:
                continue
            version = 6 if ":" in subnet.gateway_ip else 4
            if version not in found or (link.gateway and version not in chosen):
                found[version] = Gateway(ip=subnet.gateway_ip, link_id=link.id, subnet_id=subnet.id)
                if link.gateway:
                    chosen.add(version)
    return found
