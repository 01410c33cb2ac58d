"""The first run: one administrator, made by who sees the server's terminal, once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from innkeeper.api.app import make_app
from innkeeper.api.house import House
from innkeeper.settings import Settings
from innkeeper.store import first_run, sessions, users
from tests.kit.client import Client
from tests.kit.house import Inn
from tests.kit.server import Server, running
from tests.web.visitor import Visitor


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Inn]:
    """A house without any user."""
    app = make_app(Settings(data=tmp_path, first_admin=False))
    house: House = app.state.house
    async with app.router.lifespan_context(app):
        yield Inn(app=app, house=house, admin=Client(None, None), hosts=tmp_path)  # type: ignore[arg-type]


def offered(empty: Inn) -> str:
    services = empty.house.services
    return services.database.transact(first_run.offer, services.cipher)


def account(code: str, **fields: Any) -> dict[str, Any]:
    return {"code": code, "username": "root", "password": "long enough", "again": "long enough"} | fields


async def test_the_administrator_is_made_and_goes_on_to_the_first_host(empty: Inn) -> None:
    code = offered(empty)
    async with Visitor(empty) as one:
        assert (await one.http.get("/")).url.path == "/first-run"
        there = await one.send("/first-run", **account(code.upper().replace("-", " ")))
        assert there.url.path == "/hosts/add"
        assert "The administrator root was made." in there.text
        assert "Your first VM host" in there.text
        assert (await one.http.get("/first-run")).url.path == "/hosts"
    (made,) = empty.house.services.database.ask(users.listing)
    assert (made.username, made.is_admin) == ("root", True)


async def test_a_stranger_without_the_code_makes_nobody(empty: Inn) -> None:
    offered(empty)
    async with Visitor(empty) as one:
        refused = await one.send("/first-run", **account("aaaa-bbbb-cccc-dddd"))
        assert refused.status_code == 403
        assert 'value="root"' in refused.text
        assert "long enough" not in refused.text
        for _ in range(sessions.MOST):
            last = await one.send("/first-run", **account("aaaa-bbbb-cccc-dddd"))
        assert last.status_code == 429
        assert (await one.send("/first-run", origin="http://evil.example", **account("x"))).status_code == 403
    assert empty.house.services.database.ask(users.listing) == []


async def test_of_two_at_once_one_is_made(empty: Inn) -> None:
    code = offered(empty)
    async with Visitor(empty) as one, Visitor(empty) as two:
        await asyncio.gather(
            one.send("/first-run", **account(code, username="one")),
            two.send("/first-run", **account(code, username="two")),
        )
    assert len(empty.house.services.database.ask(users.listing)) == 1


async def test_the_code_is_one_until_it_is_used_and_helps_no_more_afterwards(empty: Inn) -> None:
    code = offered(empty)
    assert offered(empty) == code
    async with Visitor(empty) as one:
        differs = await one.send("/first-run", **account(code, again="another"))
        assert 'id="again-wrong"' in differs.text
        wrong = await one.send("/first-run", **account(code, username="no blanks"))
        assert 'id="username-wrong"' in wrong.text
        for odd in ("a\0b@x.example", "a\x1bb@x.example"):
            assert 'id="email-wrong"' in (await one.send("/first-run", **account(code, email=odd))).text
        assert 'id="username-wrong"' in (await one.send("/first-run", **account(code, username="a\0b"))).text
        await one.send("/first-run", **account(code))
        assert offered(empty) == ""
        assert (await one.send("/first-run", **account(code, username="second"))).url.path == "/hosts"
    assert len(empty.house.services.database.ask(users.listing)) == 1


async def test_where_nothing_is_offered_one_signs_in(house: Inn) -> None:
    async with Visitor(house) as one:
        assert (await one.http.get("/first-run")).url.path == "/sign-in"
        assert (await one.send("/first-run", **account("x"))).url.path == "/sign-in"


def test_a_start_without_an_administrator_prints_the_code(tmp_path: Path) -> None:
    server = Server(tmp_path, first_admin=False)
    with running(server):
        server.stop()
        server.start()
        printed = server.log.read_text()
    assert "password" not in printed
    codes = set(re.findall(r"code: (\S+)", printed))
    assert len(codes) == 1
    assert f"{server.base.replace('127.0.0.1', 'localhost')}/first-run" in printed
    server.key()  # there is a user now
    before = len(printed)
    with running(server):
        assert "code:" not in server.log.read_text()[before:]
