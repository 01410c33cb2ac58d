"""Servers that are killed: each database once a module, a fresh simulated host for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from innkeeper.hypervisors.simulated_world import Fault, World, world
from tests.kit import databases
from tests.kit.accounts import Accounts
from tests.kit.client import Client
from tests.kit.forked import Forked
from tests.kit.server import running
from tests.kit.until import until
from tests.laws.stage import Stage

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

    def change(self, name: str, change: Callable[[World], None]) -> None:
        """Do something to a host behind our back."""
        with world(self.file(name)) as state:
            change(state)

    def fault(self, name: str, *faults: Fault) -> None:
        """Have these go wrong on a host, from now on."""
        with world(self.file(name)) as state:
            state.faults = [*state.faults, *faults]

    def release(self, *names: str) -> None:
        """Have these hosts finish at once what they are making, and make the next ones without delay."""
        for name in names:
            with world(self.file(name)) as state:
                state.create_seconds = 0.0
                for making in state.making.values():
                    making.until = 0.0

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

    async def agreed(self, *, within: float) -> None:
        """Wait until the accounts agree (the sweep has its time)."""

        async def right() -> bool:
            return not self.accounts.wrong()

        try:
            await until(right, within=within)
        except AssertionError:
            assert self.accounts.wrong() == []  # says what


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


@pytest.fixture
async def stage(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Services, engines and simulated hosts in this process, on an empty database."""
    made = Stage.open(
        tmp_path_factory.getbasetemp() / f"stage-{abs(hash(module_url))}", module_url, beat=0.1, retry_first=0.05
    )
    await made.reset()
    yield made
    await made.reset()
    await made.close()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes the installation of a test (`make_site` without its directory)."""
    made: list[Site] = []

    def new(url: str, **how: object) -> Site:
        made.append(make_site(tmp_path, url, **how))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for one in made:
        one.accounts.close()
