"""One search for all."""

from __future__ import annotations

import re

import pytest

from tests.kit.house import Inn
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
