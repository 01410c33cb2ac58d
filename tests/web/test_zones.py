"""Zones as pages."""

from __future__ import annotations

from tests.kit.house import Inn
from tests.web.visitor import ORIGIN, Visitor


async def test_made_changed_and_deleted(admin: Visitor, house: Inn) -> None:
    made = await admin.send("/zones/new", name="north", description="the old hall")
    assert str(made.url).endswith("/zones")
    assert "The zone north was made." in made.text
    changed = await admin.send("/zones/north/edit", name="south", description="")
    assert "The zone south was changed." in changed.text
    assert [one["name"] for one in await house.admin.get("zones/")] == ["default", "south"]
    gone = await admin.send("/zones/south/delete")
    assert "The zone south was deleted." in gone.text
    assert [one["name"] for one in await house.admin.get("zones/")] == ["default"]


async def test_what_is_wrong_stands_beside_its_field(admin: Visitor) -> None:
    refused = await admin.send("/zones/new", name="", description="kept")
    assert refused.status_code == 400
    assert 'id="name-wrong"' in refused.text
    assert 'value="kept"' in refused.text


async def test_one_in_use_is_refused_naming_its_users(admin: Visitor, house: Inn) -> None:
    await admin.send("/zones/new", name="north")
    await house.add_host("alpha", zone="north")
    assert "1 VM host" in await admin.look("/zones")
    asked = await admin.look("/zones/north/delete")
    assert "The zone north is in use by VM host alpha" in asked
    assert 'href="/machines?zone=north"' in asked
    assert "p-button--negative" not in asked
    refused = await admin.send("/zones/north/delete")
    assert refused.status_code == 409
    assert "VM host alpha" in refused.text


async def test_a_user_reads_and_has_no_buttons(house: Inn) -> None:
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        assert "/zones/new" not in await ann.look("/zones")
        await ann.look("/zones/new", status=403)
        assert (await ann.send("/zones/new", name="north")).status_code == 403


async def test_a_name_with_blanks_has_pages_too(admin: Visitor, house: Inn) -> None:
    await admin.send("/zones/new", name="north hall 2.1")
    shown = await admin.look("/zones")
    assert 'href="/zones/north%20hall%202.1/edit"' in shown
    await admin.send("/zones/north%20hall%202.1/edit", name="old hall", description="")
    assert [one["name"] for one in await house.admin.get("zones/")] == ["default", "old hall"]
    gone = await admin.send("/zones/old%20hall/delete")
    assert "The zone old hall was deleted." in gone.text
    assert [one["name"] for one in await house.admin.get("zones/")] == ["default"]


async def test_of_many_users_some_are_named_and_that_there_are_more(admin: Visitor, house: Inn) -> None:
    await admin.send("/zones/new", name="north")
    host = await house.add_host("alpha", zone="north")
    for number in range(6):
        await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname=f"web-{number}", zone="north")
    asked = await admin.look("/zones/north/delete")
    assert "machine web-3, more machines." in asked, "after the host's own machine"


async def test_what_was_done_is_said_to_who_comes_not_to_a_page_that_asks_for_itself(admin: Visitor) -> None:
    """Another tab that is open does not take the words away."""
    made = await admin.http.post(
        "/zones/new", data={"name": "north"}, headers={"Origin": ORIGIN}, follow_redirects=False
    )
    assert made.status_code == 303
    other = await admin.http.get("/pools", headers={"HX-Request": "true"})
    assert "was made" not in other.text
    assert "The zone north was made." in await admin.look("/zones")
    assert "was made" not in await admin.look("/zones")
