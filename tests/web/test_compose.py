"""The compose pages without a browser: the form's address, its rows, the review, one machine for one form."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from innkeeper.hypervisors.simulated_world import Fault, World
from innkeeper.model.host import HostInterface, HugePages, NumaNode, Thread
from innkeeper.web import formats
from tests.kit.deployments import give_image, status, until_started
from tests.kit.house import Inn
from tests.kit.until import until
from tests.web.visitor import Visitor

GB, MIB = 10**9, 2**20
OFFICE = HostInterface(name="br1", kind="bridge", subnets=("10.1.0.0/24",), addresses=("10.1.0.1/24",))
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_INLINE = re.compile(r"</?(?:span|a|strong|code)\b[^>]*>")
_FIELD = re.compile(r'<(?:input|select)[^>]* name="((?:disk|nic)-[^"]*)"')


def hidden(page: str) -> dict[str, str]:
    """What the form of a review sends."""
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page) if name != "next"}


def rows(page: str) -> list[str]:
    """The fields of the rows of a form."""
    return _FIELD.findall(page)


def said(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    found = re.search(rf'id="{field}-wrong">([^<]*)<', page)
    return html.unescape(found[1]) if found else ""


def plain(page: str) -> str:
    """The text of a page."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", _INLINE.sub("", page))))


async def composed(admin: Visitor, path: str, **more: str) -> httpx2.Response:
    """Go through the review of an address and compose."""
    page = await admin.look(path)
    assert 'id="trouble"' not in page, plain(page)
    return await admin.send(path.partition("?")[0], **hidden(page) | more)


async def machine_of(house: Inn, answer: httpx2.Response) -> dict[str, Any]:
    """The machine whose page an answer leads to, when it is there."""
    assert answer.url.path.startswith("/machines/"), f"{answer.status_code}: {plain(answer.text)[:2000]}"
    system_id = answer.url.path.split("/")[2]

    async def there() -> bool:
        return await status(house, system_id) != "Commissioning"

    await until(there)
    one: dict[str, Any] = await house.admin.get(f"machines/{system_id}/")
    return one


def address(host: int | None, **fields: object) -> str:
    """The review of a form."""
    base = "/compose" if host is None else f"/hosts/{host}/compose"
    named = {name.replace("__", "-"): value for name, value in fields.items()}
    return f"{base}/review?{urlencode(named)}"


async def test_it_shows_what_is_free_by_the_apis_figures(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    await house.admin.put(f"vm-hosts/{id}/", cpu_over_commit_ratio=1.5, memory_over_commit_ratio=2)
    await house.admin.compose(id, cores=3, memory=5000, storage="9")
    host = await house.admin.get(f"vm-hosts/{id}/")
    text = plain(await admin.look(f"/hosts/{id}/compose"))
    assert f"3 claimed, {host['limits']['cores']['free']} free" in text
    assert f"{formats.mib(host['limits']['memory']['free'])} free" in text
    pool = host["storage_pools"][0]
    assert f"{pool['name']}: {formats.size(pool['available'])} free" in text
    assert "One, eth0, on the host’s best network: br0" in text
    assert "1.5 is the overcommit ratio" in text


async def test_rows_come_and_go_and_what_is_filled_in_stays(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    here = f"/hosts/{id}/compose"
    filled = {"hostname": "web1", "cores": "3", "disk-1-size": "10", "disk-1-tags": "a,b", "boot": "1"}
    two = await admin.http.get(here, params=filled | {"do": "add-disk"})
    assert "do=" not in str(two.url)
    assert two.url.fragment == "disk-2-size"
    assert [name for name in rows(two.text) if name.endswith("size")] == ["disk-1-size", "disk-2-size"]
    again = await admin.look(str(two.url.copy_with(fragment=None)).removeprefix("http://inn.test"))
    for value in ("web1", "10", "a,b"):
        assert f'value="{value}"' in again
    three = {"disk-1-size": "1", "disk-2-size": "2", "disk-3-size": "3", "boot": "3"}
    left = await admin.http.get(here, params=three | {"do": "remove-disk-1"})
    assert (left.url.params["disk-1-size"], left.url.params["disk-2-size"], left.url.params["boot"]) == ("2", "3", "2")
    one = await admin.http.get(here, params={"disk-1-size": "5", "do": "remove-disk-1"})
    assert one.url.params["disk-1-size"] == "5", "a machine has a disk"
    nics = await admin.http.get(here, params={"nic-1-name": "eth0", "nic-2-name": "wan", "do": "add-nic"})
    assert [nics.url.params[f"nic-{n}-name"] for n in (1, 2, 3)] == ["eth0", "wan", "eth1"]
    fewer = await admin.http.get(here, params={"nic-1-name": "eth0", "nic-2-name": "wan", "do": "remove-nic-1"})
    assert fewer.url.params["nic-1-name"] == "wan"
    assert "nic-2-name" not in fewer.url.params


async def test_the_boot_disk_is_the_first_whichever_row_it_is(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "fast": 10**12}))
    id = await house.add_host()
    fields = {"disk__1__size": "5", "disk__2__size": "7.5", "disk__2__pool": "fast", "disk__3__size": "9"}
    page = await admin.look(address(id, **fields, disk__3__tags="ssd", boot=2))
    assert "7.50 GB" in plain(page) or "7.5 GB" in plain(page)
    one = await machine_of(house, await composed(admin, address(id, **fields, disk__3__tags="ssd", boot=2)))
    found = [(disk["size"], disk["storage_pool"], disk["tags"]) for disk in one["blockdevice_set"]]
    assert found == [(7_500_000_000, "fast", []), (5 * GB, "default", []), (9 * GB, "default", ["ssd"])]


async def test_everything_that_is_filled_in_is_made(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: world.interfaces.append(OFFICE))
    id = await house.add_host()
    for noun, name in (("zones", "north"), ("resourcepools", "build"), ("domains", "lab"), ("tags", "web")):
        await house.admin.post(f"{noun}/", name=name)
    path = address(
        id, hostname="web1", by="pinned", pinned="4, 2-0", memory=3000, zone="north", pool="build", domain="lab",
        tags="web", group="web", disk__1__size="6", nic__1__name="eth0", nic__1__network="subnet_cidr=10.1.0.0/24",
        nic__1__ip="10.1.0.77", nic__2__name="wan", nic__2__network="subnet_cidr=10.0.0.0/24",
    )  # fmt: skip
    page = plain(await admin.look(path))
    assert "pinned to 0-2, 4" in page
    assert "10.1.0.77" in page
    one = await machine_of(house, await composed(admin, path))
    assert (one["hostname"], one["fqdn"], one["cpu_count"], one["memory"]) == ("web1", "web1.lab", 4, 3000)
    assert (one["zone"]["name"], one["pool"]["name"], one["tag_names"]) == ("north", "build", ["web"])
    assert [nic["name"] for nic in one["interface_set"]] == ["eth0", "wan"]
    assert one["interface_set"][0]["links"][0]["ip_address"] == "10.1.0.77"
    assert house.see("alpha").instances["default/web1"].pinned == (0, 1, 2, 4)


async def test_a_review_changes_nothing(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    before = await house.admin.get(f"vm-hosts/{id}/")
    page = await admin.look(address(id, cores=2))
    assert "chosen at random" in page
    assert len(hidden(page)["token"]) == 32
    assert (await house.admin.get(f"vm-hosts/{id}/"))["used"] == before["used"]
    assert len(await house.admin.get("machines/")) == 1  # the host's own record


WRONG: tuple[tuple[dict[str, object], str, str], ...] = (
    ({"cores": "99"}, "cores", "free 16"),
    ({"cores": ""}, "cores", "whole number"),
    ({"memory": "512"}, "memory", "1024"),
    ({"memory": "9999999"}, "memory", "asked 9.53 TiB"),
    ({"by": "pinned", "pinned": "x"}, "pinned", "0-2,4"),
    ({"by": "pinned", "pinned": "1,1"}, "pinned", "twice"),
    ({"by": "pinned", "pinned": "0,99"}, "pinned", "99"),
    ({"disk__1__size": "8,9"}, "disk-1-size", "size in GB"),
    ({"disk__1__size": "0"}, "disk-1-size", "0"),
    ({"disk__1__size": "5", "disk__2__size": "5000"}, "disk-2-size", "5 TB"),
    ({"disk__1__pool": "slow"}, "disk-1-pool", "no storage pool slow"),
    ({"disk__1__tags": "default"}, "disk-1-tags", "choose it as the pool"),
    ({"nic__1__name": "a;b"}, "nic-1-name", "Letters"),
    ({"nic__1__name": "disk1"}, "nic-1-name", "disk"),
    ({"nic__1__name": "eth0", "nic__2__name": "eth1", "nic__2__ip": "10.0.0"}, "nic-2-ip", "IP address"),
    ({"nic__1__name": "eth0", "nic__2__name": "eth1", "nic__2__ip": "10.9.0.1"}, "nic-2-ip", "10.9.0.1"),
    ({"nic__1__name": "eth0", "nic__1__network": "subnet_cidr=10.9.0.0/24"}, "nic-1-network", "does not reach"),
    ({"hostname": "-a"}, "hostname", "hyphens"),
    ({"tags": "unknown"}, "tags", "unknown"),
    ({"zone": "nowhere"}, "zone", "nowhere"),
)


@pytest.mark.parametrize(("fields", "where", "words"), WRONG)
async def test_what_is_wrong_stands_beside_its_field_and_in_the_summary(
    admin: Visitor, house: Inn, fields: dict[str, object], where: str, words: str
) -> None:
    id = await house.add_host()
    page = await admin.look(address(id, **{"group": "kept"} | fields))
    assert words in said(page, where), plain(page)
    assert f'<a href="#{where}">' in page
    assert 'value="kept"' in page


async def test_an_address_that_is_taken_stands_beside_its_interface(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    await house.admin.compose(id, interfaces="eth0:ip=10.0.0.7")
    page = await admin.look(address(id, nic__1__name="eth0", nic__1__ip="10.0.0.7"))
    assert "10.0.0.7" in said(page, "nic-1-ip")


async def test_a_form_that_is_sent_twice_makes_one_machine(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    for name in ("", "web1"):
        page = await admin.look(address(id, **({"hostname": name} if name else {})))
        form = hidden(page)
        both = await asyncio.gather(*(admin.send(f"/hosts/{id}/compose/review", **form) for _ in range(2)))
        later = await admin.send(f"/hosts/{id}/compose/review", **form)
        assert len({str(one.url) for one in (*both, later)}) == 1, [plain(one.text)[:500] for one in both]
        await machine_of(house, later)
    assert len(house.see("alpha").instances) == 2
    another = await admin.look(address(id, hostname="web1"))
    assert "web1" in said(another, "hostname"), "another form wants another machine"


async def test_the_best_host_and_the_verdict_of_each(admin: Visitor, house: Inn) -> None:
    for name, cores in (("alpha", 8), ("bravo", 32), ("charlie", 64)):
        house.change(name, lambda world, cores=cores: setattr(world, "cores", cores))
    await house.admin.post("zones/", name="north")
    ids = {name: await house.add_host(name) for name in ("alpha", "bravo")}
    ids["charlie"] = await house.add_host("charlie", zone="north")
    page = await admin.look(address(None, cores=12, zone="default"))
    text = plain(page)
    assert "on bravo" in text
    assert "It is in the zone north" in text
    assert "asked 12 cores, free 8 cores" in text
    assert hidden(page)["chosen"] == str(ids["bravo"])
    assert page.index(">Compose</button>") < page.index('id="verdict-'), "the button is above what may be a long list"
    one = await machine_of(house, await composed(admin, address(None, cores=12, zone="default")))
    assert (one["pod"]["name"], one["zone"]["name"], one["cpu_count"]) == ("bravo", "default", 12)
    nowhere = await admin.look(address(None, cores=100))
    assert "No VM host can hold this machine now" in nowhere
    assert said(nowhere, "cores")
    for name, id in ids.items():
        assert f'id="verdict-{id}"' in nowhere, name


async def test_a_host_that_takes_none_says_why(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    page = await admin.look(address(id))
    form = hidden(page)
    await house.admin.put(f"vm-hosts/{id}/", schedulable="false", closed_reason="new disks")
    for text in (
        await admin.look(f"/hosts/{id}/compose"),
        await admin.look(address(id)),
        (await admin.send(f"/hosts/{id}/compose/review", **form)).text,
    ):
        assert "alpha takes no machine now: it is closed to new machines: new disks." in plain(text)


async def test_a_host_that_was_filled_meanwhile_is_said_and_nothing_typed_is_lost(admin: Visitor, house: Inn) -> None:
    for name in ("alpha", "bravo"):
        await house.add_host(name)
        give_image(house, name)
    page = await admin.look(address(None, cores=10, image="custom/tiny"))
    form = hidden(page)
    first = "alpha" if form["chosen"] == "1" else "bravo"
    await house.admin.compose(int(form["chosen"]), cores=10)
    answer = await admin.send("/compose/review", **form, user_data="#cloud-config\n# kept\n")
    assert answer.status_code == 409
    text = plain(answer.text)
    assert f"VM host {first} cannot hold this machine" in text
    assert "# kept" in answer.text
    again = hidden(answer.text)
    assert again["chosen"] != form["chosen"]
    await machine_of(house, await admin.send("/compose/review", **again, user_data="#cloud-config\n"))


async def test_with_an_image_it_is_deployed(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    give_image(house)
    assert "user_data" not in await admin.look(address(id))
    path = address(id, hostname="web1", image="custom/tiny")
    assert 'name="user_data"' in await admin.look(path)
    one = await machine_of(house, await composed(admin, path, user_data="#!/bin/sh\r\necho hello\r\n"))
    assert await status(house, one["system_id"]) in ("Deploying", "Deployed")
    await until_started(house, one["system_id"])
    assert house.see("alpha").seeds["default/web1"].user_data == "#!/bin/sh\necho hello\n"


async def test_what_the_host_refuses_is_said(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    give_image(house)
    page = await admin.look(address(id, hostname="web1", image="custom/tiny"))
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    answer = await admin.send(f"/hosts/{id}/compose/review", **hidden(page), user_data="# kept")
    assert answer.status_code == 503
    assert "# kept" in answer.text
    assert house.see("alpha").instances == {}


async def test_a_long_compose_leads_to_its_machine_at_once(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "create_seconds", 3.0))
    page = await admin.look(address(id, hostname="web1"))
    async with asyncio.timeout(2.5):
        answer = await admin.send(f"/hosts/{id}/compose/review", **hidden(page))
    assert answer.url.path.startswith("/machines/")
    assert "web1 is being composed" in answer.text
    assert (await machine_of(house, answer))["status_name"] == "Ready"


def numa(world: World) -> None:
    world.numa_nodes = [
        NumaNode(
            id=node,
            threads=tuple(Thread(id=core, online=core != 5) for core in range(first, first + 4)),
            memory=16 * 1024 * MIB,
            huge_pages=(HugePages(page_size=2 * MIB, total=4 * 1024 * MIB),),
        )
        for node, first in ((0, 0), (16, 4))
    ]


async def test_the_map_of_cores_and_huge_pages(admin: Visitor, house: Inn) -> None:
    assert "hugepages" not in await admin.look(f"/hosts/{await house.add_host('plain')}/compose")
    house.change("alpha", numa)
    id = await house.add_host()
    await house.admin.compose(id, pinned_cores=[1], hostname="holder")
    page = await admin.look(f"/hosts/{id}/compose")
    assert re.findall(r'data-core="(\d+)"', page) == ["0", "1", "2", "3", "4", "6", "7"]
    assert "held by holder" in plain(page)
    assert "NUMA node 16: nobody is pinned to 4, 6-7" in plain(page)
    held = await admin.look(address(id, by="pinned", pinned="1"))
    assert "holder" in said(held, "pinned")
    one = await machine_of(house, await composed(admin, address(id, memory=2048, hugepages="true")))
    assert house.see("alpha").instances[f"default/{one['hostname']}"].huge_pages
    more = await admin.look(address(id, memory=8192, hugepages="true"))
    assert "Huge pages: asked 8 GiB, free 6 GiB" in said(more, "memory")


async def test_another_host_keeps_what_is_filled_in(admin: Visitor, house: Inn) -> None:
    first, second = await house.add_host("alpha"), await house.add_host("bravo")
    there = await admin.http.get(
        f"/hosts/{first}/compose", params={"on": second, "hostname": "web1", "disk-1-size": "9", "disk-1-pool": "fast"}
    )
    assert there.url.path == f"/hosts/{second}/compose"
    assert 'value="web1"' in there.text
    assert "fast: not here" in there.text
    best = await admin.http.get(f"/hosts/{first}/compose", params={"on": "", "hostname": "web1"})
    assert best.url.path == "/compose"
    assert 'value="web1"' in best.text


async def test_it_is_for_administrators(house: Inn) -> None:
    async with Visitor(house) as admin:
        await admin.sign_in("admin")
        none = await admin.look("/compose")
        assert "There is no VM host yet" in none
        assert 'href="/hosts/add"' in none
        assert '<form class="compose"' not in none
    id = await house.add_host()
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        for path in ("/compose", f"/hosts/{id}/compose", f"/hosts/{id}/compose/review"):
            await ann.look(path, status=403)
        answer = await ann.send(f"/hosts/{id}/compose/review", name="web1")
        assert answer.status_code == 403
    async with Visitor(house) as admin:
        await admin.sign_in("admin")
        await admin.look("/hosts/99/compose", status=404)
        assert "There is no VM host yet" not in await admin.look("/compose/review")
