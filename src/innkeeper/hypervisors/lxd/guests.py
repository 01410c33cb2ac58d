"""Guests as their host sees them: what shows that one is up, and where guests find us."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from innkeeper.hypervisors.base import GuestFacts
from innkeeper.hypervisors.lxd import shapes
from innkeeper.hypervisors.lxd.client import Client, path


async def seen(client: Client, *, project: str, name: str) -> GuestFacts:
    """See `base.Hypervisor.guest`. Without an agent the addresses are those of leases and of the neighbour table."""
    state = await client.find(path("instances", name, "state", project=project), shapes.InstanceState)
    if state is None or state.status_code != shapes.RUNNING:
        return GuestFacts()
    addresses = []
    for nic in (state.network or {}).values():
        for one in nic.addresses or ():
            # an address that follows from the MAC is worked out by the host, whether the guest is up or not
            if one.scope == "global" and not of_mac(one.address, nic.hwaddr):
                addresses.append((nic.hwaddr.lower(), one.address))
    return GuestFacts(agent=state.processes > 0, addresses=tuple(addresses))


def of_mac(address: str, mac: str) -> bool:
    """Whether an IPv6 address ends in what its NIC's MAC makes of it (EUI-64)."""
    one = ip_address(address)
    if one.version == 4 or not mac:
        return False
    octets = bytes.fromhex(mac.replace(":", ""))
    return one.packed[8:] == bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])


async def our_address(address: str) -> str:
    """Our end of a connection to the host at that address; "" when there is no way to it. Nothing is sent."""
    parts = urlsplit(address)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)
    except OSError:
        return ""
    for family, kind, protocol, _, target in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.connect(target)  # of a datagram socket: the kernel only chooses the way
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return ""
