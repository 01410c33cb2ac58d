"""The way between processes of one installation: who is let in, and what viewers hear when there is no way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web

from innkeeper.model.relay import Call, Pass
from innkeeper.operations import relay
from innkeeper.store.consoles import place
from innkeeper.store.database import Write
from innkeeper.store.tables import host, process
from tests.api.facts import give
from tests.api.serial import connections, let_go, prints, running
from tests.kit.client import oauth
from tests.kit.house import Inn
from tests.kit.server import free_port
from tests.kit.until import until
from tests.kit.watcher import Watcher


def signed(house: Inn, call: Call, *, at: float | None = None, nonce: str = "a" * 32) -> str:
    """The header of a pass as this installation's processes make it; fresh unless `at` says when."""
    services = house.house.services
    if at is None:
        at = services.database.transact(Write.now)
    blank = Pass(at=f"{at:.3f}", nonce=nonce)
    return replace(blank, signature=services.cipher.signature(blank.signed_text(call), purpose="relay")).header


async def watched(house: Inn) -> str:
    """A machine that runs on a host that this process watches."""
    id = await running(house, hostname="web1")

    async def claimed() -> bool:
        there = await house.house.services.database.reading(place, id)
        return there is not None and there.watcher == house.house.engine.me

    await until(claimed)
    return id


def call_of(house: Inn, system_id: str, owner_id: int | None = None) -> Call:
    return Call(process=house.house.engine.me, system_id=system_id, owner_id=owner_id)


async def refusal(address: str, call: Call, header: str) -> tuple[int, str]:
    """How a websocket to another process is refused."""
    told = list[str]()

    async def hear(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        answer = await handler(request)
        told.append(await answer.text())
        return answer

    async with aiohttp.ClientSession(middlewares=(hear,)) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as answer:
            await session.ws_connect(address + call.path, headers={"Authorization": header} if header else {})
    return answer.value.status, told[0]


async def test_only_a_fresh_pass_of_this_installation_is_let_in(house: Inn, address: str) -> None:
    id = await watched(house)
    call, now = call_of(house, id), house.house.services.database.transact(Write.now)
    good = signed(house, call)
    stranger = house.house.services.cipher.signature("anything", purpose="relay")
    assert house.admin.key
    for header in (
        "",
        oauth(house.admin.key),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        f"{good[:-64]}{stranger}",
    ):
        assert (await refusal(address, call, header))[0] == 401, header
    for other in (replace(call, process="another"), replace(call, system_id="x"), replace(call, owner_id=1)):
        assert (await refusal(address, other, good))[0] == 401, "it was signed for something else"
    for at in (now - 40, now + 40):
        status, words = await refusal(address, call, signed(house, call, at=at))
        assert (status, "not good any more" in words) == (401, True)
    assert connections(house, "web1") == 0
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": good}
        async with session.ws_connect(address + call.path, headers=headers) as socket:
            assert "proof" in await socket.receive_json()
        status, words = await refusal(address, call, good)
        assert (status, "not good any more" in words) == (401, True), "a pass is for one call"
    await let_go(house, "web1")


async def test_a_call_for_another_process_owner_or_host_is_refused(house: Inn, address: str) -> None:
    id = await watched(house)
    ann = house.client(username="ann")
    for call, status, words in (
        (replace(call_of(house, id), process="another"), 409, "Another process"),
        (call_of(house, "nobody"), 404, "gone"),
        (call_of(house, id, 1), 409, "another owner"),
    ):
        assert await refusal(address, call, signed(house, call, nonce=f"{status:032x}")) == (status, _any(words))
    give(house, id, ann)
    call = call_of(house, id)
    assert await refusal(address, call, signed(house, call, nonce="b" * 32)) == (409, _any("another owner"))
    watched_by(house, "another", address="")
    assert await refusal(address, call, signed(house, call, nonce="c" * 32)) == (409, _any("does not watch"))
    assert connections(house, "web1") == 0


async def test_a_process_that_calls_sees_and_types_until_the_host_is_anothers(
    house: Inn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.operations.console_line.RELOOK", 0.1)
    id = await watched(house)
    call = call_of(house, id)
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": signed(house, call)}
        one = Watcher(await session.ws_connect(address + call.path, headers=headers), skip=1)
        await one.hears("opened")
        prints(house, "web1", "hello")
        await one.sees("hello")
        await one.socket.send_bytes(b"ls\r")
        await one.sees("ls\r\n")
        watched_by(house, "another", address="")
        await one.hears("ended", "Another process of this server watches the host now.")
        await one.ended()
    await let_go(house, "web1")


async def test_what_is_kept_is_told_to_processes_only(house: Inn) -> None:
    id = await watched(house)
    call = call_of(house, id)
    for path in (call.path, call.path.partition("?")[0]):
        for client in (house.nobody, house.admin):
            assert (await client.call("GET", path)).status_code == 401
    answer = await house.nobody.call("GET", call.path, headers={"Authorization": signed(house, call)})
    assert (answer.status_code, answer.json()["open"]) == (200, False)
    again = await house.nobody.call("GET", call.path, headers={"Authorization": signed(house, call)})
    assert again.status_code == 401, "a pass is for one call"
    assert "internal" not in (await house.admin.call("GET", "/api/v1/openapi.json")).text


class _any:
    """Equal to every text that has these words."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._words in other

    def __repr__(self) -> str:
        return f"…{self._words}…"


def watched_by(house: Inn, which: str, *, address: str) -> None:
    """Have the host watched by another process, that lives for ever at that address."""

    def change(write: Write) -> None:
        write.sql.execute(sa.insert(process).values(id=which, beat=write.now() + 1000, address=address))
        write.sql.execute(sa.update(host).values(watcher=which))

    house.house.services.database.transact(change)


@asynccontextmanager
async def answering(how: Callable[[web.Request], AsyncIterator[None] | object]) -> AsyncIterator[str]:
    """Something that answers at an address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", how)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", free_port())
    await site.start()
    try:
        yield site.name
    finally:
        await runner.cleanup()


async def hears(house: Inn, address: str, system_id: str, *words: str) -> None:
    """A viewer is told that it is another process's, and why it cannot be had from there."""
    assert house.admin.key
    url = f"{address}/api/v1/machines/{system_id}/console/live"
    async with aiohttp.ClientSession() as session:
        one = Watcher(await session.ws_connect(url, headers={"Authorization": oauth(house.admin.key)}))
        for part in ("is another process's of this server", *words):
            await one.hears("waiting", part)
        await one.socket.send_str("x")
        await one.hears("dropped", "went nowhere")
        await one.go()
    log = await house.admin.get(f"/api/v1/machines/{system_id}/console")  # nor can be asked what it has kept
    assert (log["open"], log["text"]) == (False, "")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("", "It is not known where that process is reached."),
        ("oldname", "It cannot be reached at oldname."),
        ("http://127.0.0.1:{free}", "It cannot be reached at http://127.0.0.1:"),
    ],
)
async def test_who_cannot_be_reached_is_named(house: Inn, address: str, where: str, why: str) -> None:
    id = await running(house, hostname="web1")
    watched_by(house, "another", address=where.format(free=free_port()))
    await hears(house, address, id, why, "reached_at")


async def test_an_address_that_is_our_own(house: Inn, address: str) -> None:
    """As when two machines both say that they listen on 127.0.0.1."""
    id = await running(house, hostname="web1")
    watched_by(house, "another", address=address)
    await hears(house, address, id, "Another process of this installation answers at this address.")


async def test_a_web_server_of_another_kind_answers(house: Inn, address: str) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>")

    id = await running(house, hostname="web1")
    async with answering(page) as there:
        watched_by(house, "another", address=there)
        await hears(house, address, id, "is no process of this installation. It answered with status 200.")


@pytest.mark.parametrize("proof", ["0" * 64, "ü", ""])
async def test_what_one_without_the_key_tells_is_not_shown(house: Inn, proof: str) -> None:
    async def tells(request: web.Request) -> web.Response:
        return web.json_response({"open": True, "text": "eW91cnM=", "proof": proof})

    id = await running(house, hostname="web1")
    async with answering(tells) as there:
        watched_by(house, "another", address=there)
        log = await house.admin.get(f"/api/v1/machines/{id}/console")
    assert (log["open"], log["text"]) == (False, "")


async def test_nothing_is_typed_to_one_without_the_key(house: Inn, address: str) -> None:
    heard = list[str]()

    async def listens(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"proof": "0" * 64})
        await socket.send_json({"word": "opened", "text": "yours"})
        heard.extend([str(message.data) async for message in socket])
        return socket

    id = await running(house, hostname="web1")
    async with answering(listens) as there:
        watched_by(house, "another", address=there)
        await hears(house, address, id, "does not have this installation's key")
    assert heard == []


async def test_one_that_never_answers_is_not_waited_for(
    house: Inn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CONNECT", 0.2)

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    id = await running(house, hostname="web1")
    async with await asyncio.start_server(nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        watched_by(house, "another", address=f"http://127.0.0.1:{port}")
        await hears(house, address, id, "it has not answered within 0.2 s.")


async def test_the_process_records_where_it_is_reached(house: Inn) -> None:
    async def address() -> str | None:
        return house.house.services.database.ask(lambda sql: sql.scalar(sa.select(process.c.address)))

    assert await until(address) == "http://127.0.0.1:5240"
