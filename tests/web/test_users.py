"""Users as pages, for administrators."""

from __future__ import annotations

from tests.kit.house import Inn
from tests.web.visitor import Visitor


async def test_made_raised_and_deleted(admin: Visitor, house: Inn) -> None:
    made = await admin.send("/users/new", username="ann", email="ann@x.example", password="secret")
    assert "The user ann was made." in made.text
    assert (await house.admin.get("users/ann/"))["is_superuser"] is False
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        await ann.look("/users", status=403)
        assert "/users" not in await ann.look("/zones")
        await admin.send("/users/ann/edit", email="ann@y.example", is_superuser="true")
        await ann.look("/users")
        await admin.send("/users/ann/edit", email="ann@y.example", password="another")
        assert (await ann.http.get("/zones")).url.path == "/sign-in", "a new password signs them out"
        await ann.sign_in("ann", "another")
    told = await house.admin.get("users/ann/")
    assert (told["email"], told["is_superuser"]) == ("ann@y.example", False)
    assert "They own nothing." in await admin.look("/users/ann/delete")
    asked = await admin.send("/users/ann/delete", typed="anna")
    assert 'id="typed-wrong"' in asked.text
    assert (await house.admin.get("users/ann/"))["username"] == "ann"
    gone = await admin.send("/users/ann/delete", typed="ann")
    assert "The user ann was deleted." in gone.text
    assert [one["username"] for one in await house.admin.get("users/") if one["username"] == "ann"] == []


async def test_one_who_owns_something_has_an_heir(admin: Visitor, house: Inn) -> None:
    ann = house.client(username="ann")
    host = await house.add_host()
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose")
    await ann.post("machines/", op="allocate", system_id=made["system_id"])
    hostname = (await house.admin.get(f"machines/{made['system_id']}/"))["hostname"]
    asked = await admin.look("/users/ann/delete")
    assert f"machine {hostname}" in asked
    refused = await admin.send("/users/ann/delete", typed="ann")
    assert refused.status_code == 409
    assert f"machine {hostname}" in refused.text
    await admin.send("/users/ann/delete", transfer_resources_to="admin", typed="ann")
    assert (await house.admin.get(f"machines/{made['system_id']}/"))["owner"] == "admin"


async def test_what_is_wrong_stands_beside_its_field_without_the_password(admin: Visitor) -> None:
    refused = await admin.send("/users/new", username="a b", email="kept@x.example", password="never-shown")
    assert refused.status_code == 400
    assert 'id="username-wrong"' in refused.text
    assert "kept@x.example" in refused.text
    assert "never-shown" not in refused.text


async def test_an_administrator_stays(admin: Visitor, house: Inn) -> None:
    refused = await admin.send("/users/admin/edit", email="")
    assert refused.status_code == 409
    assert (await house.admin.get("users/admin/"))["is_superuser"] is True
    assert "You cannot delete yourself" in await admin.look("/users/admin/delete")
    assert (await admin.send("/users/admin/delete", typed="admin")).status_code == 409


async def test_a_name_that_can_be_nobodys_is_not_found(admin: Visitor) -> None:
    for name in ("nobody", "a%00b", "a%20b"):
        for page in ("edit", "delete"):
            assert "Not found" in await admin.look(f"/users/{name}/{page}", status=404)
    refused = await admin.send("/users/admin/edit", email="a\0b", is_superuser="true")
    assert 'id="email-wrong"' in refused.text
