"""The lab's LXD itself: what `lab/lxd` promises to the tests that use it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).parents[2] / "lab" / "lxd"
NAME = "selftest"
TOPOLOGY = "--sockets 2 --cores 4 --threads 2 --nodes 4 --mem-gib 32 --hugepages 512 --nic ens1f0:1:0000:41:00.0:63:2"

pytestmark = pytest.mark.live


def lab(command: str, name: str = NAME, *arguments: str) -> str:
    run = subprocess.run(
        [LAB, command, name, *arguments],
        env={**os.environ, "LAB_NO_IMAGE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def told(name: str = NAME) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(lab("env", name))
    return facts


def get(path: str, facts: dict[str, Any], timeout: float = 2) -> Any:
    """GET as a client does it: by the network, with the lab's certificate, the server's pinned."""
    context = ssl.create_default_context(cafile=facts["server_cert"])
    context.check_hostname = False
    context.load_cert_chain(facts["client_cert"], facts["client_key"])
    connection = HTTPSConnection(facts["address"], context=context, timeout=timeout)
    try:
        connection.request("GET", path)
        return json.load(connection.getresponse())["metadata"]
    finally:
        connection.close()


def commands() -> Iterator[str]:
    """Of every process of the machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            yield (process / "cmdline").read_text(errors="replace")


@pytest.fixture(scope="module", autouse=True)
def selftest() -> Iterator[None]:
    lab("purge")
    lab("up", NAME, "--topology", TOPOLOGY, "--pools", "fast,slow", "--bridge", "br0")
    yield
    lab("purge")


def test_it_trusts_the_labs_certificate_and_has_what_was_asked_for() -> None:
    facts = told()
    assert get("/1.0", facts)["auth"] == "trusted"
    assert get("/1.0", facts)["environment"]["server_name"] == NAME
    assert {path.split("/")[-1] for path in get("/1.0/storage-pools", facts)} == {"default", "fast", "slow"}
    assert get("/1.0/networks/lxdbr0", facts)["managed"]
    assert not get("/1.0/networks/br0", facts)["managed"]


def test_it_shows_the_invented_machine() -> None:
    resources = get("/1.0/resources", told())
    assert resources["cpu"]["total"] == 16
    assert len(resources["cpu"]["sockets"]) == 2
    nodes = resources["memory"]["nodes"]
    assert [(node["total"], node["hugepages_total"]) for node in nodes] == [(32 << 30, 1 << 30)] * 4
    cards = {card["pci_address"]: card for card in resources["network"]["cards"]}
    card = cards["0000:41:00.0"]
    assert card["numa_node"] == 1
    assert (card["sriov"]["current_vfs"], card["sriov"]["maximum_vfs"]) == (2, 63)


def test_labs_do_not_share_an_address() -> None:
    lab("up", "lab1")
    assert told("lab1")["address"] != told()["address"]


def test_each_token_is_new() -> None:
    assert lab("token") != lab("token")


@pytest.mark.parametrize("back", ["start", "up"])
def test_a_killed_daemon_refuses_and_comes_back_as_it_was(back: str) -> None:
    before = told()
    lab("kill")
    with pytest.raises(ConnectionRefusedError):
        get("/1.0", before)
    lab(back)
    assert get("/1.0", before)["auth"] == "trusted"
    assert told()["address"] == before["address"]


def test_a_cut_host_hangs_until_it_is_mended() -> None:
    lab("cut")
    with pytest.raises(TimeoutError):
        get("/1.0", told(), timeout=0.5)
    lab("mend")
    assert get("/1.0", told())["auth"] == "trusted"


def test_up_repairs_what_an_earlier_run_left() -> None:
    before = told()
    machine = int(before["netns"].split("/")[2])
    os.kill(before["pid"], signal.SIGSTOP)  # a frozen daemon
    lab("up")
    assert get("/1.0", before)["auth"] == "trusted"
    os.kill(machine, signal.SIGKILL)  # a whole machine that was killed, its notes still there
    lab("up")
    assert get("/1.0", before)["auth"] == "trusted"
    assert get("/1.0/networks/br0", before)["type"] == "bridge"


def test_a_host_that_is_down_cannot_be_reached_and_leaves_nothing_running() -> None:
    before = told()
    lab("down")
    with pytest.raises(OSError, match=r"unreachable|No route"):
        get("/1.0", before)
    assert not Path(before["netns"]).exists()
    assert not [command for command in commands() if str(Path(before["state"]).parent) in command]
    assert "down" in lab("list").split(NAME)[1].splitlines()[0]
    lab("up")
    assert get("/1.0/resources", before)["cpu"]["total"] == 16  # its options are kept


def test_a_mistake_in_a_topology_is_told() -> None:
    command = [LAB, "up", "mistake", "--topology", "--coores 3"]
    run = subprocess.run(command, env={**os.environ, "LAB_NO_IMAGE": "1"}, capture_output=True, text=True, timeout=60)
    lab("purge", "mistake")
    assert run.returncode != 0
    assert "--coores" in run.stderr
