"""The settings of a VM host: each form changes its own, and what is wrong stands beside its field."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.api.facts import audits, live
from tests.kit.house import Inn
from tests.web.visitor import Visitor

GENERAL = {
    "name": "alpha",
    "zone": "default",
    "pool": "default",
    "tags": "",
    "default_storage_pool": "default",
    "default_macvlan_mode": "",
    "guest_address": "",
    "schedulable": "true",
    "closed_reason": "",
}


async def two_pools(house: Inn) -> int:
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "slow": 10**12}))
    return await house.add_host()


def filled_in(page: str, name: str) -> str:
    """What the field of that name holds."""
    box = re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]* value="([^"]*)"', page)
    if box:
        return html.unescape(box[1])
    choice = re.search(rf'<select[^>]* name="{re.escape(name)}".*?</select>', page, re.DOTALL)
    assert choice, f"no field {name}"
    found = re.search(r'<option value="([^"]*)" selected', choice[0])
    return html.unescape(found[1]) if found else ""


def fields_of(page: str, group: str) -> dict[str, str]:
    """All fields of one form as they are shown, also hidden ones."""
    form = re.search(rf'<form[^>]*action="[^"]*/settings/{group}#.*?</form>', page, re.DOTALL)
    assert form, f"no form {group}"
    names = dict.fromkeys(re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', form[0]))
    return {name: filled_in(form[0], name) for name in names}


def wrong(page: str, name: str) -> str:
    """What is said beside that field."""
    found = re.search(rf'id="{re.escape(name)}-wrong">([^<]*)<', page)
    return html.unescape(found[1]) if found else ""


async def test_general_settings_are_saved_and_shown(admin: Visitor, house: Inn) -> None:
    id = await two_pools(house)
    await house.admin.post("zones/", name="north")
    await house.admin.post("resourcepools/", name="build")
    sent = GENERAL | {
        "name": "beta",
        "zone": "north",
        "pool": "build",
        "tags": "ssd, rack-7",
        "default_storage_pool": "slow",
        "default_macvlan_mode": "vepa",
        "guest_address": "192.0.2.1:5240",
    }
    saved = await admin.send(f"/hosts/{id}/settings/general", **sent)
    assert saved.url.path == f"/hosts/{id}/settings"
    assert "The settings were saved." in saved.text
    told = await house.admin.get(f"vm-hosts/{id}/")
    assert (told["name"], told["zone"]["name"], told["pool"]["name"]) == ("beta", "north", "build")
    assert (told["tags"], told["default_macvlan_mode"]) == (["ssd", "rack-7"], "vepa")
    assert [one["name"] for one in told["storage_pools"] if one["default"]] == ["slow"]
    page = await admin.look(f"/hosts/{id}/settings")
    assert {name: filled_in(page, name) for name in sent} == sent
    emptied = await admin.send(f"/hosts/{id}/settings/general", **GENERAL)
    assert emptied.status_code == 200
    again = await house.admin.get(f"vm-hosts/{id}/")
    assert (again["name"], again["tags"], again["default_macvlan_mode"]) == ("alpha", [], None)


async def test_what_is_sent_back_unchanged_changes_nothing(admin: Visitor, house: Inn) -> None:
    id = await house.add_host(cpu_over_commit_ratio="1.23456789", memory_over_commit_ratio="0")
    await live(house, id)
    page = await admin.look(f"/hosts/{id}/settings")
    before, said = await house.admin.get(f"vm-hosts/{id}/"), await audits(house.admin)
    for group, names in {
        "general": tuple(GENERAL),
        "overcommit": ("cpu_over_commit_ratio", "memory_over_commit_ratio"),
        "pools": ("ratio.default",),
        "connection": ("power_address",),
    }.items():
        fields = {name: filled_in(page, name) for name in names}
        assert (await admin.send(f"/hosts/{id}/settings/{group}", **fields)).status_code == 200
    assert await house.admin.get(f"vm-hosts/{id}/") == before
    assert await audits(house.admin) == said


async def test_ratios_are_saved(admin: Visitor, house: Inn) -> None:
    id = await two_pools(house)
    path = f"/hosts/{id}/settings"
    await admin.send(f"{path}/overcommit", cpu_over_commit_ratio="1.4", memory_over_commit_ratio="0")
    await admin.send(f"{path}/pools", **{"ratio.default": "1", "ratio.slow": "2.5"})
    told = await house.admin.get(f"vm-hosts/{id}/")
    assert (told["cpu_over_commit_ratio"], told["memory_over_commit_ratio"]) == (1.4, 0.0)
    ratios = {one["name"]: one["over_commit_ratio"] for one in told["storage_pools"]}
    assert ratios == {"default": 1.0, "slow": 2.5}


@pytest.mark.parametrize(
    ("group", "sent", "field"),
    [
        ("general", GENERAL | {"name": ""}, "name"),
        ("general", GENERAL | {"name": "not a name!"}, "name"),
        ("general", GENERAL | {"guest_address": "no such thing"}, "guest_address"),
        ("general", GENERAL | {"closed_reason": "because"}, "closed_reason"),
        ("overcommit", {"cpu_over_commit_ratio": "10.1", "memory_over_commit_ratio": "1"}, "cpu_over_commit_ratio"),
        ("overcommit", {"cpu_over_commit_ratio": "1", "memory_over_commit_ratio": ""}, "memory_over_commit_ratio"),
        ("overcommit", {"cpu_over_commit_ratio": "-1", "memory_over_commit_ratio": "1"}, "cpu_over_commit_ratio"),
        ("connection", {"power_address": ""}, "power_address"),
        ("connection", {"power_address": "alpha", "certificate_fingerprint": "xyz"}, "certificate_fingerprint"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    admin: Visitor, house: Inn, group: str, sent: dict[str, Any], field: str
) -> None:
    id = await house.add_host()
    await live(house, id)
    before = await house.admin.get(f"vm-hosts/{id}/")
    refused = await admin.send(f"/hosts/{id}/settings/{group}", **sent)
    assert refused.status_code == 400
    assert wrong(refused.text, field)
    assert filled_in(refused.text, field) == sent[field]
    assert refused.text.count('id="trouble"') == 1
    assert await house.admin.get(f"vm-hosts/{id}/") == before


async def test_a_ratio_of_a_pool_that_is_wrong_is_said(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    refused = await admin.send(f"/hosts/{id}/settings/pools", **{"ratio.default": "11"})
    assert refused.status_code == 400
    assert "default:11" in html.unescape(refused.text)
    assert filled_in(refused.text, "ratio.default") == "11"


async def test_closed_with_a_reason_and_opened_again(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    closed = GENERAL | {"schedulable": "false", "closed_reason": "new disks on Monday"}
    page = await admin.send(f"/hosts/{id}/settings/general", **closed)
    assert "new disks on Monday" in page.text
    told = await house.admin.get(f"vm-hosts/{id}/")
    assert (told["schedulable"], told["closed_reason"]) == (False, "new disks on Monday")
    await admin.send(
        f"/hosts/{id}/settings/general", **closed | {"schedulable": "true"}
    )  # the old reason is there still
    told = await house.admin.get(f"vm-hosts/{id}/")
    assert (told["schedulable"], told["closed_reason"]) == (True, "")


async def test_a_name_that_is_taken(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    await house.add_host("beta")
    refused = await admin.send(f"/hosts/{id}/settings/general", **GENERAL | {"name": "beta"})
    assert refused.status_code == 409
    assert "beta" in refused.text
    assert filled_in(refused.text, "name") == "beta"


async def test_another_server_at_the_new_address_is_refused_with_both_fingerprints(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    mine = (await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"]
    other = await house.add_host("beta")
    theirs = (await house.admin.get(f"vm-hosts/{other}/"))["certificate_fingerprint"]
    await house.admin.delete(f"vm-hosts/{other}/")
    path = f"/hosts/{id}/settings/connection"
    refused = await admin.send(path, power_address="beta")
    assert refused.status_code in (409, 503)
    assert mine in refused.text
    assert theirs in refused.text
    assert filled_in(refused.text, "power_address") == "beta"
    moved = await admin.send(path, power_address="beta", certificate_fingerprint=theirs)
    assert "The settings were saved." in moved.text
    assert (await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"] == theirs


async def test_it_is_trusted_at_last(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await house.add_host()
    assert (await house.admin.get(f"vm-hosts/{id}/"))["state"] == "waiting for trust"
    page = await admin.look(f"/hosts/{id}/settings")
    saved = await admin.send(
        f"/hosts/{id}/settings/connection", power_address=filled_in(page, "power_address"), password="token"
    )
    assert "token" not in re.sub(r"Trust token", "", saved.text)
    assert (await house.admin.get(f"vm-hosts/{id}/"))["state"] == "ready"


async def test_it_is_for_administrators(house: Inn) -> None:
    id = await house.add_host()
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        assert f"/hosts/{id}/settings" not in await ann.look(f"/hosts/{id}")
        await ann.look(f"/hosts/{id}/settings", status=403)
        await ann.look(f"/hosts/{id}/settings/preview", status=403)
        assert (await ann.send(f"/hosts/{id}/settings/general", **GENERAL)).status_code == 403


async def test_what_is_not_there(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    await admin.look("/hosts/99/settings", status=404)
    await admin.look(f"/hosts/{id}/settings/nothing", status=404)
    assert (await admin.send("/hosts/99/settings/general", **GENERAL)).status_code == 404
    assert 'id="general"' in await admin.look(f"/hosts/{id}/settings/general")


async def test_what_another_changed_meanwhile_stays(admin: Visitor, house: Inn) -> None:
    """Two people have the settings open; the second one saves only what they changed themselves."""
    id = await house.add_host()
    shown = fields_of(await admin.look(f"/hosts/{id}/settings"), "general")
    await house.admin.put(f"vm-hosts/{id}/", schedulable="false", closed_reason="new disks", tags="ssd")
    saved = await admin.send(f"/hosts/{id}/settings/general", **shown | {"name": "beta"})
    assert "were saved" in saved.text
    now = await house.admin.get(f"vm-hosts/{id}/")
    assert (now["name"], now["schedulable"], now["closed_reason"], now["tags"]) == ("beta", False, "new disks", ["ssd"])


async def test_a_ratio_that_another_changed_meanwhile_stays(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    shown = fields_of(await admin.look(f"/hosts/{id}/settings"), "overcommit")
    await house.admin.put(f"vm-hosts/{id}/", cpu_over_commit_ratio="3")
    await admin.send(f"/hosts/{id}/settings/overcommit", **shown | {"memory_over_commit_ratio": "2"})
    now = await house.admin.get(f"vm-hosts/{id}/")
    assert (now["cpu_over_commit_ratio"], now["memory_over_commit_ratio"]) == (3.0, 2.0)
