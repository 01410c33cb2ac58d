"""Other sizes for a machine that is there: cores, memory, a larger disk; through the same claim as composing."""

from __future__ import annotations

from typing import Any

from innkeeper.hypervisors.simulated_world import GB, Fault
from tests.api.facts import asked, audits, composed, events, live, place, vm
from tests.kit.house import Inn


async def claimed(house: Inn) -> tuple[int, int, int]:
    """Cores, memory (MiB) and bytes of the first pool that the machines of the first host hold."""
    one = (await house.admin.get("vm-hosts/"))[0]
    pool = one["storage_pools"][0]
    return one["limits"]["cores"]["claimed"], one["limits"]["memory"]["claimed"], pool["allocated"]


async def refused(house: Inn, path: str, **fields: Any) -> tuple[int, str]:
    answer = await house.admin.call("PUT", path, **fields)
    return answer.status_code, answer.text


async def test_cores_and_memory(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id, hostname="web", cores=2, memory=2048)
    path = f"machines/{one['system_id']}/"
    after = await house.admin.put(path, cpu_count=4, memory=1024, description="smaller and larger")
    assert (after["cpu_count"], after["memory"], after["description"]) == (4, 1024, "smaller and larger")
    facts = house.see("alpha").instances["default/web"]
    assert (facts.cores, facts.memory) == (4, 1024)
    assert (await claimed(house))[:2] == (4, 1024)
    assert "resizes web: 2 cores, 2048 MiB → 4 cores, 1024 MiB" in await audits(house.admin)
    calls = asked(house, "alpha")
    assert await house.admin.put(path, cpu_count=4, memory=1024) == after  # what is sent unchanged changes nothing
    assert asked(house, "alpha") == calls


async def test_a_limit_is_a_limit(house: Inn) -> None:
    """Exactly full is allowed; one more is refused by name, and nothing of the PUT is done."""
    id = await house.add_host()
    one = await composed(house, id, hostname="web", cores=2)
    path = f"machines/{one['system_id']}/"
    status, text = await refused(house, path, cpu_count=17, description="more")
    assert (status, "cores: asked 15 cores, free 14 cores" in text) == (409, True)
    status, text = await refused(house, path, memory=65537)
    assert (status, "memory: asked" in text) == (409, True)
    unchanged = await house.admin.get(path)
    assert (unchanged["cpu_count"], unchanged["description"]) == (2, "")
    assert (await claimed(house))[:2] == (2, 2048)
    assert (await house.admin.put(path, cpu_count=16, memory=65536))["cpu_count"] == 16
    assert (await house.admin.call("POST", f"vm-hosts/{id}/", op="compose")).status_code == 409
    await house.admin.put(path, cpu_count=1, memory=1024)  # what it gave back can be had again
    await house.admin.compose(id, cores=15)


async def test_a_running_machine_is_refused_in_words(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id)
    path = f"machines/{one['system_id']}/"
    await house.admin.post(path, op="power_on")
    status, text = await refused(house, path, cpu_count=2)
    assert (status, "is running" in text, "Power it off" in text) == (409, True, True)
    disk = one["blockdevice_set"][0]["id"]
    status, text = await refused(house, f"nodes/{one['system_id']}/blockdevices/{disk}/", size=9 * GB)
    assert (status, "is running" in text) == (409, True)
    await house.admin.post(path, op="power_off")
    assert (await house.admin.put(path, cpu_count=2))["cpu_count"] == 2


async def test_what_is_not_ours_to_change(house: Inn) -> None:
    place(house, "alpha", vm("old", cores=2, memory=4096))
    id = await house.add_host()
    [old] = await house.admin.get("machines/", hostname="old")
    await house.admin.post(f"machines/{old['system_id']}/", op="unlock")
    status, text = await refused(house, f"machines/{old['system_id']}/", cpu_count=3)
    assert (status, "was not composed here" in text) == (409, True)
    pinned = await house.admin.compose(id, pinned_cores=[3, 4])
    status, text = await refused(house, f"machines/{pinned}/", cpu_count=3)
    assert (status, "pinned to the cores 3,4" in text) == (409, True)
    await house.admin.put(f"machines/{pinned}/", memory=4096)  # its memory is no matter of cores
    [facts] = [one for one in house.see("alpha").instances.values() if one.tag("machine") == pinned]
    assert (facts.pinned, facts.memory) == ((3, 4), 4096)
    for fields in ({"memory": 512}, {"cpu_count": 0}, {"cpu_count": 5000}):
        status, text = await refused(house, f"machines/{pinned}/", **fields)
        assert (status, next(iter(fields)) in text) == (400, True)


async def test_what_the_host_refuses_is_given_back(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id, hostname="web")
    path = f"machines/{one['system_id']}/"
    for when in ("before", "after"):
        fault = Fault(call="resize", kind="refuse", when=when)
        house.change("alpha", lambda world, fault=fault: world.faults.append(fault))
        status, text = await refused(house, path, cpu_count=8, memory=8192)
        assert (status, "a fault on demand" in text) == (503, True)
        assert (await house.admin.get(path))["cpu_count"] == house.see("alpha").instances["default/web"].cores == 1
        assert (await claimed(house))[:2] == (1, 2048)


async def test_a_host_that_is_away(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id)
    await live(house, id)
    house.change("alpha", lambda world: setattr(world, "up", False))
    status, text = await refused(house, f"machines/{one['system_id']}/", cpu_count=2)
    assert (status, "does not answer" in text or "unreachable" in text) == (503, True)
    assert (await claimed(house))[:2] == (1, 2048)


async def test_a_disk_grows(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id, hostname="web", storage="root:8,data:5")
    root, data = (f"nodes/{one['system_id']}/blockdevices/{disk['id']}/" for disk in one["blockdevice_set"])
    assert (await house.admin.put(data, size=7 * GB))["size"] == 7 * GB
    assert (await house.admin.put(root, size=10 * GB))["size"] == 10 * GB
    world = house.see("alpha")
    assert [disk.size for disk in world.instances["default/web"].disks] == [10 * GB, 7 * GB]
    assert [volume.size for volume in world.volumes.values()] == [7 * GB]
    assert (await claimed(house))[2] == 17 * GB
    told = [event["text"] for event in await events(house.admin, kind="machine") if event["what"] == "resized"]
    assert told == [f"disk1 of web has {7 * GB} bytes now", f"root of web has {10 * GB} bytes now"]


async def test_a_disk_does_not_shrink_nor_pass_the_limit(house: Inn) -> None:
    id = await house.add_host()
    one = await composed(house, id)
    disk = f"nodes/{one['system_id']}/blockdevices/{one['blockdevice_set'][0]['id']}/"
    status, text = await refused(house, disk, size=7 * GB)
    assert (status, "does not shrink" in text) == (409, True)
    status, text = await refused(house, disk, size=1001 * GB)
    assert (status, "storage pool default: asked" in text) == (409, True)
    assert (await refused(house, disk, name="sdb"))[0] == 400
    assert (await claimed(house))[2] == 8 * GB
    assert (await house.admin.put(disk, size=1000 * GB))["size"] == 1000 * GB


async def test_a_disk_that_the_host_made_larger_and_cannot_make_smaller(house: Inn) -> None:
    """The answer was lost, and the undo is refused: what is there is what it has, and holds."""
    id = await house.add_host()
    one = await composed(house, id)
    disk = f"nodes/{one['system_id']}/blockdevices/{one['blockdevice_set'][0]['id']}/"
    faults = [Fault(call="resize_disk", kind="cut", when="after"), Fault(call="resize_disk", kind="refuse")]
    house.change("alpha", lambda world: world.faults.extend(faults))
    assert (await refused(house, disk, size=9 * GB))[0] == 503
    assert (await house.admin.get(disk))["size"] == 9 * GB
    assert (await claimed(house))[2] == 9 * GB
