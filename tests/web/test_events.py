"""Events as a page: searched, turned over, and who sees which."""

from __future__ import annotations

import re

from innkeeper.store import events as stored
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from tests.api.facts import events
from tests.kit.house import Inn
from tests.web.visitor import Visitor


def shown(text: str) -> list[int]:
    return [int(id) for id in re.findall(r'<tr id="event-(\d+)"', text)]


async def test_all_events_are_found_page_by_page(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()

    def add(write: Write) -> None:
        for number in range(120):
            stored.add(write, Event(kind="host", what="test", text=f"number {number}", host_id=host))

    house.house.services.database.transact(add)
    wanted = [one["id"] for one in reversed(await events(house.admin)) if one["kind"] == "host"]
    path, found = "/events?kind=host", []
    while path:
        text = await admin.look(path)
        found += shown(text)
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = older[1].replace("&amp;", "&") if older else ""
        last = text
    assert found == wanted
    newer = re.search(r'href="([^"]+)" rel="prev"', last)
    assert newer is not None
    back = shown(await admin.look(newer[1].replace("&amp;", "&")))
    assert back == wanted[wanted.index(back[0]) :][: len(back)]
    assert back[-1] > shown(last)[0]


async def test_searched(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    id = await house.admin.compose(host, hostname="web")
    told = await events(house.admin)
    for query, right in (
        ("q=WEB+ready", lambda one: "web" in one["text"].lower() and "ready" in one["text"].lower()),
        ("kind=audit&actor=admin", lambda one: one["kind"] == "audit" and one["actor"] == "admin"),
        ("machine=web", lambda one: one["system_id"] == id),
        (f"machine={id}", lambda one: one["system_id"] == id),
        ("host=alpha&kind=machine", lambda one: one["host_id"] == host and one["kind"] == "machine"),
    ):
        wanted = [one["id"] for one in reversed(told) if right(one)]
        assert wanted
        assert set(wanted) <= set(shown(await admin.look(f"/events?{query}"))) | set(wanted[50:]), query
    assert shown(await admin.look("/events?q=100%25")) == []
    assert "No event matches" in await admin.look("/events?q=nothing-of-the-kind")


async def test_audit_is_for_administrators(admin: Visitor, house: Inn) -> None:
    await house.add_host()
    house.client(username="ann")
    assert "signed in" in await admin.look("/events?kind=audit")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        text = await ann.look("/events")
        assert shown(text)
        assert ">audit<" not in text
        await ann.look("/events?kind=audit", status=403)
