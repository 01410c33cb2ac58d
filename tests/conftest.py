"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.kit import databases
from tests.kit.house import Inn, inn

settings.register_profile("innkeeper", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("innkeeper")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting, profile or proxy of this machine reaches a test."""
    import os

    for name in list(os.environ):
        if name.startswith("INNKEEPER_") and name not in ("INNKEEPER_LAB", "INNKEEPER_TEST_POSTGRES"):
            monkeypatch.delenv(name)
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        yield databases.fresh_sqlite(tmp_path)
    else:
        with databases.fresh_postgres() as url:
            yield url


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    """A whole Innkeeper on SQLite, in this process, with simulated hosts."""
    async with inn(tmp_path) as one:
        yield one


# Whole houses, processes and their faults: minutes. What is left is the loop for pure parts (make test-fast).
SLOW = ("api", "browser", "clients", "lab", "laws", "web")
SMOKE = "test_first_path.py"
# Where the tests of a file share what takes long to make (a server, the demo fleet, a wheel): they run in one process.
SHARING = ("tests/browser/", "tests/clients/", "tests/lab/", "tests/web/test_fleet.py")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what does not belong into the fast loop."""
    where = item.path.relative_to(Path(__file__).parent)
    if where.parts[0] in SLOW and where.name != SMOKE:
        item.add_marker(pytest.mark.slow)


class Together(LoadScopeScheduling):
    """As `--dist load`, and files that share something are not split up."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(SHARING) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return Together(config, log) if config.getvalue("dist") == "loadscope" else None
