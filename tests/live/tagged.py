"""A VLAN that a guest is really in: on a switch of the lab that sets tags without help of the kernel."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.kit.client import Client
from tests.kit.lab import Lab

SWITCH, VID, PORT = "ovs0", 5, "vlan5"  # PORT is the host's own way into the VLAN: its frames leave with the tag


@contextmanager
def switched(lab: Lab) -> Iterator[None]:
    """While the lab has a switch that knows VLANs."""
    lab.command("switch", SWITCH)
    try:
        yield
    finally:
        lab.command("switch", "off")


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """The VLAN with its two subnets, and an address of each that is nobody's."""

    vlan: dict[str, Any]
    four: dict[str, Any]
    six: dict[str, Any]
    lab: Lab

    @property
    def free(self) -> tuple[str, str]:
        v4, v6 = (str(ipaddress.ip_network(one["cidr"])[77]) for one in (self.four, self.six))
        return v4, v6

    async def answers(self, address: str) -> str:
        """The MAC of who answers at an address of the VLAN, asked by a port that is in it alone; fails if nobody."""
        await asyncio.to_thread(self.lab.inside, "busybox", "ping", "-c", "1", "-w", "20", "-I", PORT, address)
        told = await asyncio.to_thread(self.lab.inside, "ip", "-j", "neighbour", "show", address, "dev", PORT)
        (neighbour,) = json.loads(told)
        return str(neighbour["lladdr"])


async def tagged(admin: Client, host: int, lab: Lab) -> Tagged:
    """The VLAN of the switch made known, with the subnets that the host's port has.

    The switch has no address, so an administrator says on which fabric it is.
    """
    record = (await admin.get(f"vm-hosts/{host}/"))["host"]["system_id"]
    (bridge,) = [nic for nic in await admin.get(f"nodes/{record}/interfaces/") if nic["name"] == SWITCH]
    assert bridge["vlan"] is None
    fabric = await admin.post("fabrics/", name="switched")
    await admin.put(bridge["resource_uri"], vlan=fabric["vlans"][0]["id"])
    vlan = await admin.post(f"fabrics/{fabric['id']}/vlans/", vid=VID, name="tagged")
    (port,) = json.loads(lab.inside("ip", "-j", "address", "show", PORT))
    made = {}
    for one in port["addr_info"]:
        if one["scope"] == "global":
            cidr = ipaddress.ip_interface(f"{one['local']}/{one['prefixlen']}").network
            made[cidr.version] = await admin.post("subnets/", cidr=str(cidr), vlan=vlan["id"])
    return Tagged(vlan=vlan, four=made[4], six=made[6], lab=lab)
