"""`lab/demo` on an LXD that was there before: it shows what it promises, and nothing of it is left however it ends.

That it starts an LXD of its own on a machine that has nothing is shown by .ci/run, on a bare Debian.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.kit.lab import ROOT, Lab
from tests.kit.server import free_port

pytestmark = pytest.mark.live
STAYS = "until Ctrl-C"


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    assert lab.leftovers() == {}
    yield lab
    left = lab.leftovers()
    lab.clean()
    assert left == {}


@pytest.fixture
def env(lab: Lab, tmp_path: Path) -> dict[str, str]:
    """As on a machine where LXD runs: its socket is where `lxc` looks for it."""
    return os.environ | {
        "LXD_DIR": lab.env["state"],
        "HOME": str(tmp_path),
        "INNKEEPER_LAB": str(tmp_path / "lab"),
        "INNKEEPER_PORT": str(free_port()),
        "DEMO_ONCE": "",
    }


@contextmanager
def demo(env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A demo that came to its end and stays."""
    with subprocess.Popen(
        [ROOT / "lab" / "demo"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines: list[str] = []
        try:
            while not lines or STAYS not in lines[-1]:
                lines.append(process.stdout.readline())
                assert lines[-1], "".join(lines)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)


def once(env: dict[str, str]) -> tuple[int, str]:
    """Exit code and output of a demo that ends by itself."""
    done = subprocess.run(
        [ROOT / "lab" / "demo"], env=env | {"DEMO_ONCE": "1"}, capture_output=True, text=True, timeout=110, check=False
    )
    return done.returncode, done.stdout + done.stderr


def data(env: dict[str, str]) -> Path:
    return Path(env["INNKEEPER_LAB"]) / "demo"


def test_it_shows_each_step_with_its_time(env: dict[str, str]) -> None:
    code, out = once(env)
    assert code == 0, out
    titles = re.findall(r"^(\d+)\. (.+)$", out, re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, len(titles) + 1))
    assert len(re.findall(r"^   \(\d+\.\d s\)$", out, re.MULTILINE)) == len(titles)
    assert re.search(r"^   \w{6} +\S+ +Ready +on ", out, re.MULTILINE), out
    assert re.search(r"^   default +dir +/\S+ +\d+ +\d+ +\d+$", out, re.MULTILINE), out
    assert not data(env).exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda end: end.name)
def test_it_stays_until_it_is_ended_and_then_leaves_nothing(env: dict[str, str], lab: Lab, end: signal.Signals) -> None:
    with demo(env) as process:
        shell = f". {data(env)}/activate && maas admin machines read hostname=nothing && maas admin version read"
        assert '"version"' in subprocess.check_output(["bash", "-c", shell], env=env, text=True)
        assert process.stdout is not None
        told = re.search(r"user admin, password (\S+)\.", process.stdout.readline())
        assert told
        assert _signs_in(env, told[1])
        assert set(lab.leftovers()) >= {"instances", "trusted"}
        os.killpg(process.pid, end)  # as a terminal does
        assert process.wait(timeout=60) == 0
    assert not data(env).exists()


def test_what_a_killed_demo_left_the_next_one_removes(env: dict[str, str], lab: Lab) -> None:
    with demo(env) as process:
        process.kill()
        process.wait(timeout=10)
    (left,) = lab.leftovers()["instances"]
    deadline = time.monotonic() + 20
    while not _is_free(int(env["INNKEEPER_PORT"])):  # its server ends with it
        assert time.monotonic() < deadline
        time.sleep(0.1)
    code, out = once(env)
    assert code == 0, out
    assert "An earlier demo was killed." in out
    assert left not in str(lab.leftovers())
    assert not data(env).exists()


def test_a_busy_port_is_told_by_what(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(env["INNKEEPER_PORT"]))):
        code, out = once(env)
    assert code == 1
    assert f"Port {env['INNKEEPER_PORT']} is busy: process {os.getpid()} (" in out
    assert not data(env).exists()


def _signs_in(env: dict[str, str], password: str) -> bool:
    """Whether a browser comes in with that password."""
    base = f"http://127.0.0.1:{env['INNKEEPER_PORT']}"
    answer = httpx2.post(
        f"{base}/sign-in",
        data={"username": "admin", "password": password},
        headers={"Origin": base},
        trust_env=False,
    )
    return answer.status_code == 303 and "sign-in" not in answer.headers["location"]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_ubuntu_without_the_snap_is_told_what_is_missing(env: dict[str, str], tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n')
    script = 'mount --bind "$1" /etc/os-release && exec "$2"'  # in a mount namespace: another system's name
    command = ["unshare", "--mount", "sh", "-c", script, "sh", release, ROOT / "lab" / "demo"]
    bare = env | {"LXD_DIR": str(tmp_path / "none"), "DEMO_ONCE": "1"}
    done = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Install its snap: sudo snap install lxd" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
