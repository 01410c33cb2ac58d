"""One search for all."""

from __future__ import annotations

import re

import pytest

from tests.kit.house import Inn
from tests.kit.images import add_image
from tests.web.visitor import Visitor

PLACE = re.compile(r'<li><a href="(/[a-z]+)">')


@pytest.mark.parametrize("words", ["KVM", "pods", "vm hosts", "VM h", "virsh"])
async def test_old_words_lead_to_vm_hosts(admin: Visitor, words: str) -> None:
    text = await admin.look(f"/search?q={words}")
    assert "/hosts" in PLACE.findall(text[text.index("<h1") :])


async def test_hosts_and_machines_are_found(admin: Visitor, house: Inn) -> None:
    host = await house.add_host("alpha")
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname="web-1")
    text = await admin.look("/search?q=alp")
    assert f'<a href="/hosts/{host}">alpha</a>' in text
    assert f'<a href="/machines/{made["system_id"]}">web-1</a>' in text  # it is on alpha
    assert "/hosts/" not in await admin.look("/search?q=web-1 ready")
    assert "Nothing matches" in await admin.look("/search?q=elsewhere")


async def test_many_are_told_and_lead_to_their_list(admin: Visitor, house: Inn) -> None:
    host = await house.add_host("alpha")
    for number in range(11):
        await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname=f"web-{number}")
    text = await admin.look("/search?q=web")
    assert '<a href="/machines?q=web">All 11 machines that match</a>' in text


async def test_another_users_machine_is_not_found(house: Inn) -> None:
    host = await house.add_host("alpha")
    await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname="web-1")
    await house.admin.post("machines/", op="allocate", name="web-1")
    house.client(username="ann")
    async with Visitor(house) as one:
        await one.sign_in("ann")
        assert "Nothing matches" in await one.look("/search?q=web-1")


async def test_all_nouns_are_found_by_their_names(admin: Visitor, house: Inn) -> None:
    await house.admin.post("zones/", name="rack north")
    await house.admin.post("resourcepools/", name="north team")
    await house.admin.post("tags/", name="northern")
    house.client(username="northup")
    image = add_image(house.house.services, name="custom/north")
    subnet = await house.admin.post("subnets/", cidr="10.77.0.0/24", name="north lab")
    vlan, fabric = subnet["vlan"]["id"], subnet["vlan"]["fabric_id"]
    await house.admin.put(f"fabrics/{fabric}/", name="north hall")
    text = await admin.look("/search?q=NORTH")
    for path, name in (
        ("/machines?zone=rack%20north", "rack north"),
        ("/machines?pool=north%20team", "north team"),
        ("/machines?tag=northern", "northern"),
        ("/users/northup/edit", "northup"),
        (f"/images/{image.id}", "custom/north"),
        (f"/subnets/{subnet['id']}", "10.77.0.0/24"),
        (f"/fabrics/{fabric}", "north hall"),
    ):
        assert f'<li><a href="{path}">{name}</a>' in text, path
        await admin.look(path)
    assert f'href="/vlans/{vlan}"' not in text, "what it is in is no name of its own"
    assert f'<li><a href="/subnets/{subnet["id"]}">' in await admin.look("/search?q=10.77.0.200")
    assert "Nothing matches" in await admin.look("/search?q=10.78.0.200")
    async with Visitor(house) as one:
        await one.sign_in("northup")
        assert "/users/" not in await one.look("/search?q=northup")


async def test_of_many_some_are_told(admin: Visitor, house: Inn) -> None:
    for number in range(12):
        await house.admin.post("tags/", name=f"north-{number}")
    text = await admin.look("/search?q=north")
    assert "The first 10 of 12 tags." in text
    assert text.index(">north-2<") < text.index(">north-9<")
