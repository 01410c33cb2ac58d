"""What somebody should look at: on top of every page for those whom it concerns, once as an event, and as a metric."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from innkeeper.hypervisors.lxd import certificates
from innkeeper.operations import notices
from innkeeper.store import hosts
from innkeeper.store.database import Write
from tests.api.facts import events, give, live
from tests.kit.house import Inn
from tests.kit.until import until
from tests.web.visitor import Visitor

GB = 10**9
_SHOWN = re.compile(r'data-notice="([^"]*)"')
_SAMPLE = re.compile(r'^innkeeper_notices\{host="(\w+)",kind="(\w+)"\} (\S+)$', re.MULTILINE)


async def look(house: Inn) -> None:
    """What the watcher does now and then."""
    await notices.look(house.house.services)


def shown(page: str) -> list[str]:
    """The subjects of the notices on a page."""
    return _SHOWN.findall(page)


async def told(house: Inn) -> list[tuple[str, str]]:
    """What events said of notices: (what, text)."""
    found = await events(house.admin)
    return [(one["what"], one["text"]) for one in found if one["what"].startswith("notice")]


async def metric(house: Inn) -> dict[tuple[str, str], float]:
    text = (await house.nobody.call("GET", "/metrics")).text
    return {(host, kind): float(value) for host, kind, value in _SAMPLE.findall(text)}


async def ends_in(house: Inn, days: float, name: str = "alpha") -> int:
    """A host to which we show a certificate that ends in so many days."""
    made = certificates.make(name="old", now=datetime.now(UTC) - timedelta(days=3650 - days))
    return await house.add_host(name, certificate=made.certificate, key=made.key)


def away(house: Inn, id: int, seconds: float) -> None:
    """As if a host had been unreachable for so long."""

    def change(write: Write) -> None:
        hosts.update(write, id, state="unreachable", reason="it does not answer")
        hosts.update(write, id, state_since=write.now() - seconds)

    house.house.services.database.transact(change)


async def test_a_certificate_is_told_at_each_stage_once(admin: Visitor, house: Inn) -> None:
    id = await ends_in(house, 20.5)
    await look(house)
    page = await admin.look("/zones")
    assert shown(page) == [f"certificate/{id}"]
    assert "ends in 20 days" in page
    assert f'href="/hosts/{id}/settings#client-certificate"' in page
    assert (await metric(house))["alpha", "certificate"] == 1
    await look(house)
    assert len(await told(house)) == 1
    database = house.house.services.database
    now = datetime.now(UTC).timestamp()
    database.transact(hosts.update, id, certificate_expires=now + 19.5 * 86400)
    await look(house)
    assert "ends in 19 days" in await admin.look("/zones")  # the words follow, nothing is told anew
    assert len(await told(house)) == 1
    database.transact(hosts.update, id, certificate_expires=now + 5.5 * 86400)
    await look(house)
    [_, (what, text)] = await told(house)
    assert (what, "ends in 5 days" in text) == ("notice", True)
    await house.admin.put(f"vm-hosts/{id}/", regenerate_certificate="true")
    await look(house)
    assert [one for one, _ in await told(house)] == ["notice", "notice", "notice over"]
    assert shown(await admin.look("/zones")) == []
    assert (await metric(house))["alpha", "certificate"] == 0


async def test_a_host_that_is_away(admin: Visitor, house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)
    away(house, id, 590)
    await look(house)
    assert shown(await admin.look("/zones")) == []
    away(house, id, 610)
    await look(house)
    page = await admin.look("/zones")
    assert shown(page) == [f"unreachable/{id}"]
    assert "UTC. It does not answer" in page


async def test_how_long_it_is_away_is_counted_from_the_first_moment(house: Inn) -> None:
    """Another reason is no new absence."""
    id = await house.add_host()
    await live(house, id)
    database = house.house.services.database
    since = database.ask(hosts.find, id).state_since
    assert since > 0
    database.transact(hosts.update, id, state="unreachable", reason="one")
    first = database.ask(hosts.find, id).state_since
    assert first > since
    database.transact(hosts.update, id, state="unreachable", reason="two")
    assert database.ask(hosts.find, id).state_since == first


async def test_a_pool_that_is_nearly_full(admin: Visitor, house: Inn) -> None:
    house.change("alpha", lambda world: world.pools.update({"default": 100 * GB}))
    id = await house.add_host()
    await house.admin.compose(id, storage="90")
    await look(house)
    assert shown(await admin.look("/zones")) == []
    await house.admin.compose(id, storage="5")
    await look(house)
    page = await admin.look("/zones")
    assert shown(page) == [f"pool/{id}/default"]
    assert f'href="/hosts/{id}/storage/default"' in page
    assert (await metric(house))["alpha", "pool"] == 1


def take(world: Any) -> None:
    del world.instances["default/web"]
    world.tell("instance-deleted", "default", "web")


async def test_a_missing_machine_is_told_to_those_who_may_see_it(admin: Visitor, house: Inn) -> None:
    id = await ends_in(house, 20)
    system_id = await house.admin.compose(id, hostname="web")
    ann = house.client(username="ann")
    house.client(username="bob")
    give(house, system_id, ann)
    await live(house, id)
    house.change("alpha", take)

    async def missing() -> bool:
        return bool((await house.admin.get(f"machines/{system_id}/"))["status_name"] == "Missing")

    await until(missing)
    await look(house)
    assert len(await told(house)) == 2
    page = await admin.look("/zones")
    assert shown(page) == [f"missing/{system_id}", f"certificate/{id}"]  # the urgent one first
    assert f'href="/machines/{system_id}"' in page
    async with Visitor(house) as owner:
        await owner.sign_in("ann")
        assert shown(await owner.look("/zones")) == [f"missing/{system_id}"]
        assert shown(await owner.look("/notices")) == [f"missing/{system_id}"]
    async with Visitor(house) as other:
        await other.sign_in("bob")
        assert shown(await other.look("/zones")) == []
        assert "There is nothing to look at" in await other.look("/notices")


async def test_the_first_few_are_on_top_and_all_are_on_their_page(admin: Visitor, house: Inn) -> None:
    ids = [await ends_in(house, 20, name) for name in ("alpha", "beta", "gamma", "delta", "eps")]
    away(house, ids[-1], 700)
    await look(house)
    page = await admin.look("/zones")
    assert len(shown(page)) == 3
    assert shown(page)[0] == f"unreachable/{ids[-1]}"
    assert "3 more notices" in page
    everything = shown(await admin.look("/notices"))
    assert sorted(everything) == sorted([*(f"certificate/{id}" for id in ids), f"unreachable/{ids[-1]}"])


async def test_a_removed_host_takes_its_notices_along(admin: Visitor, house: Inn) -> None:
    id = await ends_in(house, 3)
    await look(house)
    assert shown(await admin.look("/zones"))
    await house.admin.delete(f"vm-hosts/{id}/")
    assert shown(await admin.look("/zones")) == []
    await look(house)
    assert not await metric(house)
