"""The event stream over a real socket: from a cursor on, in order, and through a hundred cuts without a loss."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from innkeeper.api.followers import SURE
from tests.api.facts import events
from tests.kit.client import Client, oauth
from tests.kit.server import Server

CUTS = 100


class Stream:
    """One open connection to the stream, its lines read raw."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def frame(self, *, within: float = 10.0) -> tuple[int, dict[str, Any]]:
        """The next event: (its id, its data)."""
        id = 0
        while True:
            line = (await asyncio.wait_for(self._reader.readline(), within)).decode().rstrip("\r\n")
            if line.startswith("id: "):
                id = int(line.removeprefix("id: "))
            elif line.startswith("data: "):
                return id, json.loads(line.removeprefix("data: "))

    async def rest(self, *, within: float = 10.0) -> str:
        """All that still comes, until the other side ends it."""
        return (await asyncio.wait_for(self._reader.readuntil(b"\r\n0\r\n\r\n"), within)).decode()

    def cut(self) -> None:
        """End it as a network does: without a word."""
        self._writer.transport.abort()


@asynccontextmanager
async def opened(
    server: Server, query: str = "", *, key: str = "", **headers: str
) -> AsyncIterator[tuple[str, Stream]]:
    """(the head of the answer, the stream)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        lines = [
            f"GET /api/v1/events/stream{query} HTTP/1.1",
            "Host: inn",
            f"Authorization: {oauth(key or server.key())}",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
        yield head, Stream(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def client(server: Server) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(base_url=server.base, timeout=60) as http:
        yield Client(http, server.key())


async def test_from_now_on(shared_server: Server) -> None:
    async with client(shared_server) as admin, opened(shared_server) as (head, stream):
        assert head.startswith("HTTP/1.1 200")
        assert re.search(r"(?im)^content-type: text/event-stream", head)
        assert re.search(r"(?im)^cache-control: no-store", head)
        await admin.post("zones/", name="north")
        id, data = await stream.frame(within=2)
        assert (data["text"], data["id"]) == ("made the zone north", id)


async def test_from_a_cursor_and_the_last_event_id_wins(shared_server: Server) -> None:
    async with client(shared_server) as admin:
        for name in ("a", "b", "c"):
            await admin.post("zones/", name=name)
        ids = [one["id"] for one in await events(admin)]
        async with opened(shared_server, "?after=0") as (_, stream):
            assert [(await stream.frame())[0] for _ in ids] == ids
        async with opened(shared_server, "?after=0", Last_Event_ID=str(ids[-2])) as (_, stream):
            assert (await stream.frame())[0] == ids[-1]


async def test_a_key_that_was_deleted_hears_no_more(shared_server: Server) -> None:
    async with client(shared_server) as admin:
        made = await admin.post("account/", op="create_authorisation_token", name="eve")
        key = ":".join((made["consumer_key"], made["token_key"], made["token_secret"]))
        async with opened(shared_server, key=key) as (_, stream):
            await admin.post("zones/", name="heard")
            assert (await stream.frame())[1]["text"] == "made the zone heard"
            await admin.post("account/", op="delete_authorisation_token", token_key=made["token_key"])
            await asyncio.sleep(SURE)
            await admin.post("zones/", name="unheard")
            assert "unheard" not in await stream.rest()


async def test_only_what_was_asked_for(shared_server: Server) -> None:
    async with client(shared_server) as admin:
        first = (await admin.post("vm-hosts/", type="simulated", power_address="alpha3"))["id"]
        second = (await admin.post("vm-hosts/", type="simulated", power_address="beta3"))["id"]
        system_id = await admin.compose(second)
        async with opened(shared_server, f"?after=0&host_id={first}") as (_, stream):
            assert (await stream.frame())[1]["host_id"] == first
        async with opened(shared_server, f"?after=0&system_id={system_id}") as (_, stream):
            seen = [await stream.frame() for _ in range(4)]
        assert {data["subject"] for _, data in seen} == {system_id}


async def test_a_hundred_cuts_lose_nothing(shared_server: Server) -> None:
    """Events are made all the while; each connection takes a few, is cut, and goes on with Last-Event-ID."""
    async with client(shared_server) as admin:
        host = (await admin.post("vm-hosts/", type="simulated", power_address="alpha4"))["id"]
        stop = asyncio.Event()

        async def busy() -> int:
            number = 0
            while not stop.is_set():
                number += 1
                await admin.post(f"vm-hosts/{host}/", op="add_tag" if number % 2 else "remove_tag", tag="x")
            return number

        making = asyncio.create_task(busy())
        seen: list[int] = []
        for cut in range(CUTS):
            async with opened(shared_server, "?after=0", **({"Last_Event_ID": str(seen[-1])} if seen else {})) as (
                _,
                stream,
            ):
                for _ in range(cut % 4):
                    seen.append((await stream.frame())[0])
                stream.cut()
        stop.set()
        made = await making
        every = [one["id"] for one in await events(admin)]
        async with opened(shared_server, Last_Event_ID=str(seen[-1])) as (_, stream):
            while seen[-1] < every[-1]:
                seen.append((await stream.frame())[0])
        assert seen == every
        assert made >= CUTS / 2
        # Nobody follows any more: the shared_server does not ask the database for their sake.
        assert (await admin.call("GET", "/readyz")).status_code == 200


async def test_a_user_gets_no_audits(shared_server: Server) -> None:
    async with client(shared_server) as admin:
        await admin.post("users/", username="ann", password="x", is_superuser="false")
        answer = await admin.http.post("/MAAS/accounts/authenticate/", data={"username": "ann", "password": "x"})
        key = ":".join(answer.json()[part] for part in ("consumer_key", "token_key", "token_secret"))
        await admin.post("vm-hosts/", type="simulated", power_address="alpha5")
        everything = await events(admin)
        ann = Client(admin.http, key)
        seen = {"", *(one["system_id"] for one in await ann.get("machines/"))}  # nobody's are anybody's to see
        expected = [one["id"] for one in everything if one["kind"] != "audit" and one["system_id"] in seen]
        assert [one["id"] for one in await events(ann)] == expected
        async with opened(shared_server, "?after=0", key=key) as (_, stream):
            assert [(await stream.frame())[0] for _ in expected] == expected
        assert len(expected) < len(everything)
