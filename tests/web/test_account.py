"""One's own account: password, browsers, API keys, SSH keys."""

from __future__ import annotations

import re

from innkeeper.store import users
from tests.kit.client import Client
from tests.kit.house import Inn
from tests.web.visitor import Visitor

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB ann@home"


async def test_an_api_key_is_shown_once_and_works(admin: Visitor, house: Inn) -> None:
    made = await admin.send("/account/keys/new", name="juju")
    assert made.headers["cache-control"] == "no-store"
    found = re.search(r'<code id="key">([\w:]+)</code>', made.text)
    assert found
    mine = Client(house.admin.http, found[1])
    assert (await mine.get("users/", op="whoami"))["username"] == "admin"
    secret = found[1].rpartition(":")[2]
    listed = await admin.look("/account/keys")
    assert "juju" in listed
    assert secret not in listed
    assert secret not in str(admin.http.cookies)
    token = found[1].split(":")[1]
    await admin.send(f"/account/keys/{token}/edit", name="terraform")
    assert "terraform" in await admin.look("/account/keys")
    assert "terraform" in await admin.look(f"/account/keys/{token}/delete")
    await admin.send(f"/account/keys/{token}/delete")
    assert (await mine.call("GET", "users/", op="whoami")).status_code == 401


async def test_another_users_api_key_is_not_there(admin: Visitor, house: Inn) -> None:
    ann = house.client(username="ann")
    assert ann.key is not None
    token = ann.key.split(":")[1]
    assert token not in await admin.look("/account/keys")
    await admin.look(f"/account/keys/{token}/delete", status=404)
    assert (await admin.send(f"/account/keys/{token}/delete")).status_code == 404
    assert (await ann.get("users/", op="whoami"))["username"] == "ann"


async def test_ssh_keys(admin: Visitor, house: Inn) -> None:
    assert "You have no SSH key here yet" in await admin.look("/account/ssh-keys")
    private = "-----BEGIN OPENSSH PRIVATE KEY-----"
    refused = await admin.send("/account/ssh-keys/new", key=private)
    assert refused.status_code == 400
    assert 'id="key-wrong"' in refused.text
    assert private not in refused.text
    await admin.send("/account/ssh-keys/new", key=KEY)
    (one,) = await house.admin.get("account/prefs/sshkeys/")
    listed = await admin.look("/account/ssh-keys")
    assert "ann@home" in listed
    assert "SHA256:" in listed
    twice = await admin.send("/account/ssh-keys/new", key=KEY)
    assert twice.status_code == 409
    assert "ann@home" in await admin.look(f"/account/ssh-keys/{one['id']}/delete")
    await admin.send(f"/account/ssh-keys/{one['id']}/delete")
    assert await house.admin.get("account/prefs/sshkeys/") == []


async def test_another_password_signs_all_other_browsers_out(admin: Visitor, house: Inn) -> None:
    async with Visitor(house) as other:
        await other.sign_in("admin")
        changed = await admin.send("/account/password", old="secret", password="better", again="better")
        assert changed.url.path == "/account", changed.text
        assert (await other.http.get("/account")).url.path == "/sign-in"
        await admin.look("/account")
        await other.sign_in("admin", "better")
    database = house.house.services.database
    assert database.ask(users.check_password, username="admin", password="secret") is None


async def test_a_password_is_not_changed_without_the_old_one(admin: Visitor, house: Inn) -> None:
    wrong = await admin.send("/account/password", old="guess", password="better", again="better")
    assert wrong.status_code == 400
    assert 'id="old-wrong"' in wrong.text
    differs = await admin.send("/account/password", old="secret", password="better", again="bitter")
    assert 'id="again-wrong"' in differs.text
    empty = await admin.send("/account/password", old="secret", password="", again="")
    assert 'id="password-wrong"' in empty.text
    assert "better" not in wrong.text + differs.text, "a password is not sent back"
    database = house.house.services.database
    assert database.ask(users.check_password, username="admin", password="secret") is not None


async def test_one_browser_is_signed_out(admin: Visitor, house: Inn) -> None:
    async with Visitor(house) as other, Visitor(house) as third:
        await other.sign_in("admin")
        page = await admin.look("/account")
        assert "this browser" in page
        (digest,) = re.findall(r'action="/account/sessions/([0-9a-f]{64})/end"', page)
        await admin.send(f"/account/sessions/{digest}/end")
        assert (await other.http.get("/account")).url.path == "/sign-in"
        await third.sign_in("admin")
        await admin.send("/account/sessions/end-others")
        assert (await third.http.get("/account")).url.path == "/sign-in"
        assert "/end" not in await admin.look("/account")


async def test_nobody_ends_another_users_session(admin: Visitor, house: Inn) -> None:
    house.client(username="ann")
    async with Visitor(house) as ann, Visitor(house) as second:
        await ann.sign_in("ann")
        await second.sign_in("ann")
        (digest,) = re.findall(r'action="/account/sessions/([0-9a-f]{64})/end"', await ann.look("/account"))
        assert digest not in await admin.look("/account")
        assert (await admin.send(f"/account/sessions/{digest}/end")).status_code == 404
        await second.look("/account")
