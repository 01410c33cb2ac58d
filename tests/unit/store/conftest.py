"""A host that is seen, on an SQLite database, without anything that speaks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.databases import fresh_sqlite
from tests.unit.store.seen import Seen


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    """One host with 16 cores, 64 GiB and two pools, nothing on it."""
    made = Seen.open(fresh_sqlite(tmp_path), tmp_path)
    yield made
    made.database.close()
