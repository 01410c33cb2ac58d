"""A whole Innkeeper in this process: the real app on a real database, with simulated hosts as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from innkeeper.api.app import make_app
from innkeeper.api.house import House
from innkeeper.hypervisors.simulated import World, world
from innkeeper.settings import Settings
from innkeeper.store import users
from tests.kit.client import Client


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
        """Add a simulated host of that name; its id."""
        made = await self.admin.post("vm-hosts/", type="simulated", power_address=name, name=name, **fields)
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


@asynccontextmanager
async def inn(directory: Path, url: str | None = None, **settings: Any) -> AsyncIterator[Inn]:
    """A house with its engine and watchers running. `settings` over the defaults for tests."""
    hosts = directory / "hosts"
    hosts.mkdir(exist_ok=True)
    given = {"data": directory, "database": url, "simulated_hosts": hosts, "compose_wait": 20.0} | settings
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
