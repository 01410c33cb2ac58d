"""The certificates of a VM host: ours made anew and replaced, the server's pinned anew, after both are shown."""

from __future__ import annotations

import re

from innkeeper.hypervisors.lxd import certificates
from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import HostState
from innkeeper.store import hosts
from innkeeper.store.database import Write
from tests.api.facts import live
from tests.kit.house import Inn
from tests.web.visitor import Visitor


async def closed(house: Inn) -> int:
    """A host that trusts only who is in its list: us, by a token."""
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    return await house.add_host(password="token")


async def ours(house: Inn) -> str:
    return (await house.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text


def shown(page: str, name: str) -> str:
    """A fingerprint that a page shows: pinned, shown."""
    found = re.search(rf'data-fingerprint="{name}">([^<]*)<', page)
    return found[1] if found else ""


async def test_it_is_made_anew(admin: Visitor, house: Inn) -> None:
    id = await closed(house)
    old = await ours(house)
    assert certificates.fingerprint(old) in await admin.look(f"/hosts/{id}/settings")
    await admin.look(f"/hosts/{id}/settings/certificate/rotate")
    assert await ours(house) == old  # asking changes nothing
    made = await admin.send(f"/hosts/{id}/settings/certificate/rotate")
    new = await ours(house)
    assert new != old
    assert "A new certificate was made" in made.text
    assert certificates.fingerprint(new) in made.text
    assert [one.strip() for one in house.see("alpha").trusted] == [new.strip()]


async def test_a_refusal_is_said_and_leaves_the_old_one(admin: Visitor, house: Inn) -> None:
    id = await closed(house)
    old = await ours(house)
    house.change("alpha", lambda world: world.faults.append(Fault(call="trust", kind="refuse")))
    refused = await admin.send(f"/hosts/{id}/settings/certificate/rotate")
    assert refused.status_code == 503
    assert 'id="trouble"' in refused.text
    assert await ours(house) == old


async def test_a_brought_one_takes_its_place(admin: Visitor, house: Inn) -> None:
    id = await closed(house)
    mine = certificates.make(name="mine")
    put = await admin.send(f"/hosts/{id}/settings/certificate/replace", certificate=mine.certificate, key=mine.key)
    assert "The certificate was replaced." in put.text
    assert certificates.fingerprint(mine.certificate) in put.text
    assert house.see("alpha").trusted == [mine.certificate]


async def test_a_brought_one_that_is_wrong(admin: Visitor, house: Inn) -> None:
    id = await closed(house)
    mine, other = certificates.make(name="mine"), certificates.make(name="other")
    path = f"/hosts/{id}/settings/certificate/replace"
    for certificate, key, field in (
        ("", "", "certificate"),
        (mine.certificate, "", "key"),
        ("", mine.key, "certificate"),
        ("garbage", mine.key, "certificate"),
        (mine.certificate, other.key, "key"),
    ):
        refused = await admin.send(path, certificate=certificate, key=key)
        assert refused.status_code == 400, field
        assert f'id="{field}-wrong"' in refused.text
        assert "PRIVATE KEY" not in refused.text


async def test_both_fingerprints_are_shown_before_a_new_one_is_pinned(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    path = f"/hosts/{id}/settings/certificate/server"
    right = (await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"]
    page = await admin.look(path)
    assert (shown(page, "pinned"), shown(page, "shown")) == (right, right)
    assert '<button class="p-button--negative">' not in page

    def reinstalled(write: Write) -> None:
        """As if another certificate had been pinned before the server got its present one."""
        hosts.update(write, id, fingerprint="ab" * 32, server_certificate="simulated before\n")

    house.house.services.database.transact(reinstalled)
    page = await admin.look(path)
    assert (shown(page, "pinned"), shown(page, "shown")) == ("ab" * 32, right)
    refused = await admin.send(path, certificate_fingerprint="cd" * 32)  # what is pinned is what a person has seen
    assert refused.status_code in (409, 503)
    assert (await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"] == "ab" * 32
    pinned = await admin.send(path, certificate_fingerprint=right)
    assert "The server&#39;s new certificate is pinned." in pinned.text
    assert (await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"] == right
    assert (await admin.send(path)).status_code == 400


async def test_a_changed_one_leads_to_both(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)  # from now on nothing of it changes by itself
    path = f'href="/hosts/{id}/settings/certificate/server"'
    assert path not in await admin.look(f"/hosts/{id}")

    def changed(write: Write) -> None:
        hosts.update(write, id, state=HostState.CHANGED, reason="It shows another certificate.")

    house.house.services.database.transact(changed)
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        for place in ("/hosts", f"/hosts/{id}"):
            page = await admin.look(place)
            assert path in page
            assert "It shows another certificate." in page
            assert path not in await ann.look(place)


async def test_a_server_that_does_not_answer_is_said(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "up", False))
    page = await admin.look(f"/hosts/{id}/settings/certificate/server")
    assert shown(page, "shown") == ""
    assert "does not answer" in page


async def test_they_are_for_administrators(house: Inn) -> None:
    id = await house.add_host()
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        for name in ("rotate", "replace", "server"):
            await ann.look(f"/hosts/{id}/settings/certificate/{name}", status=403)
            assert (await ann.send(f"/hosts/{id}/settings/certificate/{name}")).status_code == 403
