"""What a real LXD is on becomes fabrics, VLANs and subnets, and follows it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.network import HostNetwork
from innkeeper.store import addresses, discovered_networks, host_interfaces, hosts, schema
from innkeeper.store.database import Database
from innkeeper.store.secrets import load_key
from tests.kit.databases import fresh_sqlite
from tests.kit.networks import simulated_host
from tests.live.conftest import Lab

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("clean")]
NAME, FOUR, SIX = "innkeeper-t", "10.93.7.1/24", "fd42:93:7::1/64"


class Kept:
    """A database that keeps the networks of one host."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(fresh_sqlite(directory))
        schema.upgrade(self.database)
        self.database.transact(schema.seed, load_key(directory / "key"), domain_name="maas")
        self.host_id = simulated_host(self.database)

    async def look(self, driver: Lxd) -> dict[str, HostNetwork]:
        told = (await driver.describe()).interfaces
        with self.database.write() as write:
            discovered_networks.see(write, hosts.find(write.sql, self.host_id), told)
        found = self.database.ask(host_interfaces.networks, [self.host_id])[self.host_id]
        return {one.name: one for one in found}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path)
    yield one
    one.database.close()


@pytest.fixture
async def network(lab: Lab) -> AsyncIterator[str]:
    """A managed network that nobody else uses; gone at the end."""
    options = [f"ipv4.address={FOUR}", f"ipv6.address={SIX}", "ipv4.nat=false", "ipv6.nat=false"]
    await lab.lxc("network", "create", NAME, *options)
    yield NAME
    if NAME in {one["name"] for one in json.loads(await lab.lxc("network", "list", "--format", "json"))}:
        await lab.lxc("network", "delete", NAME)


async def test_a_managed_network(lab: Lab, driver: Lxd, kept: Kept, network: str) -> None:
    found = await kept.look(driver)
    one = found[network]
    assert one.vlan is not None
    assert (one.vlan.vid, one.dhcp_on, one.space_name) == (0, True, "undefined")
    assert [(each.cidr, each.gateway_ip, each.dns_servers, each.managed) for each in one.subnets] == [
        ("10.93.7.0/24", "10.93.7.1", ("10.93.7.1",), True),
        ("fd42:93:7::/64", "fd42:93:7::1", ("fd42:93:7::1",), True),
    ]
    with kept.database.write() as write:
        taken = [addresses.take_free(write, subnet_id=each.id) for each in one.subnets]
    assert taken == ["10.93.7.2", "fd42:93:7::2"]
    theirs = json.loads(await lab.lxc("query", f"/1.0/networks/{lab.network}"))["config"]["ipv4.address"]
    gateways = {each.gateway_ip for each in found[lab.network].subnets}
    assert theirs.partition("/")[0] in gateways
    assert found[lab.network].fabric != one.fabric


async def test_it_is_followed(lab: Lab, driver: Lxd, kept: Kept, network: str) -> None:
    before = await kept.look(driver)
    assert await kept.look(driver) == before
    await lab.lxc("network", "set", network, "ipv4.dhcp=false", "ipv6.dhcp=false")
    without = (await kept.look(driver))[network]
    assert (without.id, without.dhcp_on) == (before[network].id, False)
    await lab.lxc("network", "set", network, "ipv4.address=10.93.8.1/24")
    moved = (await kept.look(driver))[network]
    assert moved.fabric == before[network].fabric
    assert [each.cidr for each in moved.subnets] == ["10.93.7.0/24", "fd42:93:7::/64", "10.93.8.0/24"]
    await lab.lxc("network", "delete", network)
    assert network not in await kept.look(driver)
