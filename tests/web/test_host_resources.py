"""The resources of a VM host as pages: the API's figures, whole and by NUMA node, and the map of cores."""

from __future__ import annotations

import re
from itertools import product

import pytest

from innkeeper.hypervisors.simulated_world import BRIDGE, World
from innkeeper.model.capacity import MIB
from innkeeper.model.host import HostInterface, HugePages, NumaNode, Thread, VirtualFunction
from innkeeper.model.machine import InstanceFacts, PowerState
from tests.kit.house import Inn
from tests.web.figures import figures_on, of_api
from tests.web.visitor import Visitor

GIB = 1024 * MIB


def node(id: int, threads: range, memory: int, huge: int = 0) -> NumaNode:
    pages = (HugePages(page_size=2 * MIB, total=huge, used=0),) if huge else ()
    each = tuple(Thread(id=one, core=one, online=one != 11) for one in threads)
    return NumaNode(id=id, threads=each, memory=memory, huge_pages=pages)


def odd(world: World) -> None:
    """Three nodes with odd numbers: one with huge pages, one without cores; VFs; VMs of another project."""
    world.numa_nodes = [
        node(0, range(5), 17 * GIB + 12345),
        node(1, range(5, 12), 13 * GIB, huge=4 * GIB),
        node(16, range(0), 3 * GIB),
    ]
    world.cores, world.memory = 11, 33 * GIB + 12345
    functions = tuple(VirtualFunction(id="" if at < 2 else f"v{at}", pci_address=f"0000:0{at}") for at in range(4))
    world.interfaces = [
        BRIDGE,
        HostInterface(name="ens1", kind="physical", numa_node=1, vf_total=8, vfs=functions),
        HostInterface(name="ens2", kind="physical", vf_total=4),
    ]
    world.projects["other"] = ""
    for at, (pinned, huge) in enumerate([((5, 6), False), ((), True), ((), False)]):
        name = f"theirs{at}"
        world.instances[f"other/{name}"] = InstanceFacts(
            name=name,
            project="other",
            cores=len(pinned) or 1,
            pinned=pinned,
            memory=1024,
            huge_pages=huge,
            power=PowerState.ON,
        )


async def odd_host(house: Inn, **fields: object) -> int:
    house.change("alpha", odd)
    host = await house.add_host("alpha", **fields)
    await house.admin.compose(host, hostname="web1", pinned_cores=[0, 1, 7], memory=3000)
    await house.admin.compose(host, hostname="db1", cores=2, memory=2000)
    await house.admin.compose(host, hostname="big1", cores=1, memory=1024, hugepages_backed=True)
    return host


@pytest.mark.parametrize(("cpu", "memory"), [(1, 1), (1.4, 2.5), (10, 0.1), (0.5, 1), (0, 0)])
async def test_both_views_are_the_apis_figures(admin: Visitor, house: Inn, cpu: float, memory: float) -> None:
    host = await odd_host(house)
    await house.admin.put(f"vm-hosts/{host}/", cpu_over_commit_ratio=cpu, memory_over_commit_ratio=memory)
    told = await house.admin.get(f"/api/v1/vm-hosts/{host}/figures")
    whole = figures_on(await admin.look(f"/hosts/{host}/resources"))
    for name in ("cores", "memory", "huge_pages"):
        assert whole["", name] == of_api(told[name]), name
    nodes = figures_on(await admin.look(f"/hosts/{host}/resources?numa=1"))
    assert [one["id"] for one in told["numa_nodes"]] == [0, 1, 16]
    for name, one in product(("cores", "memory", "huge_pages"), told["numa_nodes"]):
        assert nodes[str(one["id"]), name] == of_api(one[name]), (name, one["id"])
    for name, part in product(("cores", "memory", "huge_pages"), ("claimed", "others", "free", "over", "limit")):
        parts = [nodes[one, name][part] for one in ("0", "1", "16")]
        assert sum(parts) == told[name][part], (name, part, parts)
    assert nodes["", "storage"] == whole["", "storage"]


async def test_storage_is_all_pools_together(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: world.pools.update(fast=77 * 10**9))
    host = await house.add_host(default_storage_pool="fast")
    await house.admin.put(f"vm-hosts/{host}/", storage_over_commit_ratios="fast:1.5")
    await house.admin.compose(host, storage="root:8,data:5(default)")
    pools = await house.admin.get(f"/api/v1/vm-hosts/{host}/storage-pools")
    shown = figures_on(await admin.look(f"/hosts/{host}/resources"))["", "storage"]
    for part in ("claimed", "others", "limit"):
        assert shown[part] == sum(one["figure"][part] for one in pools), part


async def test_the_ratio_and_the_formula_are_one_click_away(admin: Visitor, house: Inn) -> None:
    host = await odd_host(house, cpu_over_commit_ratio=1.4)
    page = await admin.look(f"/hosts/{host}/resources")
    counting = re.findall(r"<details.*?</details>", page, re.DOTALL)
    assert any("11 × 1.4" in one and "rounded down: 15" in one for one in counting)
    assert page.count("<summary>How it is counted</summary>") == 5


async def test_the_map_says_who_holds_which_core(admin: Visitor, house: Inn) -> None:
    host = await odd_host(house)
    page = await admin.look(f"/hosts/{host}/resources")
    machines = {one["hostname"]: one["system_id"] for one in await house.admin.get("machines/")}
    holders = page.split("Who holds which core")[1]
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr>(<td>.*?)</tr>", holders, re.DOTALL)]
    assert any("|0||0-1|" in row and "pinned" in row and "web1" in row for row in rows)
    assert any("|1||5-6|" in row and "theirs0 (project other)" in row for row in rows)
    assert any("|1||11|" in row and "offline" in row for row in rows)
    assert f'<a href="/machines/{machines["web1"]}">web1</a>' in holders
    assert "<title>Core 7: pinned by web1</title>" in page
    # Of eleven that are online five are pinned; five more are promised to what is pinned nowhere.
    used = {
        use: sum(int(number) for number in re.findall(rf'<data value="(\d+)" data-use="{use}"', page)) for use in USES
    }
    told = await house.admin.get(f"/api/v1/vm-hosts/{host}/figures")
    assert used["pinned"] == 5
    assert used["pinned"] + used["shared"] == told["cores"]["claimed"] + told["cores"]["others"]
    assert used["free"] == told["cores"]["free"]
    assert used["offline"] == 1
    assert "memory and no cores" in page


USES = ("pinned", "shared", "free", "offline")


async def test_huge_pages_by_size_and_node(admin: Visitor, house: Inn) -> None:
    host = await odd_host(house)
    page = (await admin.look(f"/hosts/{host}/resources")).split("Huge pages by page size")[1]
    row = re.sub(r"<[^>]+>|\s+", " ", re.findall(r"<tr>(<th.*?)</tr>", page, re.DOTALL)[1])
    assert row.split() == ["2", "MiB", "–", "4", "GiB", "–", "4", "GiB", "(2048", "pages)", "0", "B"]


async def test_virtual_functions_by_port(admin: Visitor, house: Inn) -> None:
    host = await odd_host(house)
    page = await admin.look(f"/hosts/{host}/resources")
    assert figures_on(page)["", "functions"] == {"claimed": 0, "others": 2, "free": 10, "over": 0, "limit": 12}
    by_node = await admin.look(f"/hosts/{host}/resources?numa=1")
    first = by_node.split('data-node="1"')[1].split("</section>")[0]
    assert 'data-port="ens1"' in first
    assert 'data-port="ens2"' not in first
    assert "Virtual functions of no node" in by_node


async def test_what_is_not_known_is_said(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    host = await house.add_host()
    page = await admin.look(f"/hosts/{host}/resources?numa=1")
    assert "Not known yet" in page
    assert "By NUMA node" not in page
    assert "The host has not been read yet." in await admin.look(f"/hosts/{host}/storage")
    assert "The host has not been read yet." in await admin.look(f"/hosts/{host}/networks")
