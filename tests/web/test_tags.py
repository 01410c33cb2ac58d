"""Tags as pages."""

from __future__ import annotations

import re

from tests.kit.house import Inn
from tests.web.visitor import Visitor


def row(page: str, name: str) -> str:
    """The row of a table with that head, without its tags."""
    found = re.search(rf"<tr>\s*<th scope=\"row\">{name}</th>(.*?)</tr>", page, re.DOTALL)
    assert found, page
    return re.sub(r"<[^>]*>", " ", found[1])


async def test_made_changed_and_deleted(admin: Visitor, house: Inn) -> None:
    assert "There is no tag yet" in await admin.look("/tags")
    await admin.send("/tags/new", name="gpu", comment="has a card")
    host = await house.add_host()
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose")
    await house.admin.post("tags/gpu/", op="update_nodes", add=made["system_id"])
    await house.admin.post("devices/", mac_addresses="52:54:00:00:00:99", hostname="printer")
    (device,) = await house.admin.get("devices/")
    await house.admin.post("tags/gpu/", op="update_nodes", add=device["system_id"])
    assert re.search(r"1 machine\s+1\b", row(await admin.look("/tags"), "gpu"))
    await admin.send("/tags/gpu/edit", name="card", comment="")
    assert (await house.admin.get(f"machines/{made['system_id']}/"))["tag_names"] == ["card"]
    assert "It is taken off 1 machine and 1 device." in await admin.look("/tags/card/delete")
    await admin.send("/tags/card/delete")
    assert await house.admin.get("tags/") == []
    assert (await house.admin.get(f"machines/{made['system_id']}/"))["tag_names"] == []


async def test_an_impossible_name_is_refused_beside_its_field(admin: Visitor) -> None:
    refused = await admin.send("/tags/new", name="a b", comment="kept")
    assert refused.status_code == 400
    assert 'id="name-wrong"' in refused.text
    assert 'value="kept"' in refused.text


async def test_others_machines_are_not_counted_for_a_user(admin: Visitor, house: Inn) -> None:
    await admin.send("/tags/new", name="gpu")
    host = await house.add_host()
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose")
    await house.admin.post("tags/gpu/", op="update_nodes", add=made["system_id"])
    await house.admin.post("machines/", op="allocate", system_id=made["system_id"])
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        shown = await ann.look("/tags")
        assert "0 machines" in row(shown, "gpu")
        assert "/tags/new" not in shown
        await ann.look("/tags/gpu/edit", status=403)
