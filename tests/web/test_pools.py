"""Resource pools as pages."""

from __future__ import annotations

from tests.kit.house import Inn
from tests.web.visitor import Visitor


async def test_made_changed_and_deleted(admin: Visitor, house: Inn) -> None:
    made = await admin.send("/pools/new", name="team", description="all of theirs")
    assert made.url.path == "/pools"
    assert "The resource pool team was made." in made.text
    changed = await admin.send("/pools/team/edit", name="crew", description="")
    assert "The resource pool crew was changed." in changed.text
    assert [(one["name"], one["description"]) for one in await house.admin.get("resourcepools/")][1:] == [("crew", "")]
    assert "What goes" in await admin.look("/pools/crew/delete")
    gone = await admin.send("/pools/crew/delete")
    assert "The resource pool crew was deleted." in gone.text
    assert [one["name"] for one in await house.admin.get("resourcepools/")] == ["default"]


async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(admin: Visitor) -> None:
    refused = await admin.send("/pools/new", name="a/b", description="kept")
    assert refused.status_code == 400
    assert 'id="name-wrong"' in refused.text
    assert 'value="kept"' in refused.text
    assert 'value="a/b"' in refused.text


async def test_one_in_use_names_its_users_and_has_no_button(admin: Visitor, house: Inn) -> None:
    await admin.send("/pools/new", name="team")
    await house.add_host("alpha", pool="team")
    assert 'href="/machines?pool=team"' in await admin.look("/pools")
    asked = await admin.look("/pools/team/delete")
    assert "VM host alpha" in asked
    assert "p-button--negative" not in asked
    refused = await admin.send("/pools/team/delete")
    assert refused.status_code == 409
    assert "VM host alpha" in refused.text


async def test_the_default_one_stays(admin: Visitor) -> None:
    assert 'href="/pools/default/delete"' not in await admin.look("/pools")
    assert "p-button--negative" not in await admin.look("/pools/default/delete")


async def test_what_is_not_there_is_not_found(admin: Visitor) -> None:
    await admin.look("/pools/nothing/edit", status=404)
    assert (await admin.send("/pools/nothing/delete")).status_code == 404


async def test_a_user_reads_and_has_no_buttons(house: Inn) -> None:
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        shown = await ann.look("/pools")
        assert "/pools/new" not in shown
        assert "/edit" not in shown
        for path in ("/pools/new", "/pools/default/edit", "/pools/default/delete"):
            await ann.look(path, status=403)
            assert (await ann.send(path, name="x")).status_code == 403


async def test_a_user_counts_the_machines_that_they_see(admin: Visitor, house: Inn) -> None:
    """The number is that of the list that it leads to."""
    host = await house.add_host("alpha")
    ann = house.client(username="ann")
    for name in ("web-1", "web-2", "web-3"):
        await house.admin.compose(host, hostname=name)
    await house.admin.post("machines/", op="allocate", name="web-1")
    await ann.post("machines/", op="allocate", name="web-2")
    async with Visitor(house) as theirs:
        await theirs.sign_in("ann")
        for one, number in ((admin, 3), (theirs, 2)):
            for place, query in (("/pools", "pool"), ("/zones", "zone")):
                assert f'href="/machines?{query}=default">{number} machines<' in await one.look(place), (place, number)
                assert f"{number} machines" in await one.look(f"/machines?{query}=default")
