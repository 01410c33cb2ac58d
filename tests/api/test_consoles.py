"""Serial consoles: one connection for all who watch, what they are told, who may, and when it is let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from innkeeper.api.v1 import consoles as consoles_v1
from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.console import RING
from innkeeper.model.lifecycle import Status
from innkeeper.operations import console_line
from innkeeper.operations.consoles import Consoles
from innkeeper.store import machines, users
from innkeeper.store.database import Write
from innkeeper.store.deployment_tables import deployment
from innkeeper.store.tables import host, process
from tests.api.facts import audits, give, machine
from tests.api.serial import connections, is_open, let_go, prints, running
from tests.kit.client import Client, oauth
from tests.kit.house import Inn
from tests.kit.until import until
from tests.kit.watcher import Watcher

Watch = Callable[..., Awaitable[Watcher]]


@pytest.fixture
async def watch(house: Inn, address: str) -> AsyncIterator[Watch]:
    """A function that opens the live console of a machine; closed at the end."""
    opened: list[Watcher] = []
    async with aiohttp.ClientSession() as session:

        async def to(system_id: str, client: Client | None = None, query: str = "") -> Watcher:
            client = client or house.admin
            headers = {"Authorization": oauth(client.key)} if client.key else {}
            url = f"{address}/MAAS/api/v1/machines/{system_id}/console/live{query}"
            opened.append(Watcher(await session.ws_connect(url, headers=headers)))
            return opened[-1]

        yield to
        for one in opened:
            await one.go()


def become(house: Inn, system_id: str, **values: Any) -> None:
    """Change a machine's record."""

    def change(write: Write) -> None:
        machines.update(write, system_id, **values)

    house.house.services.database.transact(change)


async def test_two_watch_one_connection_and_both_type(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    first = await watch(id)
    await first.hears("opened", "web1")
    prints(house, "web1", "hello\r\n")
    await first.sees("hello\r\n")
    second = await watch(id)
    await second.sees("hello\r\n")  # out of the ring
    await second.hears("opened")
    await second.socket.send_bytes(b"ls\r")
    await first.socket.send_str("id\r")
    for one in (first, second):
        await one.sees("ls\r\n")
        await one.sees("id\r\n")
    assert connections(house, "web1") == 1
    log = await house.admin.get(f"/api/v1/machines/{id}/console")
    assert {name: log[name] for name in ("system_id", "hostname", "open")} == {
        "system_id": id,
        "hostname": "web1",
        "open": True,
    }
    assert log["text"].startswith("hello\n")
    await first.go()
    prints(house, "web1", "still here")
    await second.sees("still here")
    await second.go()
    await let_go(house, "web1")
    kept = await house.admin.get(f"/api/v1/machines/{id}/console")
    assert (kept["open"], "still here" in kept["text"]) == (False, True)
    assert (await audits(house.admin)).count("opened the console of web1") == 2


async def test_who_comes_later_is_not_asked_what_others_were(house: Inn, watch: Watch) -> None:
    """A terminal answers where its cursor is; a guest that did not ask takes it for keys."""
    id = await running(house, hostname="web1")
    first = await watch(id)
    await first.hears("opened")
    prints(house, "web1", "/ # \x1b[6n\x1b[1mready\x1b[0m")
    await first.sees("/ # \x1b[6n\x1b[1mready\x1b[0m")
    second = await watch(id)
    await second.sees("/ # \x1b[1mready\x1b[0m")
    prints(house, "web1", "\x1b[6n")
    await second.sees("\x1b[6n")


async def test_who_watches_is_told_of_stop_and_start(house: Inn, watch: Watch) -> None:
    id = str((await machine(house, hostname="web1"))["system_id"])
    one = await watch(id)
    await one.hears("waiting", "web1 is off")
    await one.socket.send_str("x")
    await one.hears("dropped", "went nowhere")
    assert connections(house, "web1") == 0
    await house.admin.post(f"machines/{id}/", op="power_on")
    await one.hears("opened")
    prints(house, "web1", "first boot")
    await one.sees("first boot")
    await house.admin.post(f"machines/{id}/", op="power_off", stop_mode="hard")
    await one.hears("waiting", "The console of web1 ended")
    await let_go(house, "web1")
    one.words.clear()
    await house.admin.post(f"machines/{id}/", op="power_on")
    await one.hears("opened")
    prints(house, "web1", "second boot")
    await one.sees("second boot")


async def test_a_host_that_fails_is_asked_again(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    house.change("alpha", lambda world: world.faults.append(Fault(call="console", kind="cut")))
    one = await watch(id)
    await one.hears("waiting", "cut")
    await one.hears("opened")
    prints(house, "web1", "hello")
    await one.sees("hello")


async def test_a_machine_that_goes_ends_its_console(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    one = await watch(id)
    await one.hears("opened")
    await house.admin.delete(f"machines/{id}/")
    await one.hears("ended", "gone")
    await one.ended()
    assert one.socket.close_code == 1000


async def test_refused_before_it_is_a_websocket(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    ann, bob = house.client(username="ann"), house.client(username="bob")

    async def refused(client: Client, *, system_id: str = id, query: str = "") -> tuple[int, int]:
        with pytest.raises(aiohttp.WSServerHandshakeError) as answer:
            await watch(system_id, client, query)
        log = await client.call("GET", f"/api/v1/machines/{system_id}/console{query}")
        return answer.value.status, log.status_code

    assert await refused(house.nobody) == (401, 401)
    assert await refused(Client(house.admin.http, "a:b:c")) == (401, 401)
    assert await refused(house.admin, query="?raw=1") == (400, 400)
    assert await refused(house.admin, system_id="nobody") == (404, 404)
    assert await refused(ann) == (403, 403)  # nobody's machine: seen by all, typed into by administrators
    give(house, id, ann)
    assert await refused(bob) == (404, 404)
    assert connections(house, "web1") == 0
    one = await watch(id, ann)
    await one.hears("opened")


async def test_who_may_no_longer_is_shown_out_and_sees_nothing_of_the_next(
    house: Inn, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consoles_v1, "RECHECK", 0.1)
    monkeypatch.setattr(console_line, "RELOOK", 0.1)
    id = await running(house, hostname="web1")
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, id, ann)
    hers, administrators = await watch(id, ann), await watch(id)
    await hers.hears("opened")
    prints(house, "web1", "secret of ann")
    await hers.sees("secret of ann")
    give(house, id, bob)
    await hers.hears("ended", "You may not watch")
    await hers.ended()
    his = await watch(id, bob)
    prints(house, "web1", "of bob")
    await his.sees("of bob")
    assert b"secret" not in his.printed
    assert "secret" not in (await bob.get(f"/api/v1/machines/{id}/console"))["text"]
    await administrators.sees("of bob")
    assert bob.key
    token = bob.key.split(":")[1]
    house.house.services.database.transact(users.delete_key, username="bob", token=token)
    await his.hears("ended")
    assert b"of bob" not in hers.printed


async def test_kept_text_is_the_last_64_kib(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    one = await watch(id)
    await one.hears("opened")
    lines = "".join(f"line {number}\r\n" for number in range(20_000))
    prints(house, "web1", lines)
    await one.sees("line 19999\r\n")
    late = await watch(id)
    await late.sees("line 19999\r\n")
    assert lines.encode().endswith(late.printed)
    assert RING - 20 <= len(late.printed) <= RING
    assert late.printed.startswith(b"line ")


async def over(consoles: Consoles, system_id: str) -> None:
    """Until nothing is done about a console."""

    async def ended() -> bool:
        return consoles._line(system_id).task is None

    await until(ended)


async def test_open_while_it_deploys_and_let_go_when_it_does_not(
    house: Inn, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    monkeypatch.setattr(console_line, "RELOOK", 0.1)
    id = await running(house, hostname="web1")
    consoles = house.house.services.consoles
    become(house, id, status=int(Status.DEPLOYING))
    for _ in range(2):
        consoles.watch(id)
    await is_open(house, "web1")
    prints(house, "web1", "\x1b[1mbooting\x1b[0m\r\n\r\nKernel panic\r\n")

    async def printed() -> str:
        return consoles.last_lines(id, 2)

    assert await until(printed) == "booting\nKernel panic"
    one = await watch(id)
    await one.sees("Kernel panic")
    assert connections(house, "web1") == 1
    await one.go()
    assert consoles.is_open(id)
    become(house, id, status=int(Status.DEPLOYED))
    await let_go(house, "web1")
    consoles.watch(id)  # by one who read of it before it was over
    await over(consoles, id)
    assert consoles.last_lines(id, 1) == "Kernel panic"
    become(house, id, status=int(Status.DEPLOYING))
    consoles.watch(id)

    async def forgotten() -> bool:
        return consoles.last_lines(id, 1) == ""  # what another deployment printed

    await until(forgotten)
    prints(house, "web1", "booting\r\n")
    await until(printed)
    consoles.watch(id, starting=True)
    assert await forgotten()
    become(house, id, status=int(Status.READY))
    await let_go(house, "web1")


async def test_the_end_of_the_server(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    one = await watch(id)
    await one.hears("opened")
    await house.house.leave()
    await one.hears("ended", "This server is stopping.")
    await one.ended()
    assert one.socket.close_code == 1001  # another connection may have it
    await let_go(house, "web1")
    late = await watch(id)
    await late.hears("ended", "stopping")
    await late.ended()


async def test_too_much_in_one_message_is_told(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    one = await watch(id)
    await one.hears("opened")
    await one.socket.send_bytes(b"x" * 70_000)
    await one.hears("dropped", "65536 bytes, not 70000")
    await one.socket.send_bytes(b"fits")
    await one.sees("fits")
    assert b"xx" not in one.printed


async def test_who_does_not_read_keeps_nobody_waiting(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    consoles = house.house.services.consoles
    async with consoles.view(id, owner_id=None, stays=True) as slow:
        quick = await watch(id)
        await quick.hears("opened")
        for number in range(20):
            prints(house, "web1", "x" * 40_000 + f"<{number}>")
            await quick.sees(f"<{number}>")
        prints(house, "web1", "the end")
        await quick.sees("the end")
        got, words = b"", []
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.2):
                    piece = await slow.next()
                if isinstance(piece, bytes):
                    got += piece
                else:
                    assert piece is not None
                    words.append(piece.word)
    assert got.endswith(b"the end")
    assert len(got) < 300_000 < len(quick.printed)
    assert "dropped" in words


async def test_of_several_processes_the_one_that_watches_the_host_opens_it(
    house: Inn, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host's second console shows nothing, and keeps what is typed for later: there must be none."""
    monkeypatch.setattr(console_line, "RELOOK", 0.1)
    id = await running(house, hostname="web1")
    one = await watch(id)
    await one.hears("opened")
    database, me = house.house.services.database, house.house.engine.me

    def watched_by(write: Write, which: str, *, alive: bool) -> None:
        write.sql.execute(sa.delete(process).where(process.c.id == "another"))
        if alive:
            write.sql.execute(sa.insert(process).values(id="another", beat=write.now() + 1000, address=""))
        write.sql.execute(sa.update(host).values(watcher=which))

    database.transact(watched_by, "another", alive=True)
    await one.hears("waiting", "another process")
    await let_go(house, "web1")
    await one.socket.send_str("x")
    await one.hears("dropped")
    one.words.clear()
    database.transact(watched_by, me, alive=True)
    await one.hears("opened")
    database.transact(watched_by, "another", alive=True)
    await one.hears("waiting", "another process")
    one.words.clear()
    database.transact(watched_by, "another", alive=False)  # it died: whoever is there may
    await one.hears("opened")


async def test_a_process_that_was_taken_for_dead_has_its_consoles_under_its_new_name(house: Inn, watch: Watch) -> None:
    id = await running(house, hostname="web1")
    database, before = house.house.services.database, house.house.engine.me
    database.transact(lambda write: write.sql.execute(sa.delete(process)))

    async def watches_again() -> bool:
        watcher = database.ask(lambda sql: sql.scalar(sa.select(host.c.watcher)))
        return watcher == house.house.engine.me != before

    await until(watches_again)
    one = await watch(id)
    await one.hears("opened")
    prints(house, "web1", "hello")
    await one.sees("hello")


async def test_the_lines_of_a_failed_deployment_are_not_the_heirs(house: Inn) -> None:
    """They are all that a server that was started anew has to show, and were printed under the owner of that time."""
    id = await running(house, hostname="web1")
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, id, ann)
    become(house, id, status=int(Status.FAILED_DEPLOYMENT))
    row = {"token_hash": "", "signs_json": "[]", "base_url": "", "started": 1.0, "deadline": 2.0, "console": "panic"}
    added = sa.insert(deployment).values(system_id=id, **row)
    house.house.services.database.transact(lambda write: write.sql.execute(added))
    for client in (ann, house.admin):
        log = await client.get(f"/api/v1/machines/{id}/console")
        assert (log["open"], log["text"]) == (False, "panic")
    assert (await bob.call("GET", f"/api/v1/machines/{id}/console")).status_code == 404
    await house.admin.delete("users/ann/", transfer_resources_to="bob")
    assert (await bob.get(f"/api/v1/machines/{id}/console"))["text"] == ""
