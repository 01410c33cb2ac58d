"""Composing: what is taken, what is refused and how, and what the caller is told when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from innkeeper.hypervisors.simulated import Fault
from tests.api.facts import asked, audits, cursor, live, place, vm
from tests.kit.house import Inn, inn
from tests.kit.until import until

GB = 10**9


async def composed(house: Inn, id: int, **fields: Any) -> dict[str, Any]:
    """The machine that a compose makes."""
    system_id = await house.admin.compose(id, **fields)
    found: dict[str, Any] = await house.admin.get(f"machines/{system_id}/")
    return found


def plain(machine: dict[str, Any]) -> list[tuple[str, int, str, list[str]]]:
    return [(d["name"], d["size"], d["storage_pool"], d["tags"]) for d in machine["blockdevice_set"]]


async def test_defaults(house: Inn) -> None:
    one = await composed(house, await house.add_host())
    assert (one["cpu_count"], one["memory"], plain(one)) == (1, 2048, [("sda", 8 * GB, "default", [])])
    assert [(nic["name"], nic["attachment"]) for nic in one["interface_set"]] == [
        ("eth0", {"type": "network", "host_interface": "br0"})
    ]
    assert (one["architecture"], one["domain"]["id"], one["zone"]["id"], one["pool"]["id"]) == (
        "amd64/generic",
        0,
        1,
        0,
    )


async def test_the_answer(house: Inn) -> None:
    """It comes when the VM exists on the host."""
    id = await house.add_host()
    made = await house.admin.post(f"pods/{id}/", op="compose", hostname="web1")
    assert made == {
        "system_id": made["system_id"],
        "resource_uri": f"/MAAS/api/2.0/machines/{made['system_id']}/",
    }
    assert list(house.see("alpha").instances) == ["default/web1"]
    assert (await house.admin.get(made["resource_uri"]))["status_name"] == "Ready"


async def test_everything_that_can_be_said(house: Inn) -> None:
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "fast": 10**12}))
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
        interfaces="wan:name=br0;1:subnet_cidr=10.0.0.0/24;lan:subnet=10.0.0.0/24",
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
    ("part 2", {"interfaces": "eth0:space=dmz,vlan=5"}, "interfaces", "'space' is not supported yet"),
    ("part 2", {"interfaces": "eth0:ip=10.0.0.5"}, "interfaces", "'ip' is not supported yet"),
    ("", {"interfaces": "eth0:name=eth9"}, "", "no interface with name eth9"),
    ("", {"architecture": "arm64/generic"}, "", "architecture arm64/generic is not offered"),
    ("", {"cpu_speed": 9000}, "", "cpu_speed 9000 MHz is more than its 2000 MHz"),
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


async def test_an_instance_or_volume_of_that_name_that_is_not_ours(house: Inn) -> None:
    from innkeeper.model.host import Volume

    id = await house.add_host(project="guests")
    volume = Volume(name="kept", kind="virtual-machine", project="guests", size=GB)
    house.change("alpha", lambda world: world.volumes.update({"default/guests/kept": volume}))
    place(house, "alpha", vm("My_VM", project="guests"), vm("theirs"))
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    calls = asked(house, "alpha")
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="kept")
    assert answer.status_code == 409
    assert "'kept'" in answer.text
    assert "VM host alpha, project guests" in answer.text
    assert asked(house, "alpha") == calls
    assert (await composed(house, id, hostname="theirs"))["status_name"] == "Ready"  # that one is another project's


async def test_an_instance_made_behind_our_back_and_not_seen_yet(house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)
    house.change("alpha", lambda world: world.instances.update({"default/web1": vm("web1")}))  # no event: not seen
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", storage="8,8")
    assert answer.status_code in (409, 503)
    assert "web1" in answer.text
    world = house.see("alpha")
    assert list(world.instances) == ["default/web1"]
    assert world.instances["default/web1"].tag("machine") == ""
    assert world.volumes == {}


async def test_a_host_that_is_down(house: Inn) -> None:
    """503 without Retry-After, after undo: no machine, no claim, nothing on the host."""
    id = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "up", False))
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1")
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    assert "retry-after" not in answer.headers
    assert await house.admin.get("machines/", hostname="web1") == []
    one = await house.admin.get(f"vm-hosts/{id}/")
    assert one["limits"]["cores"]["claimed"] == 0
    house.change("alpha", lambda world: setattr(world, "up", True))
    assert house.see("alpha").instances == {}


@pytest.mark.parametrize("call", ["create_volume", "create"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_the_host_refuses_is_undone(house: Inn, call: str, when: str) -> None:
    id = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call=call, kind="refuse", when=when)))
    answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", storage="8,8")
    assert (answer.status_code, "a fault on demand" in answer.text) == (503, True)  # the host's own words
    assert await house.admin.get("machines/", hostname="web1") == []
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert (await composed(house, id, hostname="web1", storage="8,8"))["hostname"] == "web1"


async def test_only_commissioning_is_seen_before_ready(tmp_path: Path) -> None:
    """Never New: Terraform gives up on any state it does not know. And a compose that takes long answers 200."""
    async with inn(tmp_path, compose_wait=0.3) as house:
        id = await house.add_host()
        house.change("alpha", lambda world: setattr(world, "create_seconds", 1.5))
        seen: list[tuple[str, int]] = []

        async def watch() -> None:
            while True:
                for one in await house.admin.get("machines/", hostname="web1"):
                    if not seen or seen[-1] != (one["status_name"], one["status"]):
                        seen.append((one["status_name"], one["status"]))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        system_id = await house.admin.compose(id, hostname="web1")
        during = await house.admin.get(f"machines/{system_id}/")
        assert during["status_name"] == "Commissioning"
        assert during["power_state"] == "off"
        # Juju tags it at once, and the tags stay.
        await house.admin.post(f"machines/{system_id}/", op="set_owner_data", **{"juju-composed": "true"})

        async def ready() -> bool:
            return (await house.admin.get(f"machines/{system_id}/"))["status_name"] == "Ready"

        await until(ready)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert [name for name, _ in seen][:2] in (["Commissioning"], ["Commissioning", "Ready"])
        assert {name for name, _ in seen} <= {"Commissioning", "Ready"}
        assert (await house.admin.get(f"machines/{system_id}/"))["owner_data"] == {"juju-composed": "true"}


async def test_a_failure_after_the_answer_shows_with_its_reason(tmp_path: Path) -> None:
    async with inn(tmp_path, compose_wait=0.2) as house:
        id = await house.add_host()
        faults = [Fault(call="create", kind="delay", seconds=1.0), Fault(call="instance", kind="refuse", name="web1")]
        house.change("alpha", lambda world: world.faults.extend(faults))
        system_id = await house.admin.compose(id, hostname="web1")

        async def failed() -> dict[str, Any] | None:
            one: dict[str, Any] = await house.admin.get(f"machines/{system_id}/")
            return one if one["status_name"] == "Failed commissioning" else None

        one = await until(failed)
        assert one is not None
        assert "a fault on demand" in one["status_message"]
        assert one["error_description"] == one["status_message"]
        assert (await house.admin.get(f"vm-hosts/{id}/"))["limits"]["cores"]["claimed"] == 0
        assert house.see("alpha").instances == {}
        await house.admin.call("DELETE", f"machines/{system_id}/")  # the answer may be that it takes its time

        async def gone() -> bool:
            return await house.admin.get("machines/", hostname="web1") == []

        await until(gone)


async def test_a_difference_in_what_was_made_refuses_the_vm(house: Inn) -> None:
    """Read back: here somebody halves the memory between the create and the look."""
    from dataclasses import replace

    id = await house.add_host()
    house.change("alpha", lambda world: world.faults.append(Fault(call="instance", kind="delay", seconds=0.6)))
    asking = asyncio.create_task(
        house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", memory=4096)
    )

    async def there() -> bool:
        return "default/web1" in house.see("alpha").instances

    await until(there)

    def halve(world: Any) -> None:
        world.instances["default/web1"] = replace(world.instances["default/web1"], memory=2048)

    house.change("alpha", halve)
    answer = await asking
    assert answer.status_code == 503
    assert "memory (MiB): asked 4096, made 2048" in answer.text
    assert house.see("alpha").instances == {}


async def test_K01_jukus_conversation(house: Inn) -> None:
    """Juju 2026: list vm-hosts, compose with zone=<id> and pool=<name>, read the machine, poll by id, tag, delete."""
    await house.add_host()
    [one] = await house.admin.get("vm-hosts/")
    assert all(one[name] for name in ("resource_uri", "id", "name", "type", "zone", "pool"))
    made = await house.admin.post(
        f"vm-hosts/{one['id']}/",
        op="compose",
        hostname="juju-1",
        cores=2,
        memory=4096,
        storage="root:16",
        interfaces="0:name=br0",
        zone=one["zone"]["id"],
        pool=one["pool"]["name"],
    )
    system_id = made["system_id"]
    await house.admin.post(f"machines/{system_id}/", op="set_owner_data", **{"juju-composed": "true"})
    [polled] = await house.admin.get("machines/", id=[system_id])
    assert (polled["status_name"], polled["owner_data"]) == ("Ready", {"juju-composed": "true"})
    await house.admin.delete(f"machines/{system_id}/")
    assert await house.admin.get("machines/", id=[system_id]) == []


async def test_K04_terraform_converges_to_nothing(house: Inn) -> None:
    made = await house.admin.post("pods/", op="", type="simulated", power_address="alpha", name="alpha")
    host = made["host"]["system_id"]
    await house.admin.put(f"pods/{made['id']}/", type="simulated", power_address="alpha", name="alpha")
    vm_ = await house.admin.post(f"pods/{made['id']}/", op="compose", cores=1, memory=2048, storage="disk0:8(default)")
    put = {"hostname": "tf-1", "domain": "maas", "zone": "default", "pool": "default"}
    first = await house.admin.put(f"machines/{vm_['system_id']}/", **put)
    start = await cursor(house.admin)
    assert await house.admin.put(f"machines/{vm_['system_id']}/", **put) == first
    assert await audits(house.admin, after=start) == []
    await house.admin.delete(f"machines/{vm_['system_id']}/")
    await house.admin.delete(f"pods/{made['id']}/")
    assert (await house.admin.call("GET", f"machines/{host}/")).status_code == 404
    assert (await house.admin.get("pods/"), await house.admin.get("machines/")) == ([], [])
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})


async def test_the_same_name_on_two_hosts_at_once(house: Inn) -> None:
    ids = [await house.add_host(name) for name in ("alpha", "beta")]
    calls = [house.admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1") for id in ids * 3]
    answers = await asyncio.gather(*calls)
    assert sorted(one.status_code for one in answers).count(400) >= 3
    made = {one.json()["system_id"] for one in answers if one.status_code == 200}
    assert len(made) == 1
    assert len(house.see("alpha").instances) + len(house.see("beta").instances) == 1


async def test_composing_is_audited(house: Inn) -> None:
    id = await house.add_host()
    system_id = await house.admin.compose(id)
    assert f"composed a machine: {system_id}" in (await audits(house.admin))[-1]


async def test_no_such_host(house: Inn) -> None:
    answer = await house.admin.call("POST", "vm-hosts/7/", op="compose")
    assert (answer.status_code, answer.text) == (404, "No Pod matches the given query.")
