"""The lab's PostgreSQL itself: what `lab/postgres` promises to the tests that use it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

LAB = Path(__file__).parents[2] / "lab" / "postgres"
NAME = "selftest"

pytestmark = pytest.mark.postgres


def lab(command: str) -> str:
    run = subprocess.run([LAB, command, NAME], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def connect() -> psycopg.Connection:
    return psycopg.connect(lab("url").replace("+psycopg", ""), connect_timeout=3)


@pytest.fixture(scope="module", autouse=True)
def selftest() -> Iterator[None]:
    lab("purge")
    lab("up")
    yield
    lab("purge")


def test_a_crash_keeps_what_was_committed() -> None:
    with connect() as connection:
        connection.execute("CREATE TABLE kept (n int)")
    lab("stop")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connect()
    lab("start")
    with connect() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_commit_is_on_the_disk() -> None:
    with connect() as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_up_repairs_what_an_earlier_run_left(how: signal.Signals) -> None:
    with connect() as connection:
        row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert row
    os.kill(int((Path(row[0]) / "postmaster.pid").read_text().split()[0]), how)
    lab("up")
    connect().close()
