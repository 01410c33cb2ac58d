"""Fixtures for tests of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.doubles.lxd import LxdDouble
from tests.kit.house import Inn, inn


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
