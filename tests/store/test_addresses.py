"""Addresses that are taken: never twice, on both databases, however many ask at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest

from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.model.network import Subnet
from innkeeper.store import addresses, fabrics, hosts, ip_ranges, schema, subnets, users, vlans
from innkeeper.store import discovered_networks as discovered
from innkeeper.store.database import Database, Write
from innkeeper.store.secrets import load_key
from tests.kit.networks import HOST, bridge, simulated_host


@dataclass
class Wire:
    """A database with a host, a user and a subnet that is on the host's bridge."""

    database: Database
    subnet: Subnet
    user: int

    def take(self, ip: str) -> str:
        return self.database.transact(addresses.take, ip=ip, subnet_id=self.subnet.id, user_id=self.user)

    def take_free(self) -> str:
        return self.database.transact(addresses.take_free, subnet_id=self.subnet.id, user_id=self.user)

    def taken(self) -> list[str]:
        return [one.ip for one in self.database.ask(addresses.listing)]


@pytest.fixture
def wire(database_url: str, tmp_path: Path) -> Iterator[Wire]:
    database = Database(database_url)
    schema.upgrade(database)
    cipher = load_key(tmp_path / "key")
    database.transact(schema.seed, cipher, domain_name="maas")
    user = database.transact(users.create, username="ann", password="secret")
    host_id = simulated_host(database)
    with database.write() as write:
        discovered.see(write, hosts.find(write.sql, host_id), [bridge("10.0.0.1/29")])
    (subnet,) = database.ask(subnets.listing)
    yield Wire(database=database, subnet=subnet, user=user.id)
    database.close()


def test_the_lowest_free_one_is_given_until_there_is_none(wire: Wire) -> None:
    assert [wire.take_free() for _ in range(5)] == [f"10.0.0.{n}" for n in range(2, 7)]
    with pytest.raises(Conflict, match=r"10\.0\.0\.0/29 has no free address"):
        wire.take_free()
    wire.database.transact(addresses.release, ip="10.0.0.4")
    assert wire.take_free() == "10.0.0.4"


def test_an_address_is_taken_once(wire: Wire) -> None:
    assert wire.take("10.0.0.5") == "10.0.0.5"
    with pytest.raises(Conflict, match=r"10\.0\.0\.5 is taken by ann, who reserved it"):
        wire.take("10.0.0.5")
    found = wire.database.ask(addresses.find, "10.0.0.5")
    assert (found.ip, found.username, found.subnet_id, found.link_id) == ("10.0.0.5", "ann", wire.subnet.id, None)
    wire.database.transact(addresses.release, ip="10.0.0.5")
    with pytest.raises(NotFound):
        wire.database.ask(addresses.find, "10.0.0.5")


@pytest.mark.parametrize("ip", ["10.0.0.0", "10.0.0.7", "10.0.0.8", "fd00::1"])
def test_what_no_machine_can_have(wire: Wire, ip: str) -> None:
    with pytest.raises(Invalid, match=ip.replace(".", r"\.")):
        wire.take(ip)
    assert wire.taken() == []


def test_a_hosts_own_address_is_taken(wire: Wire) -> None:
    with pytest.raises(Conflict, match=rf"10\.0\.0\.1 is taken: br0 of VM host {HOST} has it"):
        wire.take("10.0.0.1")


def test_ranges_are_respected(wire: Wire) -> None:
    make = {"subnet_id": wire.subnet.id, "user_id": wire.user}
    wire.database.transact(ip_ranges.create, kind="reserved", start="10.0.0.2", end="10.0.0.3", **make)
    wire.database.transact(ip_ranges.create, kind="dynamic", start="10.0.0.4", end="10.0.0.5", **make)
    assert wire.take_free() == "10.0.0.6"
    assert wire.take("10.0.0.3") == "10.0.0.3"  # reserved for who asks for it
    with pytest.raises(Invalid, match=r"dynamic range 10\.0\.0\.4 to 10\.0\.0\.5, which DHCP gives"):
        wire.take("10.0.0.4")
    with pytest.raises(Conflict, match=r"meets the reserved range 10\.0\.0\.2 to 10\.0\.0\.3"):
        wire.database.transact(ip_ranges.create, kind="reserved", start="10.0.0.3", end="10.0.0.3", **make)
    with pytest.raises(Conflict, match=r"holds 10\.0\.0\.6, which is taken"):
        wire.database.transact(ip_ranges.create, kind="dynamic", start="10.0.0.6", end="10.0.0.6", **make)


def test_where_others_manage_it_takes_a_reserved_range(wire: Wire) -> None:
    wire.database.transact(subnets.update, id=wire.subnet.id, managed=False)
    with pytest.raises(Conflict, match="Others manage this subnet"):
        wire.take_free()
    reserve = {"subnet_id": wire.subnet.id, "kind": "reserved", "start": "10.0.0.3", "end": "10.0.0.4"}
    wire.database.transact(ip_ranges.create, **reserve)
    assert wire.take_free() == "10.0.0.3"


def test_two_at_once_for_one_address(wire: Wire) -> None:
    """Exactly one has it; the other is told who."""
    for ip in ("10.0.0.3", "10.0.0.4", "10.0.0.5"):
        start = Barrier(4)

        def ask(ip: str = ip, start: Barrier = start) -> str:
            start.wait()
            try:
                return wire.take(ip)
            except Conflict as refused:
                return str(refused)

        with ThreadPoolExecutor(4) as threads:
            told = [one.result() for one in [threads.submit(ask) for _ in range(4)]]
        assert sorted(told) == [ip, *[f"The address {ip} is taken by ann, who reserved it."] * 3]


def test_many_at_once_for_any_address(wire: Wire) -> None:
    start = Barrier(8)

    def ask() -> str:
        start.wait()
        try:
            return wire.take_free()
        except Conflict as refused:
            return str(refused)

    with ThreadPoolExecutor(8) as threads:
        told = sorted(one.result() for one in [threads.submit(ask) for _ in range(8)])
    assert told == [f"10.0.0.{n}" for n in range(2, 7)] + ["The subnet 10.0.0.0/29 has no free address."] * 3
    assert sorted(wire.taken()) == told[:5]


def test_two_hosts_at_once_tell_of_one_network(wire: Wire) -> None:
    """One subnet, on one VLAN, and both are on it."""
    ids = [simulated_host(wire.database, f"host-{n}") for n in range(4)]
    start = Barrier(len(ids))

    def tell(host_id: int) -> None:
        def change(write: Write) -> None:
            discovered.see(write, hosts.find(write.sql, host_id), [bridge("10.7.0.1/24", "fd07::1/64")])

        start.wait()
        wire.database.transact(change)

    with ThreadPoolExecutor(len(ids)) as threads:
        for one in [threads.submit(tell, host_id) for host_id in ids]:
            one.result()
    found = wire.database.ask(subnets.listing)
    assert sorted(one.cidr for one in found) == ["10.0.0.0/29", "10.7.0.0/24", "fd07::/64"]
    assert (len(wire.database.ask(vlans.listing)), len(wire.database.ask(fabrics.listing))) == (2, 2)
