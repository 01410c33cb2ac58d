"""The fleet as a process remembers it is the fleet as the database has it, whatever was changed in whatever way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from innkeeper.hypervisors.simulated_world import GB
from innkeeper.store import stamps
from innkeeper.store.fleet import Fleet
from tests.api.facts import live, place, vm
from tests.kit.house import Inn, inn
from tests.kit.until import until


def same(house: Inn, what: str) -> None:
    """What is remembered equals what is read anew."""
    database = house.house.services.database
    assert database.ask(house.house.fleet.standings) == database.ask(Fleet().standings), what


async def test_what_is_remembered_is_what_is_there(house: Inn) -> None:
    admin = house.admin
    same(house, "nothing yet")
    ids = [await house.add_host(name) for name in ("alpha", "beta")]
    same(house, "hosts")
    path = f"vm-hosts/{ids[0]}/"
    for id in ids:
        await live(house, id)  # from now on nothing of them changes by itself
    for fields in (
        {"cpu_over_commit_ratio": 2},
        {"storage_over_commit_ratios": "default:1.5"},
        {"tags": "a,b"},
        {"schedulable": "false", "closed_reason": "x"},
        {"name": "gamma"},
    ):
        await admin.put(path, **fields)
        same(house, str(fields))
    await admin.post(path, op="add_tag", tag="c")
    same(house, "a tag of a host")
    await admin.put(path, schedulable="true")
    system_id = await admin.compose(ids[0], hostname="web", storage="root:8,data:5", anti_affinity="db")
    same(house, "composed")
    machine = await admin.get(f"machines/{system_id}/")
    await admin.put(f"machines/{system_id}/", cpu_count=3)
    same(house, "resized")
    await admin.put(f"nodes/{system_id}/blockdevices/{machine['blockdevice_set'][1]['id']}/", size=6 * GB)
    same(house, "a disk grown")
    got = await admin.post("machines/", op="allocate", system_id=system_id, anti_affinity="db")
    same(house, "allocated")
    await admin.post(f"machines/{system_id}/", op="power_on")
    same(house, "on")
    await admin.post(f"machines/{system_id}/", op="power_off")
    await admin.post(f"machines/{got['system_id']}/", op="release")
    same(house, "released: it is of no group any more")
    made = await admin.post("machines/", op="allocate")
    same(house, "allocated and composed")
    await admin.delete(f"machines/{made['system_id']}/")
    same(house, "deleted")
    await _behind_our_back(house, ids[0])
    await admin.delete(path, decompose="true")
    same(house, "a host removed")


async def _behind_our_back(house: Inn, id: int) -> None:
    place(house, "alpha", vm("theirs", cores=4))

    async def seen() -> bool:
        return bool(await house.admin.get("machines/", hostname="theirs"))

    await until(seen)
    same(house, "a VM found")

    def larger(world: Any) -> None:
        world.cores, world.pools = 32, {"default": 500 * GB, "more": GB}
        world.instances["default/theirs"] = replace(world.instances["default/theirs"], cores=7)

    house.change("alpha", larger)
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    same(house, "a host that became larger")


async def test_networks_zones_and_pools(house: Inn) -> None:
    admin = house.admin
    await live(house, await house.add_host())
    same(house, "a host")
    [subnet] = await admin.get("subnets/")
    fabric, vlan = subnet["vlan"]["fabric_id"], subnet["vlan"]["id"]
    space = await admin.post("spaces/", name="dmz")
    steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("PUT", f"fabrics/{fabric}/", {"name": "office"}),
        ("PUT", f"vlans/{vlan}/", {"space": space["id"]}),
        ("PUT", f"spaces/{space['id']}/", {"name": "lan"}),
        ("PUT", f"subnets/{subnet['id']}/", {"name": "home", "gateway_ip": "10.0.0.254"}),
        ("POST", f"fabrics/{fabric}/vlans/", {"vid": 7}),
        ("POST", "fabrics/", {"name": "more"}),
        ("POST", "subnets/", {"cidr": "10.77.0.0/24"}),
        ("PUT", "zones/default/", {"description": "here"}),
        ("POST", "zones/", {"name": "far"}),
        ("PUT", "zones/far/", {"name": "farther"}),
        ("DELETE", "zones/farther/", {}),
        ("POST", "resourcepools/", {"name": "web"}),
    )
    for method, path, fields in steps:
        answer = await admin.call(method, path, **fields)
        assert answer.is_success, (path, answer.text)
        same(house, f"{method} {path}")
    await admin.post("zones/", name="near")
    [host] = await admin.get("vm-hosts/")
    await admin.put(f"vm-hosts/{host['id']}/", zone="near", pool="web")
    same(house, "a host in another zone and pool")
    await admin.put("zones/near/", name="nearest")
    same(house, "the zone of a host has another name")


async def test_another_process_changes_it(tmp_path: Path) -> None:
    """What is remembered is of the database, not of this process."""
    async with inn(tmp_path) as house:
        id = await house.add_host()
        same(house, "a host")
        async with inn(tmp_path) as other:
            await other.admin.put(f"vm-hosts/{id}/", cpu_over_commit_ratio=3)
            system_id = await other.admin.compose(id)
            same(house, "composed by the other")
            same(other, "and seen by it")
            await house.admin.delete(f"machines/{system_id}/")
            same(other, "deleted by us")


async def test_a_look_that_finds_nothing_new_moves_nothing(house: Inn) -> None:
    """Else every host would be read again for the first allocate after a quiet hour."""
    database = house.house.services.database
    ids = [await house.add_host(name) for name in ("alpha", "beta")]
    for id in ids:
        await live(house, id)
    before = database.ask(stamps.all)
    for _ in range(2):
        await house.admin.post(f"vm-hosts/{ids[0]}/", op="refresh")
    await house.admin.get("vm-hosts/")
    assert database.ask(stamps.all) == before
    await house.admin.compose(ids[0])
    after = database.ask(stamps.all)
    assert after[ids[0]] > before[ids[0]]
    assert {id: number for id, number in after.items() if id != ids[0]} == {
        id: number for id, number in before.items() if id != ids[0]
    }
