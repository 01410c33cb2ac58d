"""`innkeeper up` as people meet it: what it prints, where it listens, what a browser sees."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.house import Inn


@contextmanager
def up(data: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "innkeeper.cli.entry", "up", "--data", str(data), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_the_first_start_tells_the_key_and_where_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with up(data, "--port", "0") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        found = re.fullmatch(r"Innkeeper is up: (http://localhost:\d+/MAAS/)\n", lines[-1])
        assert found, lines
        assert not found[1].endswith(":0/MAAS/")
        with urllib.request.urlopen(found[1], timeout=10) as page:
            assert b"<title>Sign in \xc2\xb7 Innkeeper</title>" in page.read()
        key = re.search(r"API key: +(\S+:\S+:\S+)\n", lines[2])
        assert key, lines
        assert f"maas login admin {found[1]} {key[1]}" in lines[3]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    with up(data, "--port", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Innkeeper is up: ")


def test_a_port_that_is_taken_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "innkeeper.cli.entry",
            "up",
            "--data",
            str(tmp_path / "d"),
            "--port",
            str(port),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == f"Error: Cannot listen on 127.0.0.1, port {port}."
    assert "--port" in done.stderr
    assert not (tmp_path / "d").exists()


async def test_a_browser_is_told_what_is_here(house: Inn) -> None:
    for path in ("/", "/MAAS", "/MAAS/"):
        answer = await house.nobody.call("GET", path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/hosts")
        there = await house.nobody.http.get(path, follow_redirects=True)
        assert (there.status_code, there.url.path) == (200, "/sign-in")
