"""A whole Innkeeper in this process: the real app on a real database, with simulated hosts as files."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from argon2 import PasswordHasher
from fastapi import FastAPI

from innkeeper.api.app import make_app
from innkeeper.api.house import House
from innkeeper.hypervisors.simulated_world import World, world
from innkeeper.settings import Settings
from innkeeper.store import users
from innkeeper.store.opening import open_store
from tests.kit import statements
from tests.kit.client import Client
from tests.kit.until import until

statements.share()
# A hash takes a quarter of a second on purpose. A thousand houses of tests would wait for theirs; servers that are
# processes of their own hash as they should (tests/api/test_secrets.py).
users.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

SHORT = 5.0  # seconds: requests that wait no longer may be answered before a host was added


@dataclass
class Inn:
    """A running house, its app, and a client of its administrator."""

    app: FastAPI
    house: House
    admin: Client
    hosts: Path  # the directory of the simulated hosts

    def file(self, name: str) -> Path:
        return self.hosts / f"{name}.json"

    def change(self, name: str, change: Callable[[World], None]) -> None:
        """Do something to a simulated host behind our back (made when missing)."""
        with world(self.file(name)) as state:
            change(state)

    def see(self, name: str) -> World:
        """What is on a simulated host."""
        with world(self.file(name)) as state:
            return state

    async def add_host(self, name: str = "alpha", **fields: Any) -> int:
        """Add a simulated host of that name and wait until it was added, however short requests wait; its id."""
        made = await self.admin.post("vm-hosts/", type="simulated", power_address=name, name=name, **fields)

        async def added() -> bool:
            return bool((await self.admin.get(f"vm-hosts/{made['id']}/"))["state"] != "adding")

        if self.house.services.settings.compose_wait < SHORT:
            await until(added)
        return int(made["id"])

    def client(self, *, username: str, is_admin: bool = False) -> Client:
        """A client with the key of a new user."""
        database, cipher = self.house.services.database, self.house.services.cipher
        database.transact(users.create, username=username, password="secret", is_admin=is_admin)
        key = database.transact(users.add_key, cipher, username=username)
        return Client(self.admin.http, key.text)

    @property
    def nobody(self) -> Client:
        return Client(self.admin.http, None)


@cache
def _furniture() -> dict[str, bytes]:
    """The files of a new installation with its administrator and a key: made once, for it takes half a second."""
    with TemporaryDirectory() as name:
        database, cipher, _ = open_store(Settings(data=Path(name), database=None))
        database.transact(users.create, username="admin", password="secret", is_admin=True)
        database.transact(users.add_key, cipher, username="admin")
        database.close()
        return {one.name: one.read_bytes() for one in Path(name).iterdir()}


def _furnish(directory: Path) -> None:
    """Make a directory a new installation with an id of its own, unless it is one already."""
    if (directory / "innkeeper.sqlite").exists():
        return
    for name, content in _furniture().items():
        (directory / name).touch(mode=0o600)
        (directory / name).write_bytes(content)
    with closing(sqlite3.connect(directory / "innkeeper.sqlite")) as sql:
        sql.execute("UPDATE installation SET uuid = ?", (str(uuid.uuid4()),))
        sql.commit()


@asynccontextmanager
async def inn(directory: Path, url: str | None = None, **settings: Any) -> AsyncIterator[Inn]:
    """A house with its engine and watchers running. `settings` over the defaults for tests."""
    hosts = directory / "hosts"
    hosts.mkdir(exist_ok=True)
    given = {"data": directory, "database": url, "simulated_hosts": hosts, "compose_wait": 20.0} | settings
    if url is None and not {"data", "database", "key_file", "domain"} & set(settings):
        _furnish(directory)
    app = make_app(Settings(**given))
    house: House = app.state.house
    database, cipher = house.services.database, house.services.cipher
    if not database.ask(users.listing):
        database.transact(users.create, username="admin", password="secret", is_admin=True)
    key = (database.ask(users.keys, cipher, username="admin") or [None])[0] or database.transact(
        users.add_key, cipher, username="admin"
    )
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://inn.test", timeout=60) as http:
            yield Inn(app=app, house=house, admin=Client(http, key.text), hosts=hosts)
