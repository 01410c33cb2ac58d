"""What lists of tags, networks, images, users and browsers show of their rows, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.host import HostInterface
from innkeeper.model.image import Kind
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.store import (
    addresses,
    counts,
    fabrics,
    host_images,
    host_interfaces,
    hosts,
    images,
    interfaces,
    ip_ranges,
    machines,
    schema,
    sessions,
    subnet_use,
    subnets,
    tag_counts,
    user_pages,
    users,
    vlan_users,
    vlans,
)
from innkeeper.store.database import Database, Write
from innkeeper.store.secrets import load_key
from innkeeper.store.tag_counts import Carried
from innkeeper.store.vlan_users import Count
from tests.kit.networks import simulated_host


def _machine(write: Write, number: int, *, owner_id: int | None, tags: str, origin: Origin, vlan_id: int) -> None:
    machines.insert(
        write,
        system_id=f"id{number}",
        hostname=f"m{number}",
        domain_id=0,
        zone_id=1,
        pool_id=0,
        origin=origin,
        status=int(Status.READY),
        architecture="amd64/generic",
        cores=1,
        memory=1024,
        owner_id=owner_id,
        power_state=PowerState.OFF,
        tags_json=tags,
    )
    nic = {"position": 0, "name": "eth0", "mac": f"52:54:00:00:00:0{number}", "attach": "bridge", "parent": "br0"}
    interfaces.insert(write, system_id=f"id{number}", **nic, vlan_id=vlan_id)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    one = Database(database_url)
    schema.upgrade(one)
    one.transact(schema.seed, load_key(tmp_path / "key"), domain_name="maas")
    yield one
    one.close()


@pytest.fixture
def ann(database: Database) -> int:
    return database.transact(users.create, username="ann", password="secret").id


@pytest.fixture
def vlan_id(database: Database, ann: int) -> int:
    """A VLAN with a host's interface and three machines on it; two of them are of nobody, one is a device."""

    def fill(write: Write) -> int:
        on = vlans.in_fabric(write.sql, fabrics.create(write, name="left").id)[0].id
        _machine(write, 1, owner_id=None, tags='["gpu"]', origin=Origin.COMPOSED, vlan_id=on)
        _machine(write, 2, owner_id=ann, tags='["gpu","Gpu"]', origin=Origin.ADOPTED, vlan_id=on)
        _machine(write, 3, owner_id=None, tags='["gpu"]', origin=Origin.DEVICE, vlan_id=on)
        return on

    on = database.transact(fill)
    host_id = simulated_host(database)
    told = HostInterface(name="br0", kind="bridge", managed=True, addresses=("10.1.0.1/24",), subnets=("10.1.0.0/24",))
    database.transact(host_interfaces.insert, host_id=host_id, told=told, vlan_id=on)
    return on


def test_tags_are_counted_by_their_very_letters(database: Database, vlan_id: int) -> None:
    assert database.ask(tag_counts.counted) == {
        "gpu": Carried(machines=2, devices=1),
        "Gpu": Carried(machines=1, devices=0),
    }
    assert database.ask(tag_counts.counted, seen_by=0) == {"gpu": Carried(machines=1, devices=1)}


def test_a_host_is_counted_the_machines_that_one_sees(database: Database, vlan_id: int, ann: int) -> None:
    def place(write: Write) -> int:
        (host_id,) = (one.id for one in hosts.listing(write.sql))
        for number in (1, 2):
            machines.update(write, f"id{number}", host_id=host_id)
        return host_id

    host_id = database.transact(place)
    assert database.ask(counts.on_hosts)[host_id] == 2
    assert database.ask(counts.on_hosts, seen_by=ann)[host_id] == 2
    assert database.ask(counts.on_hosts, seen_by=0)[host_id] == 1


def test_who_is_on_a_vlan(database: Database, vlan_id: int, ann: int) -> None:
    assert database.ask(vlan_users.counted)[vlan_id] == Count(hosts=1, machines=2)
    (one,) = database.ask(vlan_users.hosts_on, vlan_id)
    assert (one.host, one.interface, one.addresses) == ("alpha", "br0", ("10.1.0.1/24",))
    found, total = database.ask(vlan_users.machines_on, vlan_id, limit=1)
    assert ([each.hostname for each in found], total) == (["m1"], 2)
    found, total = database.ask(vlan_users.machines_on, vlan_id, limit=9, seen_by=ann)
    assert ([each.hostname for each in found], total) == (["m1", "m2"], 2)
    found, total = database.ask(vlan_users.machines_on, vlan_id, limit=9, seen_by=0)
    assert ([each.hostname for each in found], total) == (["m1"], 1)


def test_users_that_are_too_many_are_named_and_told_to_be_more(database: Database, vlan_id: int, ann: int) -> None:
    def fill(write: Write) -> int:
        for number in range(4, 7):
            _machine(write, number, owner_id=ann, tags="[]", origin=Origin.COMPOSED, vlan_id=vlan_id)
        made = [subnets.create(write, cidr=f"10.1.{number}.0/24", vlan_id=vlan_id).id for number in range(6)]
        for number in range(2, 8):
            addresses.take(write, ip=f"10.1.0.{number}", subnet_id=made[0], user_id=ann)
        return made[0]

    subnet_id = database.transact(fill)
    on = database.ask(vlans.users, vlan_id)
    for words in (
        "subnet 10.1.4.0/24, more subnets, br0 of VM host",
        "eth0 of machine m5, more interfaces of machines",
    ):
        assert words in on
    assert database.ask(fabrics.users, database.ask(vlans.find, vlan_id).fabric_id).endswith(on)
    taken = database.ask(subnets.users, subnet_id)
    assert taken.endswith("the reserved address 10.1.0.6, more reserved addresses")


def test_all_subnets_are_as_full_as_each(database: Database, vlan_id: int, ann: int) -> None:
    def fill(write: Write) -> None:
        one = subnets.create(write, cidr="10.1.0.0/24", vlan_id=vlan_id, gateway_ip="10.1.0.1")
        wide = subnets.create(write, cidr="fd00::/64", vlan_id=vlan_id)
        addresses.take(write, ip="10.1.0.9", subnet_id=one.id, user_id=ann)
        addresses.take(write, ip="fd00::9", subnet_id=wide.id, user_id=ann)
        ip_ranges.create(write, subnet_id=one.id, kind="reserved", start="10.1.0.9", end="10.1.0.18")
        subnets.create(write, cidr="10.0.0.0/8", vlan_id=elsewhere, dns_servers=("10.1.0.17", "10.1.0.30"))
        inner = subnets.create(write, cidr="10.1.0.16/28", vlan_id=elsewhere, gateway_ip="10.1.0.29")
        addresses.take(write, ip="10.1.0.20", subnet_id=inner.id, user_id=ann)
        subnets.create(write, cidr="10.2.0.0/24", vlan_id=elsewhere)

    elsewhere = database.transact(fabrics.create, name="right").id
    elsewhere = database.ask(vlans.in_fabric, elsewhere)[0].id
    database.transact(fill)
    found = database.ask(subnets.listing)
    every = database.ask(subnet_use.of_all, found)
    for one in found:
        around = database.ask(subnets.overlapping, one)
        assert every[one.id] == database.ask(subnet_use.of_one, one, around), one.cidr
    used = {one.cidr: (every[one.id].used, every[one.id].total) for one in found}
    assert used == {
        "10.1.0.0/24": (14, 254),  # its own 11, the gateway and an address of the one in it, a DNS server of the wide
        "fd00::/64": (1, 2**64 - 1),
        "10.0.0.0/8": (14, 2**24 - 2),
        "10.1.0.16/28": (5, 14),  # .17 and .18 are of the range around it
        "10.2.0.0/24": (0, 254),
    }


def test_domains_count_machines_and_no_devices(database: Database, vlan_id: int) -> None:
    assert database.ask(counts.in_domains) == {0: 2}


def test_which_hosts_have_an_image(database: Database) -> None:
    host_id = simulated_host(database)
    image = database.transact(images.add, name="custom/a", architecture="amd64/generic", kind=Kind.UPLOADED)
    fingerprint = "f" * 64
    database.transact(host_images.take_turn, host_id, image.id, fingerprint=fingerprint, operation_id="o1")
    (one,) = database.ask(host_images.everywhere)[image.id]
    assert (one.host, one.pushed, one.pusher) == ("alpha", False, "o1")
    database.transact(host_images.pushed, host_id, image.id, fingerprint=fingerprint, operation_id="o1")
    (one,) = database.ask(host_images.everywhere)[image.id]
    assert (one.pushed, one.fingerprint) == (True, fingerprint)


def test_users_with_what_is_theirs(database: Database, vlan_id: int, ann: int, tmp_path: Path) -> None:
    cipher = load_key(tmp_path / "key")
    made = database.transact(users.add_key, cipher, username="ann", name="juju")
    (row,) = database.ask(user_pages.listing)
    assert (row.user.username, row.machines, row.keys, row.ssh_keys, row.seen) == ("ann", 1, 1, 0, None)
    (key,) = database.ask(user_pages.keys, ann)
    assert (key.name, key.token) == ("juju", made.token)
    assert made.secret not in str(key)
    database.transact(sessions.create, user_id=ann, address="192.0.2.7", agent="a browser")
    assert database.ask(user_pages.listing)[0].seen is not None


def test_an_administrator_is_left(database: Database, ann: int) -> None:
    one = database.transact(users.update, id=ann, email="a@x.example", is_admin=True)
    assert (one.is_admin, one.email) == (True, "a@x.example")
    with pytest.raises(Conflict):
        database.transact(users.update, id=ann, email="", is_admin=False)
    database.transact(users.create, username="bob", password="secret", is_admin=True)
    assert database.transact(users.update, id=ann, email="", is_admin=False).is_admin is False


def test_browsers_of_a_user(database: Database, ann: int) -> None:
    first, second = [
        database.transact(sessions.create, user_id=ann, address=f"192.0.2.{number}", agent="x") for number in (1, 2)
    ]
    found = database.ask(sessions.of_user, user_id=ann, token=second)
    assert {(one.address, one.here) for one in found} == {("192.0.2.1", False), ("192.0.2.2", True)}
    other = next(one for one in found if not one.here)
    with pytest.raises(NotFound):
        database.transact(sessions.end, user_id=ann + 1, digest=other.digest)
    database.transact(sessions.end, user_id=ann, digest=other.digest)
    assert database.ask(sessions.user, first) is None
    assert database.ask(sessions.user, second) is not None
