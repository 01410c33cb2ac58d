"""Fixtures for tests of the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.doubles.lxd import LxdDouble
from tests.kit.house import Inn, inn
from tests.kit.server import Server, running
from tests.kit.until import until


@pytest.fixture
async def swift(tmp_path: Path) -> AsyncIterator[Inn]:
    """A house that asks hosts again after moments where others wait for seconds."""
    async with inn(tmp_path, trust_every=0.1, poll_every=0.2, host_timeout=3.0) as one:
        yield one


@pytest.fixture
async def lxd() -> AsyncIterator[LxdDouble]:
    """A server that speaks LXD's API over TLS and trusts us already."""
    async with LxdDouble() as double:
        yield double


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own, for raw bytes, its log and its end. Simulated hosts are files in `hosts`."""
    (tmp_path / "hosts").mkdir()
    one = Server(tmp_path, hosts=tmp_path / "hosts", log_level="DEBUG", trust_every=0.2, poll_every=0.2)
    one.key()  # made before, so that it is not the first start, which prints it
    with running(one):
        yield one


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module, which take hosts and names of their own: it starts in a second or two."""
    data = tmp_path_factory.mktemp("inn")
    (data / "hosts").mkdir()
    one = Server(data, hosts=data / "hosts", log_level="DEBUG")
    one.key()
    with running(one):
        yield one


@pytest.fixture
async def address(house: Inn) -> AsyncIterator[str]:
    """The house over a real socket: websockets need one."""
    server = uvicorn.Server(uvicorn.Config(house.app, port=0, lifespan="off", log_level="warning", access_log=False))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    yield f"http://{host}:{port}"
    server.should_exit = True
    await serving
