"""Addresses that are taken: never twice, on both databases, however many ask at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
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

    def take(self, ip: str, of: Subnet | None = None) -> str:
        subnet = of or self.subnet
        return self.database.transact(addresses.take, ip=ip, subnet_id=subnet.id, user_id=self.user)

    def take_free(self, of: Subnet | None = None) -> str:
        subnet = of or self.subnet
        return self.database.transact(addresses.take_free, subnet_id=subnet.id, user_id=self.user)

    def apart(self, kind: str, start: str, end: str, of: Subnet | None = None) -> None:
        subnet = of or self.subnet
        self.database.transact(ip_ranges.create, subnet_id=subnet.id, kind=kind, start=start, end=end)

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


# --- one subnet in another: the /30 of these tests is the upper half of the /29


@pytest.fixture
def inner(wire: Wire) -> Subnet:
    return wire.database.transact(subnets.create, cidr="10.0.0.4/30", vlan_id=wire.subnet.vlan_id)


def test_an_inner_subnets_dynamic_range_is_nobodys(wire: Wire, inner: Subnet) -> None:
    wire.apart("dynamic", "10.0.0.5", "10.0.0.5", inner)
    assert [wire.take_free() for _ in range(4)] == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.6"]
    with pytest.raises(Invalid, match=r"dynamic range 10\.0\.0\.5 to 10\.0\.0\.5, which DHCP gives"):
        wire.take("10.0.0.5")
    with pytest.raises(Conflict, match="no free address"):
        wire.take_free()


def test_nor_is_an_outer_subnets(wire: Wire, inner: Subnet) -> None:
    wire.apart("dynamic", "10.0.0.4", "10.0.0.5")
    assert wire.take_free(inner) == "10.0.0.6"
    with pytest.raises(Invalid, match="which DHCP gives"):
        wire.take("10.0.0.5", inner)


def test_what_is_reserved_in_one_is_not_given_in_the_other(wire: Wire, inner: Subnet) -> None:
    wire.apart("reserved", "10.0.0.5", "10.0.0.5", inner)
    wire.apart("reserved", "10.0.0.2", "10.0.0.2")
    assert wire.take_free() == "10.0.0.3"
    wire.database.transact(subnets.update, id=wire.subnet.id, managed=False)  # then only of its own range
    assert wire.take_free() == "10.0.0.2"
    with pytest.raises(Conflict, match="no free address"):
        wire.take_free()
    assert wire.take("10.0.0.5") == "10.0.0.5"  # reserved for who asks for it


def test_the_gateway_of_one_is_not_given_in_the_other(wire: Wire, inner: Subnet) -> None:
    dns = ("10.0.0.4", "10.0.0.6")
    wire.database.transact(subnets.update, id=inner.id, gateway_ip="10.0.0.5", dns_servers=dns)
    assert [wire.take_free() for _ in range(2)] == ["10.0.0.2", "10.0.0.3"]
    with pytest.raises(Conflict, match="no free address"):
        wire.take_free()


def test_what_is_taken_in_one_is_taken_in_the_other(wire: Wire, inner: Subnet) -> None:
    wire.take("10.0.0.5")
    with pytest.raises(Conflict, match=r"10\.0\.0\.5 is taken by ann"):
        wire.take("10.0.0.5", inner)
    assert wire.take_free(inner) == "10.0.0.6"
    assert [wire.take_free() for _ in range(3)] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]


def test_a_hosts_own_address_is_taken_in_an_inner_subnet_of_another_vlan(wire: Wire) -> None:
    fabric = wire.database.transact(fabrics.create)
    elsewhere = wire.database.transact(vlans.create, fabric_id=fabric.id, vid=5)
    inner = wire.database.transact(subnets.create, cidr="10.0.0.0/30", vlan_id=elsewhere.id)
    with pytest.raises(Conflict, match=rf"10\.0\.0\.1 is taken: br0 of VM host {HOST} has it"):
        wire.take("10.0.0.1", inner)
    assert wire.take_free(inner) == "10.0.0.2"


def test_a_range_meets_those_of_the_other(wire: Wire, inner: Subnet) -> None:
    """Another range, and addresses that are taken, in both directions."""
    wire.apart("reserved", "10.0.0.6", "10.0.0.6", inner)
    with pytest.raises(Conflict, match=r"meets the reserved range 10\.0\.0\.6 .* of 10\.0\.0\.4/30"):
        wire.apart("dynamic", "10.0.0.2", "10.0.0.6")
    wire.take("10.0.0.5", inner)
    with pytest.raises(Conflict, match=r"holds 10\.0\.0\.5, which is taken"):
        wire.apart("dynamic", "10.0.0.2", "10.0.0.5")
    wire.take("10.0.0.4")
    with pytest.raises(Conflict, match=r"holds 10\.0\.0\.4, which is taken"):
        wire.apart("dynamic", "10.0.0.4", "10.0.0.4", inner)


@pytest.mark.parametrize("inside", [False, True], ids=["range outside", "range inside"])
def test_an_address_and_a_range_at_once(wire: Wire, inner: Subnet, inside: bool) -> None:
    """Whoever comes second sees the first, though that one has not committed."""
    of_range, of_address = (inner.id, wire.subnet.id) if inside else (wire.subnet.id, inner.id)

    def apart(write: Write, ip: str) -> None:
        ip_ranges.create(write, subnet_id=of_range, kind="dynamic", start=ip, end=ip)

    def take(write: Write, ip: str) -> None:
        addresses.take(write, ip=ip, subnet_id=of_address, user_id=wire.user)

    def take_any(write: Write, _: str) -> None:
        addresses.take_free(write, subnet_id=of_address, user_id=wire.user)

    def second(*, first: Callable[[Write, str], None], then: Callable[[Write, str], None], ip: str) -> str:
        with ThreadPoolExecutor(1) as threads:
            with wire.database.write() as write:
                first(write, ip)
                later = threads.submit(wire.database.transact, then, ip)
                wait([later], timeout=0.5)
            return str(later.exception())

    assert "10.0.0.5, which is taken" in second(first=take, then=apart, ip="10.0.0.5")
    assert "10.0.0.6, which DHCP gives" in second(first=apart, then=take, ip="10.0.0.6")
    if not inside:
        wire.database.transact(addresses.release, ip="10.0.0.5")
        assert "10.0.0.4/30 has no free address" in second(first=apart, then=take_any, ip="10.0.0.5")
    assert "10.0.0.6" not in wire.taken()
