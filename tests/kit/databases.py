"""Databases for tests: SQLite in a directory, and a fresh database in the lab's PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).parents[2]


@cache
def postgres_server() -> sa.URL:
    """The lab's PostgreSQL (INNKEEPER_TEST_POSTGRES, else it is started)."""
    url = os.environ.get("INNKEEPER_TEST_POSTGRES")
    if not url:
        lab = ROOT / "lab" / "postgres"
        subprocess.run([lab, "up"], check=True, stdout=subprocess.DEVNULL)
        url = subprocess.run([lab, "url"], check=True, capture_output=True, text=True).stdout.strip()
    return sa.make_url(url)


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """A new database in the lab's PostgreSQL, dropped afterwards; its URL."""
    server = postgres_server()
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


def fresh_sqlite(directory: Path) -> str:
    """A new SQLite database in that directory; its URL."""
    return f"sqlite:///{directory / 'innkeeper.sqlite'}"
