"""Servers that are killed: each database once a module, a fresh simulated host for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from innkeeper.hypervisors.simulated import Fault, World, world
from tests.kit import databases
from tests.kit.accounts import Accounts
from tests.kit.client import Client
from tests.kit.forked import Forked
from tests.kit.server import running
from tests.kit.until import until

QUICK: dict[str, object] = {"beat": 0.15, "lease": 0.9, "log_level": "ERROR"}


@dataclass
class Site:
    """One installation: its servers (not started yet), its accounts, its simulated hosts."""

    directory: Path
    url: str
    servers: list[Forked]
    accounts: Accounts
    key: str
    _count: int = 0

    @property
    def server(self) -> Forked:
        return self.servers[0]

    def host(self, **state: Any) -> str:
        """A new simulated host (a World's fields); its name."""
        self._count += 1
        name = f"host{self._count}"
        with world(self.file(name)) as made:
            for field_name, value in state.items():
                setattr(made, field_name, value)
        return name

    def file(self, name: str) -> Path:
        return self.directory / "hosts" / f"{name}.json"

    def see(self, name: str) -> World:
        with world(self.file(name)) as state:
            return state

    def fault(self, name: str, *faults: Fault) -> None:
        """Have these go wrong on a host, from now on."""
        with world(self.file(name)) as state:
            state.faults = [*state.faults, *faults]

    @asynccontextmanager
    async def admin(self, server: Forked | None = None) -> AsyncIterator[Client]:
        """A client of one of the servers."""
        base = (server or self.server).base
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx2.AsyncClient(base_url=base, timeout=60, trust_env=False, limits=limits) as http:
            yield Client(http, self.key)

    async def quiet(self, *, within: float = 30.0) -> None:
        """Wait until every operation has ended."""

        async def ended() -> bool:
            return not self.accounts.open()

        try:
            await until(ended, within=within)
        except AssertionError:
            raise AssertionError(f"still open: {self.accounts.open()}") from None


def make_site(directory: Path, url: str, *, servers: int = 1, **settings: object) -> Site:
    """An installation of that many servers, each with a data directory of its own and the first one's key file."""
    hosts = directory / "hosts"
    hosts.mkdir()
    made = []
    for number in range(servers):
        data = directory / f"server{number}"
        data.mkdir()
        key_file = directory / "server0" / "encryption.key"
        made.append(Forked(data, url=url, key_file=key_file, hosts=hosts, **(QUICK | settings)))
    key = made[0].key()
    return Site(directory=directory, url=url, servers=made, accounts=Accounts(url), key=key)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def module_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh database of each kind, for a whole module."""
    if request.param == "sqlite":
        yield databases.fresh_sqlite(tmp_path_factory.mktemp("database"))
    else:
        with databases.fresh_postgres() as url:
            yield url


@pytest.fixture(scope="module")
def site(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server on that database, running."""
    made = make_site(tmp_path_factory.mktemp("site"), module_url)
    with running(*made.servers):
        yield made
    made.accounts.close()
