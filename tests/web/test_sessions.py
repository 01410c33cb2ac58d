"""Signing in and out, who may go on, and what another site cannot do."""

from __future__ import annotations

import pytest

from innkeeper.store import sessions
from innkeeper.store.database import Write
from tests.kit.house import Inn
from tests.web.visitor import Visitor


async def test_a_page_asks_who_one_is_and_then_shows_itself(house: Inn) -> None:
    async with Visitor(house) as one:
        answer = await one.http.get("/zones?a=b")
        assert answer.url.path == "/sign-in"
        assert answer.url.params["next"] == "/zones?a=b"
        there = await one.send("/sign-in", username="admin", password="secret", next="/zones?a=b")
        assert there.url.path == "/zones"
        assert (await one.send("/sign-out")).url.path == "/sign-in"
        assert (await one.http.get("/zones")).url.path == "/sign-in"


async def test_nobody_is_led_to_another_site(house: Inn) -> None:
    for target in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "//[",
        "/x]//[",
    ):
        async with Visitor(house) as one:
            there = await one.send("/sign-in", username="admin", password="secret", next=target)
            assert there.url.host == "inn.test", target


async def test_what_failed_too_often_waits(house: Inn) -> None:
    async with Visitor(house) as one:
        for _ in range(sessions.MOST):
            assert (await one.send("/sign-in", username="admin", password="wrong")).status_code == 403
        right = await one.send("/sign-in", username="admin", password="secret")
        assert right.status_code == 429
        assert "Try again in 15 minutes" in right.text


@pytest.mark.parametrize(("others", "locked"), [(1, False), (sessions.MOST * 20, True)])
async def test_who_fails_elsewhere_locks_nobody_out_but_many_do(house: Inn, others: int, locked: bool) -> None:
    def fails(write: Write) -> None:
        for number in range(others):
            for _ in range(sessions.MOST if others == 1 else 1):
                sessions.failed(write, sessions.attempts("admin", f"10.0.0.{number}"))

    house.house.services.database.transact(fails)
    async with Visitor(house) as one:
        assert (await one.send("/sign-in", username="admin", password="secret")).status_code == (429 if locked else 200)


async def test_one_who_tries_many_names_is_stopped(house: Inn) -> None:
    async with Visitor(house) as one:
        for number in range(5 * sessions.MOST):
            assert (await one.send("/sign-in", username=f"u{number}", password="x")).status_code == 403
        assert (await one.send("/sign-in", username="admin", password="secret")).status_code == 429


async def test_another_sites_page_changes_nothing(admin: Visitor, house: Inn) -> None:
    for origin in ("http://evil.example", "null", "http://inn.test.evil.example", "http://["):
        refused = await admin.send("/zones/new", origin=origin, name="north")
        assert refused.status_code == 403, origin
    assert len(await house.admin.get("zones/")) == 1


async def test_the_cookie_is_not_what_is_stored(admin: Visitor, house: Inn) -> None:
    token = admin.http.cookies["innkeeper_session"]
    database = house.house.services.database
    assert database.ask(sessions.user, token) is not None
    raw = (house.hosts.parent / "innkeeper.sqlite").read_bytes()
    assert token.encode() not in raw
