"""What is printed for people is what runs: the mission's two commands, and the shell lines of README and guide.

A real server process, the real command line, and the lab's LXD with its own `lxc`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.lab import LAB, Lab
from tests.kit.pages import FIRST_HOST, README, blocks, shell
from tests.kit.server import Server, running

pytestmark = pytest.mark.live
WAYS = ("By a token", "By its certificate", "By a certificate of your own", "By the trust password")
THE_REST = ("See what it has", "Promise more than there is", "Compose a machine", "Power", "Remove")
STORAGE = "Storage pools of a host"
MISSION_READ = "maas $PROFILE vm-host read $VM_HOST_ID"


class Terminal:
    """A person's shell: `maas` and `innkeeper` on its path, and `lxc` as on the LXD server's own machine."""

    def __init__(self, directory: Path, *, server: Server, lab: Lab) -> None:
        self.directory, self.port, self.lab = directory, server.port, lab
        programs = directory / "bin"
        programs.mkdir(parents=True)
        lxc = programs / "lxc"
        path = shlex.quote(os.environ["PATH"])  # where the lab finds the real one
        lxc.write_text(f'#!/bin/sh\nPATH={path} exec {shlex.quote(str(LAB))} lxc {lab.name} -- "$@"\n')
        lxc.chmod(0o755)
        self.env = os.environ | {
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "INNKEEPER_PROFILES": str(directory / "profiles.json"),
            "INNKEEPER_DATA": str(server.data),
            "INNKEEPER_PORT": str(server.port),
        }

    def run(self, lines: str, *, code: int = 0, **variables: str) -> str:
        """Run lines as they are printed, but for the addresses; every one must succeed, or end with `code`."""
        lines = lines.replace("192.0.2.10", self.lab.address).replace("localhost:5240", f"localhost:{self.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", lines], cwd=self.directory, env=self.env | variables,
            capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{lines}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def hosts(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.run("maas admin vm-hosts read"))
        return found

    def until_ready(self) -> None:
        """Until every host is ready (one that waits for trust is asked every few seconds)."""
        deadline = time.monotonic() + 20
        while any(host["state"] != "ready" for host in self.hosts()):
            assert time.monotonic() < deadline, self.hosts()
            time.sleep(0.2)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab's LXD, on which a test leaves nothing."""
    lab = Lab()
    before = lab.leftovers()
    yield lab
    left = lab.leftovers()
    lab.clean()
    assert left == before == {}


@pytest.fixture
def terminal(tmp_path: Path, lab: Lab) -> Iterator[Terminal]:
    """A terminal that is logged in to a fresh server."""
    hosts = tmp_path / "hosts"
    hosts.mkdir()
    (tmp_path / "data").mkdir()
    server = Server(tmp_path / "data", hosts=hosts)
    with running(server):
        terminal = Terminal(tmp_path / "home", server=server, lab=lab)
        terminal.run(shell(FIRST_HOST, "Log in"))
        yield terminal


def add_by_token(terminal: Terminal) -> None:
    terminal.run(shell(FIRST_HOST, "By a token"))


def test_the_missions_two_commands(terminal: Terminal) -> None:
    # The second one names host 5, so four others come before.
    for name in "abcd":
        terminal.run(f"maas admin vm-hosts create type=simulated name={name} power_address={name}")
    add_by_token(terminal)
    read, table = (block.text for block in blocks(README) if block.heading == STORAGE and block.kind == "sh")
    assert read == MISSION_READ
    host, lines = {}, []
    while True:  # what the disk has written may change between the two
        before, host = host, json.loads(terminal.run(read, PROFILE="admin", VM_HOST_ID="5"))
        if lines and host["storage_pools"] == before["storage_pools"]:
            break
        lines = [line.split() for line in terminal.run(table).splitlines()]
    assert host["name"] == "rack1"
    titles = ["NAME", "TYPE", "PATH", "TOTAL", "USED", "AVAIL"]
    assert lines[:2] == [titles, ["-" * len(title) for title in titles]]
    keys = ("name", "type", "path", "total", "used", "available")
    assert lines[2:] == [[str(pool[key]) for key in keys] for pool in host["storage_pools"]]
    there = {pool["name"]: pool for pool in terminal.lab.query("/1.0/storage-pools?recursion=1")}
    assert {line[0] for line in lines[2:]} == there.keys()
    for name, driver, path, total, *_ in lines[2:]:
        assert (driver, path) == (there[name]["driver"], there[name]["config"]["source"])
        assert int(total) == terminal.lab.query(f"/1.0/storage-pools/{name}/resources")["space"]["total"]
    terminal.run("maas admin vm-host delete 5")


def test_the_readmes_first_host_in_five_lines(tmp_path: Path, lab: Lab) -> None:
    lines = shell(README, "Your first host in five lines").splitlines()
    assert len(lines) == 5
    assert lines[0] == "innkeeper up &"
    server = Server(tmp_path / "data")
    (tmp_path / "data").mkdir()
    with running(server):
        terminal = Terminal(tmp_path / "home", server=server, lab=lab)
        terminal.run("\n".join(lines[1:]))
        (machine,) = json.loads(terminal.run("maas admin machines read hostname=web"))
        assert (machine["status_name"], machine["cpu_count"], machine["memory"]) == ("Ready", 2, 4096)
        assert [disk["size"] for disk in machine["blockdevice_set"]] == [20 * 10**9]
        terminal.run("maas admin vm-host delete 1 decompose=true")


@pytest.mark.parametrize("way", WAYS)
def test_each_of_the_guides_ways_to_be_trusted(terminal: Terminal, way: str) -> None:
    before = {one["fingerprint"] for one in terminal.lab.query("/1.0/certificates?recursion=1")}
    terminal.run(shell(FIRST_HOST, way))
    terminal.until_ready()
    terminal.run("maas admin vm-host delete 1")
    after = {one["fingerprint"] for one in terminal.lab.query("/1.0/certificates?recursion=1")}
    if way == "By a certificate of your own":  # it is theirs, and stays
        (own,) = after - before
        terminal.lab.lxc("config", "trust", "remove", own)
    else:
        assert after == before
    assert "core.trust_password" not in terminal.lab.query("/1.0")["config"]


def test_the_rest_of_the_guide_runs_in_one_go(terminal: Terminal) -> None:
    terminal.run(shell(FIRST_HOST, "Have LXD listen"))
    add_by_token(terminal)
    mine = [block for block in blocks(FIRST_HOST) if block.heading in THE_REST]
    assert {block.heading for block in mine} == set(THE_REST)
    # Variables live as long as the shell, so what succeeds runs in one.
    first = next(index for index, block in enumerate(mine) if block.kind == "sh refused")
    for block in mine[:first]:
        if block.kind == "sh":
            terminal.run(block.text)
    refused, told = mine[first], mine[first + 1]
    assert _numberless(terminal.run(refused.text, code=2)) == _numberless(told.text)
    out = terminal.run("\n".join(block.text for block in mine[first + 1 :] if block.kind == "sh"))
    assert '"storage_pool_reason": ' in out
    assert terminal.hosts() == []


def _numberless(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", text.strip())
