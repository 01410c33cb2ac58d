"""A form that is sent twice, as by a double click, makes what it makes once."""

from __future__ import annotations

import re

from tests.kit.house import Inn
from tests.web.visitor import Visitor


async def marked(admin: Visitor, path: str) -> str:
    """The mark of a form that is shown."""
    found = re.search(r'name="once" value="([0-9a-f]{32})"', await admin.look(path))
    assert found
    return found[1]


async def test_an_api_key(admin: Visitor, house: Inn) -> None:
    before = len(await house.admin.get("account/", op="list_authorisation_tokens"))
    mark = await marked(admin, "/account/keys/new")
    assert mark != await marked(admin, "/account/keys/new")
    first = await admin.send("/account/keys/new", name="juju", once=mark)
    assert 'id="key"' in first.text
    second = await admin.send("/account/keys/new", name="juju", once=mark)
    assert second.url.path == "/account/keys"
    assert "made its key already" in second.text
    assert len(await house.admin.get("account/", op="list_authorisation_tokens")) == before + 1


async def test_an_address_without_a_number(admin: Visitor, house: Inn) -> None:
    await house.add_host()
    (subnet, *_) = await house.admin.get("subnets/")
    where = f"/addresses/new?subnet={subnet['id']}"
    mark = await marked(admin, where)
    for words in ("was reserved", "reserved its address already"):
        there = await admin.send(where, subnet=f"id:{subnet['id']}", once=mark)
        assert words in there.text
    assert len(await house.admin.get("ipaddresses/")) == 1


async def test_a_vm_host_that_is_begun(admin: Visitor, house: Inn) -> None:
    said = {"power_address": "10.0.0.1:8443", "name": "alpha", "zone": "default", "pool": "default"}
    mark = await marked(admin, "/hosts/add")
    assert (await admin.send("/hosts/add", **said, once=mark)).url.path == "/hosts/add/1/credentials"
    again = await admin.send("/hosts/add", **said, once=mark)
    assert again.url.path == "/hosts"
    assert "go on with it here" in again.text
    assert "/hosts/add/1" in again.text
    assert "/hosts/add/2" not in again.text


async def test_what_was_refused_can_be_sent_again(admin: Visitor) -> None:
    wrong = await admin.send("/addresses/new", ip="nonsense", once=await marked(admin, "/addresses/new"))
    found = re.search(r'name="once" value="([0-9a-f]{32})"', wrong.text)
    assert found
    again = await admin.send("/addresses/new", ip="nonsense", once=found[1])
    assert 'id="ip-wrong"' in again.text
