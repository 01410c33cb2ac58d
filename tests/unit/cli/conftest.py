"""Fixtures: a fake server, a profiles file of one's own, the program in process and as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from innkeeper.cli.entry import program
from tests.unit.cli.fake import KEY, FakeServer, serving

Run = Callable[..., Result]
Shell = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A running fake server."""
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profiles file of this test; nothing reads the real one."""
    path = tmp_path / "config" / "profiles.json"
    monkeypatch.setenv("INNKEEPER_PROFILES", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


@pytest.fixture
def run() -> Run:
    """Runs the program in this process: run("login", "admin", …, stdin="")."""

    def call(*args: str, stdin: str | bytes = "", program_name: str = "maas") -> Result:
        result = CliRunner().invoke(program, args, input=stdin, prog_name=program_name)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def shell() -> Shell:
    """Runs the program as a process of its own."""

    def call(*args: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "innkeeper.cli.entry", *args]
        return subprocess.run(command, capture_output=True, timeout=30, check=False, env=dict(os.environ), **options)

    return call


@pytest.fixture
def admin(server: FakeServer, run: Run) -> FakeServer:
    """A server to which the profile `admin` is logged in, with no request recorded."""
    result = run("login", "admin", server.url, KEY)
    assert result.exit_code == 0, result.output
    server.requests.clear()
    return server
