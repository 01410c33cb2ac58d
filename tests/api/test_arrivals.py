"""How a deployed guest shows itself: it calls, or its host sees it; which call counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from innkeeper.hypervisors.base import GuestFacts
from innkeeper.hypervisors.simulated_world import Fault
from tests.api.facts import events
from tests.kit.deployments import call, give_image, phone_home_url, ready, status, until_started, until_status
from tests.kit.house import Inn, inn
from tests.kit.until import until


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    """One that guests could reach, if it listened."""
    async with inn(tmp_path, host="0.0.0.0") as one:
        yield one


async def test_a_guest_that_cannot_reach_us_is_known_by_its_lease(house: Inn) -> None:
    system_id = await ready(house)
    give_image(house, our_end="")
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
    await until_started(house, system_id)
    assert phone_home_url(house, "web") == ""
    told = [one["text"] for one in await events(house.admin, system_id=system_id)]
    assert any("when its agent or a lease of its network shows it" in text for text in told)
    mac = (await house.admin.get(f"machines/{system_id}/"))["interface_set"][0]["mac_address"]
    facts = GuestFacts(addresses=((mac, "10.0.0.7"),))
    house.change("alpha", lambda state: state.leases.append(("br0", mac, "10.0.0.7")))
    house.change("alpha", lambda state: state.guests.update({"default/web": facts}))
    await until_status(house, system_id, "Deployed")
    told = [one["text"] for one in await events(house.admin, system_id=system_id)]
    assert "web is up: its host sees its lease" in told
    assert (await house.admin.get(f"machines/{system_id}/"))["ip_addresses"] == ["10.0.0.7"]


async def test_an_address_that_was_set_is_believed(tmp_path: Path) -> None:
    async with inn(tmp_path, host="127.0.0.1") as house:
        system_id = await ready(house)
        host = (await house.admin.get("vm-hosts/"))[0]
        assert host["guest_address"] == ""
        changed = await house.admin.put(f"vm-hosts/{host['id']}/", guest_address="inn.example:80")
        assert changed["guest_address"] == "inn.example:80"
        wrong = await house.admin.call("PUT", f"vm-hosts/{host['id']}/", guest_address="ftp://inn")
        assert (wrong.status_code, set(wrong.json())) == (400, {"guest_address"})
        await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
        await until_started(house, system_id)
        assert phone_home_url(house, "web").startswith("http://inn.example:80/phone-home/")


async def test_a_call_that_nobody_waits_for(house: Inn) -> None:
    for path in ("/phone-home/x", f"/phone-home/{'x' * 5000}", "/phone-home/%00"):
        for method in ("GET", "POST"):
            answer = await house.admin.http.request(method, path)
            assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (404, "text/plain")
    big = await house.admin.http.post("/phone-home/x", content=b"x" * 70_000)
    assert big.status_code == 413


async def test_of_many_calls_at_once_one_counts(house: Inn) -> None:
    system_id = await ready(house)
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
    await until_started(house, system_id)
    url = phone_home_url(house, "web")
    answers = await asyncio.gather(*(call(house, url) for _ in range(5)))
    assert sorted(answers) == [200, 404, 404, 404, 404]
    told = [one for one in await events(house.admin, system_id=system_id) if one["what"] == "arrived"]
    assert len(told) == 1


async def test_a_guest_that_calls_while_it_is_being_started(house: Inn) -> None:
    """It is Deployed when the deployment has ended, and not before: that may yet be undone."""
    system_id = await ready(house)
    slow = Fault(call="start", kind="delay", when="after", seconds=1.0)
    house.change("alpha", lambda state: state.faults.append(slow))
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")

    async def starting() -> bool:
        return house.see("alpha").calls.get("start", 0) > 0

    await until(starting)
    assert await call(house, phone_home_url(house, "web")) == 200
    assert await status(house, system_id) == "Deploying"
    await until_status(house, system_id, "Deployed")
    assert (await house.admin.get(f"machines/{system_id}/"))["power_state"] == "on"


async def test_a_guest_that_called_and_was_called_off_in_the_same_moment(house: Inn) -> None:
    """The abort counts."""
    system_id = await ready(house)
    slow = Fault(call="start", kind="delay", when="after", seconds=1.0)
    house.change("alpha", lambda state: state.faults.append(slow))
    await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")

    async def starting() -> bool:
        return house.see("alpha").calls.get("start", 0) > 0

    await until(starting)
    assert await call(house, phone_home_url(house, "web")) == 200
    await house.admin.post(f"machines/{system_id}/", op="abort")
    await until_status(house, system_id, "Allocated")
    assert house.see("alpha").instances["default/web"].tag("image") == ""
