"""A host that is seen, on an SQLite database, without anything that speaks to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.databases import fresh_sqlite
from tests.unit.store.seen import Seen


@pytest.fixture(scope="session")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a database and its key, brought to the schema once."""
    directory = tmp_path_factory.mktemp("unseen")
    Seen.open(fresh_sqlite(directory), directory).database.close()
    return directory


@pytest.fixture
def seen(unseen: Path, tmp_path: Path) -> Iterator[Seen]:
    """One host with 16 cores, 64 GiB and two pools, nothing on it."""
    directory = tmp_path / "seen"
    shutil.copytree(unseen, directory)
    made = Seen.open(fresh_sqlite(directory), directory)
    yield made
    made.database.close()
