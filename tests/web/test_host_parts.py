"""Storage, networks and events of a VM host, as pages."""

from __future__ import annotations

import re

from innkeeper.hypervisors.simulated_world import BRIDGE, World
from innkeeper.model.host import HostInterface, Volume
from tests.kit.house import Inn
from tests.web.figures import figures_on, of_api
from tests.web.visitor import Visitor

GB = 10**9


def two_pools(world: World) -> None:
    """A second pool, a volume that nobody uses, and one of another project's container."""
    world.pools["fast"] = 50 * GB
    world.volumes["default/default/stray"] = Volume(name="stray", kind="custom", size=7 * GB, written=3 * GB)
    world.volumes["default/other/box"] = Volume(name="box", kind="container", project="other", size=2 * GB)


async def test_every_pool_is_the_apis(admin: Visitor, house: Inn) -> None:
    house.change("alpha", two_pools)
    host = await house.add_host()
    await house.admin.compose(host, hostname="web1", storage="root:8,data:5(fast)")
    told = await house.admin.get(f"/api/v1/vm-hosts/{host}/storage-pools")
    listed = figures_on(await admin.look(f"/hosts/{host}/storage"))
    assert {key[0] for key in listed} == {"default", "fast"}
    for pool in told:
        assert listed[pool["name"], "storage"] == of_api(pool["figure"])
        alone = await admin.look(f"/hosts/{host}/storage/{pool['name']}")
        assert figures_on(alone)[pool["name"], "storage"] == of_api(pool["figure"])


async def test_a_pool_opens_to_its_volumes(admin: Visitor, house: Inn) -> None:
    house.change("alpha", two_pools)
    host = await house.add_host()
    web = await house.admin.compose(host, hostname="web1", storage="root:8,data:5")
    await house.admin.post(f"vm-hosts/{host}/", op="refresh")
    (pool, _) = await house.admin.get(f"/api/v1/vm-hosts/{host}/storage-pools")
    page = await admin.look(f"/hosts/{host}/storage/default")
    rows = re.findall(r"<tr>\s*(<td>.*?)</tr>", page, re.DOTALL)
    assert len(rows) == len(pool["volumes"])
    for volume in pool["volumes"]:
        (row,) = [one for one in rows if one.startswith(f"<td>{volume['name']}</td>")]
        assert (f'href="/machines/{web}"' in row) == (volume["machine"] == web)
        assert ("orphan" in row) == volume["orphan"]
    (stray,) = [one for one in rows if "stray" in one]
    assert ">7 GB<" in stray
    assert ">3 GB<" in stray
    (box,) = [one for one in rows if one.startswith("<td>box")]
    assert "not known" in box
    orphans = await admin.look(f"/hosts/{host}/storage/default?q=orphan")
    assert "stray" in orphans
    assert "web1" not in orphans
    assert "There is no volume in this pool." in await admin.look(f"/hosts/{host}/storage/fast")
    assert "has no storage pool slow" in await admin.look(f"/hosts/{host}/storage/slow", status=404)


async def test_the_default_pool_is_marked_and_changed(admin: Visitor, house: Inn) -> None:
    house.change("alpha", two_pools)
    host = await house.add_host()
    marked = re.compile(r'data-pool="(\w+)">(?:(?!</section>).)*default pool', re.DOTALL)
    assert marked.findall(await admin.look(f"/hosts/{host}/storage")) == ["default"]
    changed = await admin.send(f"/hosts/{host}/storage/fast/default")
    assert "fast is the default storage pool now." in changed.text
    assert marked.findall(changed.text) == ["fast"]
    (one,) = [pool["name"] for pool in (await house.admin.get(f"vm-hosts/{host}/"))["storage_pools"] if pool["default"]]
    assert one == "fast"
    refused = await admin.send(f"/hosts/{host}/storage/slow/default")
    assert refused.status_code == 400
    assert "has no storage pool" in refused.text


async def test_its_interfaces_and_what_they_reach(admin: Visitor, house: Inn) -> None:
    def wired(world: World) -> None:
        world.interfaces = [
            BRIDGE,
            HostInterface(name="eno1", kind="physical", mac="00:16:3e:00:00:01", mtu=9000, speed=10000, vf_total=3),
            HostInterface(
                name="eno1.5",
                kind="vlan",
                vlan_parent="eno1",
                vlan_id=5,
                addresses=("192.0.2.9/24",),
                subnets=("192.0.2.0/24",),
            ),
            HostInterface(name="ib0", kind="physical", ethernet=False, up=False),
        ]

    house.change("alpha", wired)
    host = await house.add_host()
    await house.admin.compose(host)
    page = await admin.look(f"/hosts/{host}/networks")
    subnets = {one["cidr"]: one for one in await house.admin.get("subnets/")}
    for interface, cidr in (("br0", "10.0.0.0/24"), ("eno1.5", "192.0.2.0/24")):
        row = page.split(f'data-interface="{interface}"')[1].split("</tr>")[0]
        assert cidr in row
        assert subnets[cidr]["vlan"]["fabric"] in row
    assert "VLAN 5 of eno1" in page
    bridge = page.split('data-interface="br0"')[1].split("</tr>")[0]
    assert '<td class="number">1</td>' in bridge
    assert "with DHCP of its own" in bridge
    down = page.split('data-interface="ib0"')[1].split("</tr>")[0]
    assert "not for VMs" in down
    assert "down" in down
    narrowed = await admin.look(f"/hosts/{host}/networks?q=192.0.2")
    assert 'data-interface="eno1.5"' in narrowed
    assert 'data-interface="br0"' not in narrowed
    assert "No interface matches" in await admin.look(f"/hosts/{host}/networks?q=nothing")


async def test_its_events_searched_and_page_by_page(admin: Visitor, house: Inn) -> None:
    host, other = await house.add_host("alpha"), await house.add_host("bravo")
    for at in range(8):
        await house.admin.compose(host, hostname=f"web{at}")
    await house.admin.compose(other, hostname="elsewhere")
    told = await house.admin.get("/api/v1/events", host_id=host, limit=1000)
    seen: list[int] = []
    path = f"/hosts/{host}/events"
    while path:
        page = await admin.look(path)
        assert "elsewhere" not in page
        seen += [int(one) for one in re.findall(r'id="event-(\d+)"', page)]
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == [one["id"] for one in reversed(told)]
    words = await admin.look(f"/hosts/{host}/events?q=web3&kind=machine")
    ids = [int(one) for one in re.findall(r'id="event-(\d+)"', words)]
    assert ids
    about = {one["id"]: one for one in told}
    assert {about[id]["kind"] for id in ids} == {"machine"}
    assert "No event of alpha matches." in await admin.look(f"/hosts/{host}/events?q=never")
