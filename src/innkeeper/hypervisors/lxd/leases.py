"""What the managed networks of a host gave to guests."""

from __future__ import annotations

from ipaddress import ip_address

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import Lease
from innkeeper.hypervisors.lxd import shapes
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.hypervisors.lxd.resources import is_mac
from innkeeper.hypervisors.together import together

_GUESTS = ("dynamic", "static")  # others are the network's own addresses


async def read(client: Client, *, project: str) -> tuple[Lease, ...]:
    """See `base.Hypervisor.leases`: a list of the networks, and one request for each bridge with DHCP."""
    listed = await client.get(path("networks", recursion=1, project=project), list[shapes.NetworkEntry])
    bridges = [one.name for one in listed if one.managed and one.type == "bridge"]
    found = await together(_of(client, project, name) for name in bridges)
    return tuple(lease for leases in found for lease in leases)


async def _of(client: Client, project: str, network: str) -> list[Lease]:
    address = path("networks", network, "leases", project=project)
    try:
        listed = await client.get(address, list[shapes.NetworkLease])
    except HostRefused:  # gone meanwhile, or hidden from us
        return []
    return [
        Lease(network=network, mac=one.hwaddr.lower(), ip=str(ip_address(one.address)))
        for one in listed
        if one.type in _GUESTS and is_mac(one.hwaddr)
    ]
