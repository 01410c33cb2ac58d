"""Hosts and bridges for tests of networks."""

from __future__ import annotations

import ipaddress

from innkeeper.model.host import HostInterface, HostState
from innkeeper.store import hosts
from innkeeper.store.database import Database

HOST = "alpha"


def bridge(*addresses: str, name: str = "br0", dhcp: bool = True) -> HostInterface:
    """A managed bridge with those addresses ("10.0.0.1/24")."""
    subnets = tuple(str(ipaddress.ip_interface(one).network) for one in addresses)
    return HostInterface(name=name, kind="bridge", managed=True, addresses=addresses, subnets=subnets, dhcp=dhcp)


def simulated_host(database: Database, name: str = HOST) -> int:
    """The row of a host that nobody speaks to; its id."""
    return database.transact(
        hosts.insert,
        kind="simulated",
        name=name,
        address=f"simulated:{name}",
        project="default",
        state=HostState.READY,
        zone_id=1,
        pool_id=0,
    )
