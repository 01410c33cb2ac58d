"""python-libmaas, as it is on PyPI, makes and changes networks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from maas.client import connect
from maas.client.bones import CallError
from maas.client.enum import IPRangeType, RDNSMode

from tests.kit.server import Server, running

pytestmark = [pytest.mark.filterwarnings("ignore:Deprecated, use .url:DeprecationWarning")]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "hosts").mkdir()
    server = Server(tmp_path, hosts=tmp_path / "hosts")
    key = server.key()
    loop = asyncio.new_event_loop()  # the library runs its calls in the thread's loop
    asyncio.set_event_loop(loop)
    with running(server):
        yield connect(f"{server.base}/MAAS/", apikey=key)
    asyncio.set_event_loop(None)
    loop.close()


def test_what_a_host_is_on(client: Any) -> None:
    client.pods.create(type="simulated", power_address="alpha", name="alpha", power_pass="token")
    (subnet,) = client.subnets.list()
    assert (subnet.name, subnet.cidr, subnet.space, subnet.managed) == ("10.0.0.0/24", "10.0.0.0/24", "undefined", True)
    assert (subnet.gateway_ip, subnet.dns_servers, subnet.rdns_mode) == ("10.0.0.1", ["10.0.0.1"], RDNSMode.RFC2317)
    (space,) = client.spaces.list()
    assert (space.id, space.name, [vlan.vid for vlan in space.vlans]) == (-1, "undefined", [0])
    (fabric,) = client.fabrics.list()
    assert [(vlan.name, vlan.mtu, vlan.dhcp_on) for vlan in fabric.vlans] == [("untagged", 1500, True)]
    assert client.subnets.get(subnet.id).vlan.id == fabric.vlans[0].id


def test_from_the_cradle_to_the_grave(client: Any) -> None:
    fabric = client.fabrics.create(name="floor", description="2nd", class_type="10g")
    vlan = fabric.vlans.create(5, name="storage", mtu=9000)
    assert (vlan.vid, vlan.name, vlan.mtu, vlan.dhcp_on) == (5, "storage", 9000, False)
    space = client.spaces.create(name="dmz")
    subnet = client.subnets.create("10.5.0.0/24", vlan.id, name="five", gateway_ip="10.5.0.1", dns_servers=["9.9.9.9"])
    other = client.subnets.create("10.6.0.0/24", vlan.id)
    assert (subnet.name, subnet.gateway_ip, subnet.dns_servers) == ("five", "10.5.0.1", ["9.9.9.9"])
    subnet.name, subnet.managed = "5", False
    subnet.save()
    found = client.subnets.get(subnet.id)
    assert (found.name, found.managed, found.gateway_ip) == ("5", False, "10.5.0.1")
    inside = next(one for one in client.fabrics.get(fabric.id).vlans if one.vid == 5)
    inside.vid, inside.name = 6, "six"
    inside.save()
    assert [(one.vid, one.name) for one in client.fabrics.get(fabric.id).vlans] == [(0, "untagged"), (6, "six")]
    lease = client.ip_ranges.create("10.5.0.100", "10.5.0.199", type=IPRangeType.DYNAMIC, subnet=subnet, comment="DHCP")
    assert (lease.start_ip, lease.end_ip, lease.type, lease.comment) == (
        "10.5.0.100",
        "10.5.0.199",
        IPRangeType.DYNAMIC,
        "DHCP",
    )
    lease.comment = "leases"
    lease.save()
    assert client.ip_ranges.get(lease.id).comment == "leases"
    route = client.static_routes.create(subnet, other, "10.6.0.1", 3)
    assert (route.gateway_ip, route.metric, route.source.id) == ("10.6.0.1", 3, other.id)
    domain = client.domains.create("lab.example", ttl=300)
    assert (domain.name, domain.ttl, domain.authoritative) == ("lab.example", 300, True)
    with pytest.raises(CallError, match="409"):
        fabric.delete()
    for one in (route, lease, subnet, other, space, domain, fabric):
        one.delete()
    assert (list(client.fabrics.list()), list(client.subnets.list()), list(client.spaces.list())) == ([], [], [])
