"""What a compose takes, and what it refuses by name."""

from __future__ import annotations

from typing import Any

import pytest

from innkeeper.model.host import HostInterface
from tests.api.facts import asked, composed, place, vm
from tests.api.wired import subnet_of, wired
from tests.kit.house import Inn

GB = 10**9


def plain(machine: dict[str, Any]) -> list[tuple[str, int, str, list[str]]]:
    return [(d["name"], d["size"], d["storage_pool"], d["tags"]) for d in machine["blockdevice_set"]]


async def test_defaults(house: Inn) -> None:
    one = await composed(house, await house.add_host())
    assert (one["cpu_count"], one["memory"], plain(one)) == (1, 2048, [("sda", 8 * GB, "default", [])])
    assert [(nic["name"], nic["attachment"]) for nic in one["interface_set"]] == [
        ("eth0", {"type": "network", "host_interface": "br0", "mode": None, "vlan": 0})
    ]
    assert (one["architecture"], one["domain"]["id"], one["zone"]["id"], one["pool"]["id"]) == (
        "amd64/generic",
        0,
        1,
        0,
    )


async def test_everything_that_can_be_said(house: Inn) -> None:
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "fast": 10**12}))
    office = HostInterface(name="br1", kind="bridge", subnets=("10.1.0.0/24",), addresses=("10.1.0.1/24",))
    house.change("alpha", lambda world: world.interfaces.append(office))
    await house.admin.post("zones/", name="north")
    pool = await house.admin.post("resourcepools/", name="build")
    id = await house.add_host()
    one = await composed(
        house,
        id,
        cores=3,
        memory=3000,
        hugepages_backed="false",
        architecture="amd64",
        cpu_speed=2000,
        hostname="Web1",
        domain=0,
        zone="north",
        pool=pool["id"],
        storage="root:20(fast,ssd),data:7.5,30(slow)",
        interfaces="wan:name=br0;1:subnet_cidr=10.1.0.0/24;lan:not_subnet=10.0.0.0/24",
        skip_commissioning="true",
    )
    assert (one["hostname"], one["fqdn"], one["cpu_count"], one["memory"]) == ("web1", "web1.maas", 3, 3000)
    assert (one["zone"]["name"], one["pool"]["id"]) == ("north", pool["id"])
    assert plain(one) == [
        ("sda", 20 * GB, "fast", ["ssd"]),
        ("sdb", 7_500_000_000, "default", []),
        ("sdc", 30 * GB, "default", ["slow"]),
    ]
    assert [d["storage_pool_reason"] for d in one["blockdevice_set"]] == [
        "the tag fast names it",
        "it is the host's default pool",
        "it is the host's default pool",
    ]
    assert [nic["name"] for nic in one["interface_set"]] == ["wan", "eth1", "lan"]
    made = house.see("alpha").instances["default/web1"]
    assert (made.cores, made.memory, len(made.disks), len(made.interfaces)) == (3, 3000, 3, 3)


async def test_id_0_and_names_of_pools_and_domains(house: Inn) -> None:
    id = await house.add_host()
    for pool, domain, zone in (("0", "0", "1"), ("default", "maas", "default")):
        one = await composed(house, id, pool=pool, domain=domain, zone=zone)
        assert (one["pool"]["id"], one["domain"]["name"], one["zone"]["id"]) == (0, "maas", 1)


async def test_any_number_of_disks(house: Inn) -> None:
    """Named as Linux counts them, also beyond z."""
    one = await composed(house, await house.add_host(), storage=",".join(["1"] * 60))
    names = [disk["name"] for disk in one["blockdevice_set"]]
    assert (names[25], names[26], names[51], names[52], names[59]) == ("sdz", "sdaa", "sdaz", "sdba", "sdbh")
    assert len(house.see("alpha").volumes) == 59


@pytest.mark.parametrize(
    ("storage", "sizes"),
    [
        ("20", [20]),
        ("root:48,data1:16,data2:16,data3:16", [48, 16, 16, 16]),
        ("label:3,label:5", [3, 5]),  # Ansible sends the same label twice
        ("1:40(default)", [40]),
        ("main:16(default),longhorn-disk:20,disk_1:20", [16, 20, 20]),
    ],
)
async def test_S01_storage_as_users_write_it(house: Inn, storage: str, sizes: list[int]) -> None:
    one = await composed(house, await house.add_host(), storage=storage)
    assert [disk["size"] for disk in one["blockdevice_set"]] == [size * GB for size in sizes]


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("S14", {"memory": "8G", "disks": "1:size=20G"}, "disks", "unknown parameter"),
    ("S14", {"memory": "8G", "disks": "1:size=20G"}, "memory", "not a whole number"),
    ("S14", {"disk": "1:size=20"}, "disk", "unknown parameter"),
    ("S15", {"pinned_cores": 999}, "", "core 999 does not exist"),
    ("S15", {"pinned_cores": 1, "cores": 4}, "cores", "do not agree"),
    ("S15", {"pinned_cores": [1, 1]}, "pinned_cores", "twice"),
    ("S19", {"hostname": "a_b"}, "hostname", "letters, digits and inner hyphens"),
    ("S19", {"hostname": "-x"}, "hostname", "letters, digits and inner hyphens"),
    ("S19", {"hostname": "x-"}, "hostname", "letters, digits and inner hyphens"),
    ("S19", {"hostname": "666"}, "hostname", "not digits alone"),
    ("S19", {"hostname": "münchen"}, "hostname", "ASCII"),
    ("S19", {"hostname": "x" * 64}, "hostname", "1 to 63"),
    ("S19", {"hostname": "taken"}, "hostname", "there is a machine named 'taken' already"),
    ("S21", {"cores": 0}, "cores", "at least 1"),
    ("S21", {"cores": -1}, "cores", "at least 1"),
    ("S21", {"cores": "four"}, "cores", "not a whole number"),
    ("S21", {"cores": 1000000000}, "cores", "at most"),
    ("S21", {"memory": 512}, "memory", "at least 1024"),
    ("S22", {"domain": "unknown"}, "domain", "no domain 'unknown'"),
    ("S02", {"storage": "0:8()"}, "storage", "'0:8()'"),
    ("S02", {"storage": "20GB"}, "storage", "'20GB'"),
    ("S02", {"storage": "root:8,,data:4"}, "storage", "''"),
    ("S02", {"storage": "8,"}, "storage", "''"),
    ("S13", {"interfaces": "eth0:colour=red"}, "interfaces", "unknown key 'colour'"),
    ("S13", {"interfaces": "eth0:"}, "interfaces", "eth0"),
    ("S13", {"interfaces": "eth0:name=br0;eth0:name=br0"}, "interfaces", "twice"),
    ("S09", {"interfaces": "eth0:space=dmz,vlan=5"}, "interfaces", "there is no such space"),
    ("S10", {"interfaces": "eth0:ip=10.9.0.5"}, "interfaces", "no subnet that is known holds it"),
    ("", {"interfaces": "eth0:vid=9"}, "interfaces", "eth0: no VLAN that is known is all of vid=9"),
    (
        "",
        {"interfaces": "a:vid=0;b:subnet=10.0.0.0/24,vid=9"},
        "interfaces",
        "b: no VLAN that is known is all of subnet",
    ),
    (
        "",
        {"interfaces": "eth0:ip=10.0.0.9,not_vid=0"},
        "interfaces",
        "is all of not_vid=0 and ip=10.0.0.9 (10.0.0.0/24)",
    ),
    ("", {"zone": "nowhere"}, "zone", "no zone"),
    ("", {"zone": "9" * 40}, "zone", "no zone"),
    ("", {"pool": "-1"}, "pool", "no resource pool"),
    ("", {"hugepages_backed": "perhaps"}, "hugepages_backed", "neither true nor false"),
    ("", {"cores": [1, 2]}, "cores", "2 times"),
    ("", {"Cores": 2}, "Cores", "did you mean cores?"),
]


@pytest.mark.parametrize(("case", "fields", "field", "says"), REFUSED, ids=[f"{c} {f}"[:60] for c, f, *_ in REFUSED])
async def test_refused_by_name_before_any_call(
    house: Inn, case: str, fields: dict[str, Any], field: str, says: str
) -> None:
    id = await house.add_host()
    place(house, "alpha", vm("taken"))
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    calls, before = asked(house, "alpha"), await house.admin.get("machines/")
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", **fields)
    assert answer.status_code == 400, answer.text
    text = answer.json()[field][0] if field else answer.text
    assert says in text
    assert asked(house, "alpha") == calls
    assert await house.admin.get("machines/") == before


LACKING: list[tuple[dict[str, Any], str]] = [
    ({"interfaces": "eth0:space=dmz"}, "no interface with space=dmz for eth0; it has br0"),
    ({"interfaces": "eth0:space=dmz", "cores": 99}, "no interface with space=dmz for eth0; it has br0"),
    ({"interfaces": "eth0:fabric=fabric-2"}, "no interface with fabric=fabric-2 for eth0"),
    ({"interfaces": "eth0:name=eth9"}, "no interface with name=eth9"),
    ({"interfaces": "eth0:not_hostname=alpha"}, "no interface with not_hostname=alpha"),
    ({"interfaces": "a:name=br0;b:name=br0"}, "b could only be on br0, where another NIC of the machine is"),
    ({"architecture": "arm64/generic"}, "architecture arm64/generic is not offered"),
    ({"cpu_speed": 9000}, "cpu_speed 9000 MHz is more than its 2000 MHz"),
]


async def test_what_another_host_may_have_sends_the_caller_on_to_it(house: Inn) -> None:
    """Juju asks host after host: 409 means the next one, 400 the end."""
    other, id = await wired(house, "beta"), await house.add_host()
    dmz = await house.admin.post("spaces/", name="dmz")
    office = await subnet_of(house, "10.1.0.0/24")
    await house.admin.put(f"vlans/{office['vlan']['id']}/", space=dmz["id"])
    calls = asked(house, "alpha")
    for fields, says in LACKING:
        answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", **fields)
        assert (answer.status_code, says in answer.text) == (409, True), answer.text
    assert asked(house, "alpha") == calls
    assert await composed(house, other, interfaces="0:space=dmz")


async def test_S15_pinned_cores(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id, hostname="one", pinned_cores=[2, 1])
    two = await composed(house, id, hostname="two", pinned_cores=3)
    three = await composed(house, id, hostname="three", pinned_cores=[4, 5], cores=2)
    assert [(m["pinned_cores"], m["cpu_count"]) for m in (one, two, three)] == [([1, 2], 2), ([3], 1), ([4, 5], 2)]
    assert house.see("alpha").instances["default/one"].pinned == (1, 2)
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", pinned_cores=1)
    assert (answer.status_code, "pinned core 1 is held by one" in answer.text) == (409, True)


async def test_S22_an_empty_hostname_is_made_up(house: Inn) -> None:
    one = await composed(house, await house.add_host(), hostname="", domain="")
    assert "-" in one["hostname"]


@pytest.mark.parametrize(
    ("ratio", "fields", "says"),
    [
        ("1", {"cores": 17}, "cores: asked 17 cores, free 16 cores; limit 16 = 16 × overcommit ratio 1"),
        ("0.5", {"cores": 9}, "cores: asked 9 cores, free 8 cores; limit 8 = 16 × overcommit ratio 0.5"),
        ("0", {}, "cores: asked 1 cores, free 0 cores; limit 0 = 16 × overcommit ratio 0"),
        ("1", {"memory": 65537}, "memory: asked 65537 MiB, free 65536 MiB; limit 65536 = 65536 × overcommit ratio 1"),
        ("1", {"storage": "600,600"}, "storage pool default: asked 1200000000000 bytes, free 1000000000000 bytes"),
        ("1", {"hugepages_backed": "true"}, "huge pages: asked 2048 MiB, free 0 MiB"),
    ],
)
async def test_O07_over_a_limit(house: Inn, ratio: str, fields: dict[str, Any], says: str) -> None:
    """409, so that Juju tries its next host; O03: a ratio of 0 stops composing."""
    id = await house.add_host(cpu_over_commit_ratio=ratio)
    calls = asked(house, "alpha")
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", **fields)
    assert answer.status_code == 409
    assert says in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert "retry-after" not in answer.headers
    assert asked(house, "alpha") == calls


async def test_O03_a_ratio_of_10(house: Inn) -> None:
    id = await house.add_host(cpu_over_commit_ratio="10")
    one = await composed(house, id, cores=160)
    assert one["cpu_count"] == 160
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose")
    assert (answer.status_code, "free 0 cores" in answer.text) == (409, True)
