"""A simulated host with several networks, and what tests of NICs ask of it."""

from __future__ import annotations

from typing import Any

from innkeeper.hypervisors.simulated_world import BRIDGE, World
from innkeeper.model.host import HostInterface
from tests.api.facts import composed
from tests.kit.house import Inn

OFFICE = HostInterface(
    name="br1",
    kind="bridge",
    subnets=("10.1.0.0/24", "2001:db8:1::/64"),
    addresses=("10.1.0.1/24", "2001:db8:1::1/64"),
    mac="00:16:3e:00:00:01",
)
BOND = HostInterface(name="bond0", kind="bond", subnets=("10.2.0.0/24",), addresses=("10.2.0.1/24",))


def wire(world: World) -> None:
    world.interfaces = [BRIDGE, OFFICE, BOND]


async def wired(house: Inn, name: str = "alpha", **fields: Any) -> int:
    """A host with a managed network, a bridge with IPv4 and IPv6, and a bond."""
    house.change(name, wire)
    return await house.add_host(name, **fields)


async def subnet_of(house: Inn, cidr: str) -> dict[str, Any]:
    (found,) = [one for one in await house.admin.get("subnets/") if one["cidr"] == cidr]
    return dict(found)


async def refusal(house: Inn, id: int, **wishes: Any) -> tuple[int, str]:
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", **wishes)
    return answer.status_code, answer.text


async def nic_of(house: Inn, wishes: str = "a:name=br0;b:name=br1") -> tuple[dict[str, Any], str]:
    """A machine, and the address of its last NIC."""
    hosts = await house.admin.get("vm-hosts/")
    made = await composed(house, hosts[0]["id"] if hosts else await wired(house), interfaces=wishes)
    return made, made["interface_set"][-1]["resource_uri"]
