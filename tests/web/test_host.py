"""A VM host's pages: its head, its VMs, what is done with it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from innkeeper.hypervisors.simulated_world import BRIDGE, World
from innkeeper.model.host import HostInterface
from innkeeper.model.machine import DiskFacts, InstanceFacts, PowerState
from innkeeper.web import formats
from tests.kit.house import Inn
from tests.kit.until import until
from tests.web.visitor import Visitor

GB = 10**9


def foreign(world: World) -> None:
    """A VM of another project."""
    world.projects["other"] = ""
    world.instances["other/theirs"] = InstanceFacts(
        name="theirs",
        project="other",
        cores=3,
        memory=4096,
        power=PowerState.ON,
        disks=(DiskFacts(device="root", pool="default", size=9 * GB),),
    )


async def test_the_head_says_how_the_host_is_doing(admin: Visitor, house: Inn) -> None:
    host = await house.add_host(tags="ssd,rack-7")
    told = await house.admin.get(f"vm-hosts/{host}/")
    page = await admin.look(f"/hosts/{host}")
    assert f"{told['certificate_days_left']} days left" in page
    for words in ("alpha", "ready", ">ssd</a>", ">rack-7</a>", "Last refresh", "just now"):
        assert words in page
    for path in ("", "/resources", "/storage", "/networks", "/events"):
        assert f'<a href="/hosts/{host}{path}" aria-current="page">' in await admin.look(f"/hosts/{host}{path}")


async def test_its_vms_with_what_they_hold(admin: Visitor, house: Inn) -> None:
    house.change("alpha", foreign)
    host = await house.add_host()
    web = await house.admin.compose(host, hostname="web1", pinned_cores=[0, 1, 4], memory=2048, storage="root:8,data:5")
    await house.admin.compose(host, hostname="db1", cores=2, memory=4096)
    machine = await house.admin.get(f"machines/{web}/")
    page = await admin.look(f"/hosts/{host}")
    row = page.split(f'id="machine-{web}"')[1].split("</tr>")[0]
    assert f'<a href="/machines/{web}">web1</a>' in row
    for words in ("Ready", "power off", "0-1, 4", "pinned", "2 GiB", "13 GB", *machine["ip_addresses"]):
        assert words in row, words
    assert "Any 2" in page
    other = page.split("Other use of alpha")[1]
    for words in ("theirs", "other", "Any 3", "4 GiB", "9 GB"):
        assert words in other, words


async def test_vms_are_searched_sorted_and_told_from_none(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    assert "There is no VM on this host yet" in await admin.look(f"/hosts/{host}")
    for name in ("bravo", "alfa", "charlie"):
        await house.admin.compose(host, hostname=name)
    found = re.findall(r'"/machines/\w+">(\w+)<', await admin.look(f"/hosts/{host}?sort=-name"))
    assert found == ["charlie", "bravo", "alfa"]
    narrowed = await admin.look(f"/hosts/{host}?q=brav")
    assert "bravo" in narrowed
    assert "charlie" not in narrowed
    none = await admin.look(f"/hosts/{host}?q=nothing")
    assert "No VM here matches" in none
    assert "Show all 3" in none


async def test_a_host_that_is_not_there(admin: Visitor) -> None:
    assert "There is no such VM host." in await admin.look("/hosts/999", status=404)
    assert "There is no such VM host." in await admin.look("/hosts/999/resources?numa=1", status=404)


async def test_a_refresh_reads_it_anew_and_comes_back_to_the_page(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    house.change("alpha", foreign)
    back = await admin.send(f"/hosts/{host}/refresh", next=f"/hosts/{host}?sort=-name")
    assert str(back.url).endswith(f"/hosts/{host}?sort=-name")
    assert "The host is read anew." in back.text
    assert "theirs" in back.text
    elsewhere = await admin.send(f"/hosts/{host}/refresh", next=f"/hosts/{host}0")
    assert elsewhere.url.path == f"/hosts/{host}"


async def test_a_refresh_that_fails_says_why(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "up", False))
    failed = await admin.send(f"/hosts/{host}/refresh")
    assert failed.status_code == 503
    assert "does not answer" in failed.text

    async def told() -> bool:  # its watcher hears of it by itself
        return bool((await house.admin.get(f"vm-hosts/{host}/"))["state"] == "unreachable")

    await until(told)
    page = await admin.look(f"/hosts/{host}")
    assert '<span class="state state-bad">unreachable</span>' in page
    assert "It is unreachable" in page
    assert f'href="/hosts/{host}/compose"' not in page


async def test_closed_with_a_reason_and_opened_again(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    assert f'href="/hosts/{host}/compose"' in await admin.look(f"/hosts/{host}")
    closed = await admin.send(f"/hosts/{host}/close", closed_reason="a new power supply on Friday")
    assert "a new power supply on Friday" in closed.text
    assert f'href="/hosts/{host}/compose"' not in closed.text
    told = await house.admin.get(f"vm-hosts/{host}/")
    assert (told["schedulable"], told["closed_reason"]) == (False, "a new power supply on Friday")
    opened = await admin.send(f"/hosts/{host}/open", next=f"/hosts/{host}/networks")
    assert opened.url.path == f"/hosts/{host}/networks"
    assert (await house.admin.get(f"vm-hosts/{host}/"))["schedulable"] is True
    long = await admin.send(f"/hosts/{host}/close", closed_reason="x" * 1001)
    assert long.status_code == 400
    assert 'id="closed_reason-wrong"' in long.text
    assert "x" * 1001 in long.text


async def test_removed_with_its_vms_kept(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    await house.admin.compose(host, hostname="web1")
    asked = await admin.look(f"/hosts/{host}/delete")
    for words in ("What goes", "What stays", "1 composed machine", "web1"):
        assert words in asked
    gone = await admin.send(f"/hosts/{host}/delete", machines="keep")
    assert gone.url.path == "/hosts"
    assert "The VM host alpha was removed." in gone.text
    assert await house.admin.get("vm-hosts/") == []
    assert [one.name for one in house.see("alpha").instances.values()] == ["web1"]


async def test_destroying_needs_the_name_and_spares_what_is_locked_or_adopted(admin: Visitor, house: Inn) -> None:
    house.change("alpha", foreign)
    house.change("alpha", lambda world: world.instances.update({"default/old": replace(THEIRS, name="old")}))
    host = await house.add_host()
    await house.admin.compose(host, hostname="web1")
    locked = await house.admin.compose(host, hostname="db1")
    await house.admin.post(f"machines/{locked}/", op="lock")
    asked = await admin.look(f"/hosts/{host}/delete")
    assert "2 VMs that were adopted or locked" in asked
    assert "1 instance of other use" in asked
    for typed in ("", "alph"):
        refused = await admin.send(f"/hosts/{host}/delete", machines="destroy", typed=typed)
        assert refused.status_code == 400
        assert 'id="typed-wrong"' in refused.text
        assert 'value="destroy" aria-labelledby="destroy-label" checked' in refused.text
    assert len(await house.admin.get("vm-hosts/")) == 1
    gone = await admin.send(f"/hosts/{host}/delete", machines="destroy", typed="alpha")
    assert gone.url.path == "/hosts"
    assert sorted(one.name for one in house.see("alpha").instances.values()) == ["db1", "old", "theirs"]


async def test_a_user_sees_what_is_theirs_and_has_no_buttons(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    await house.admin.compose(host, hostname="free")
    ann = house.client(username="ann")
    secret = await house.admin.compose(host, hostname="secret", pinned_cores=2, storage="root:8,data:5")
    await house.admin.post("machines/", op="allocate", system_id=secret)
    await house.admin.post(f"vm-hosts/{host}/", op="refresh")
    assert [one["hostname"] for one in await ann.get("machines/") if one["hostname"] in ("free", "secret")] == ["free"]
    async with Visitor(house) as one:
        await one.sign_in("ann")
        for path in ("", "/resources", "/resources?numa=1", "/storage", "/storage/default", "/networks"):
            page = await one.look(f"/hosts/{host}{path}")
            assert "secret" not in page, path
            assert secret not in page, path
            for action in ("/refresh", "/close", "/delete", "/compose", "/default/default"):
                assert f"{action}" + '"' not in page, (path, action)
        assert "1 more VM of other users is here too" in await one.look(f"/hosts/{host}")
        assert "another user&#39;s machine" in await one.look(f"/hosts/{host}/resources")
        for path in ("/close", "/delete"):
            await one.look(f"/hosts/{host}{path}", status=403)
        for path in ("/refresh", "/close", "/open", "/delete", "/storage/default/default"):
            assert (await one.send(f"/hosts/{host}{path}")).status_code == 403, path


@pytest.mark.parametrize("path", ["/close", "/delete", "/storage/default/default"])
async def test_what_is_done_with_no_host(admin: Visitor, path: str) -> None:
    assert (await admin.send(f"/hosts/999{path}", closed_reason="")).status_code == 404


THEIRS = InstanceFacts(name="theirs", project="default", cores=1, memory=1024)


async def test_the_first_page_is_its_project_and_what_of_it_is_free(admin: Visitor, house: Inn) -> None:
    def described(world: World) -> None:
        world.interfaces = [BRIDGE, HostInterface(name="ens1", kind="physical", vf_total=8)]

    house.change("alpha", described)
    host = await house.add_host(cpu_over_commit_ratio=1.5)
    await house.admin.compose(host, hostname="web1", cores=2, memory=3000)
    told = await house.admin.get(f"/api/v1/vm-hosts/{host}/figures")
    (pool,) = await house.admin.get(f"/api/v1/vm-hosts/{host}/storage-pools")
    page = await admin.look(f"/hosts/{host}")
    assert "Project default" in page
    cells = dict(re.findall(r'<section class="cell" aria-label="([^"]+)">(.*?)</section>', page, re.DOTALL))
    words = {title: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", cell)) for title, cell in cells.items()}
    assert set(words) == {"Memory", "CPU cores", "Storage", "Virtual functions"}
    for title, figure, text in (
        ("Memory", told["memory"], formats.mib),
        ("CPU cores", told["cores"], str),
        ("Storage", pool["figure"], formats.size),
        ("Virtual functions", told["virtual_functions"][0]["figure"], str),
    ):
        said = f"{text(figure['claimed'])} claimed, {text(figure['free'])} free of {text(figure['limit'])}"
        assert said in words[title]
    assert f"= {told['cores']['physical']} × 1.5" in words["CPU cores"]


async def test_who_waits_for_trust_is_told_the_way(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    host = await house.add_host()
    page = await admin.look(f"/hosts/{host}")
    assert page.count(f'href="/hosts/{host}/trust"') == 2  # among the actions, and where VMs would be
    assert "does not trust the certificate of Innkeeper yet" in page
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        assert "/trust" not in await ann.look(f"/hosts/{host}")
