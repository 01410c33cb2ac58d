"""What the managed networks of a host gave to guests."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import Leases
from innkeeper.hypervisors.lxd import creation, failures, operations, shapes
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.hypervisors.lxd.guests import of_mac
from innkeeper.hypervisors.lxd.resources import is_mac
from innkeeper.hypervisors.together import together


async def read(client: Client, *, project: str) -> tuple[Leases, ...]:
    """See `base.Hypervisor.leases`: a list of the networks, and one request for each bridge of LXD's own."""
    try:
        listed = await client.get(path("networks", recursion=1, project=project), list[shapes.NetworkEntry])
    except HostRefused:  # then they are not in the inventory either, and that says so
        return ()
    bridges = [one.name for one in listed if one.managed and one.type == "bridge"]
    found = await together(_of(client, project, name) for name in bridges)
    return tuple(one for one in found if one is not None)


async def _of(client: Client, project: str, network: str) -> Leases | None:
    try:
        listed = await client.get(path("networks", network, "leases", project=project), list[shapes.NetworkLease])
    except HostRefused:  # gone meanwhile, or hidden from us
        return None
    given = [(one.hwaddr.lower(), str(ip_address(one.address))) for one in listed if _given(one)]
    shown = {mac for mac, ip in given if not of_mac(ip, mac)}
    return Leases(network=network, given=tuple((mac, ip) for mac, ip in given if mac in shown))


async def fix(client: Client, entry: shapes.Instance, addresses: Mapping[str, tuple[str, ...]]) -> None:
    """Have DHCP give an instance's NICs these addresses, by MAC. A NIC that is not named keeps what it has."""
    if devices := creation.readdressed(entry.devices or {}, addresses):
        address, what = path("instances", entry.name, project=entry.project), f"addresses of instance {entry.name}"
        if not await operations.done(client, "PATCH", address, {"devices": devices}, what=what):
            raise failures.vanished(client.address, what)  # done or not: asked again, it finds out


def _given(one: shapes.NetworkLease) -> bool:
    """Not the network's own, nor one that it keeps for a NIC which has not asked for it.

    What follows from a MAC the host works out, whether the guest is up or not: it counts beside another (see `_of`).
    """
    return one.type == "dynamic" and is_mac(one.hwaddr)
