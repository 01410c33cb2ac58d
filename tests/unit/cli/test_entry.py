"""The program as a whole: names, help, speed, what it imports, how it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from innkeeper import __version__
from tests.unit.cli.conftest import Run, Shell
from tests.unit.cli.fake import KEY, FakeServer

HOST = {"id": 5, "name": "otter", "storage_pools": [{"name": "fast", "type": "zfs"}]}


@pytest.mark.parametrize("name", ["innkeeper", "maas"])
def test_both_names_are_installed_and_are_one_program(name: str) -> None:
    script = Path(sys.executable).with_name(name)
    result = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, timeout=30)
    assert result.stdout == f"innkeeper {__version__}\n"
    help_text = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
    assert help_text.startswith(f"Usage: {name} [OPTIONS] COMMAND | PROFILE RESOURCE ACTION")


def test_help_is_grouped_and_names_the_profiles(admin: FakeServer, run: Run) -> None:
    text = run("--help").output
    server, profiles, logged_in = text.index("\nServer:\n"), text.index("\nProfiles:\n"), text.index("\nLogged in:\n")
    assert server < text.index("  createadmin ") < profiles < text.index("  login ") < logged_in
    assert f"admin  {admin.url}/" in text[logged_in:]
    assert text.rstrip().endswith("PROFILE --help lists what the server of a profile offers.")


def test_help_comes_with_an_unreadable_profiles_file(profiles: Path, run: Run) -> None:
    profiles.parent.mkdir()
    profiles.write_text("{")
    result = run("--help")
    assert result.exit_code == 0
    assert "createadmin" in result.output


def test_help_of_profile_resource_and_action(admin: FakeServer, run: Run) -> None:
    profile = run("admin", "--help").output
    assert f"Work with {admin.url}/ as mara." in profile
    assert "  vm-host    VmHost of the fleet." in profile
    assert "  version " in profile
    resource = run("admin", "vm-host", "--help").output
    assert "More about them." in resource
    assert "  add-tag     Add a tag." in resource
    action = run("admin", "vm-host", "compose", "-h").output
    assert action.startswith("Usage: maas admin vm-host compose [OPTIONS] ID [KEY=VALUE | KEY@=FILE]...")
    assert "The machine exists when the answer comes." in action
    assert "  cores   (Optional) Number of cores, 1 by default. [integer]" in action
    assert ":param" not in action
    assert admin.requests == []


def test_missing_words_are_usage_errors(admin: FakeServer, run: Run) -> None:
    for words, expected in (
        (("admin",), "Usage: maas admin"),
        (("admin", "vm-host"), "Usage: maas admin vm-host"),
        (("admin", "vm-host", "read"), "Missing argument 'ID'"),
        (("admin", "--nonsense"), "No such option"),
    ):
        result = run(*words)
        assert result.exit_code == 2, words
        assert expected in result.stderr
    assert admin.requests == []


def test_an_unknown_profile_lists_the_known_ones(admin: FakeServer, run: Run) -> None:
    result = run("prod", "machines", "read")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "Error: There is no profile 'prod'.\nProfiles: admin\nLog in: maas login prod http://localhost:5240/MAAS KEY\n"
    )


def test_without_any_profile_it_says_how_to_log_in(run: Run) -> None:
    result = run("admin", "machines", "read", program_name="innkeeper")
    assert result.exit_code == 2
    assert "You are not logged in to any server." in result.stderr
    assert "Log in: innkeeper login admin http" in result.stderr


def test_an_unknown_option_is_refused(run: Run) -> None:
    result = run("--nonsense")
    assert result.exit_code == 2
    assert "No such option '--nonsense'" in result.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("maas ", "up createadmin apikey login logout list refresh console image admin"),
        ("maas ad", "admin"),
        ("maas admin vm-", "vm-host vm-hosts"),
        ("maas admin vm-host ", "add-tag compose delete parameters read update"),
        ("maas admin nonsense v", "version vm-host vm-hosts"),
        ("maas nobody lo", "login logout"),
    ],
)
def test_words_can_be_completed_without_asking_the_server(admin: FakeServer, line: str, expected: str) -> None:
    asked = {"_MAAS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    script = Path(sys.executable).with_name("maas")
    result = subprocess.run(
        [script], capture_output=True, text=True, check=True, timeout=30, env={**os.environ, **asked}
    )
    assert result.stdout.splitlines() == [f"plain,{word}" for word in expected.split(" ")]
    assert result.stderr == ""
    assert admin.requests == []


def test_the_missions_command_runs_as_printed(admin: FakeServer) -> None:
    admin.answer("GET /MAAS/api/2.0/vm-hosts/5/", HOST)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PROFILE": "admin", "VM_HOST_ID": "5"}
    for line in ("maas $PROFILE vm-host read $VM_HOST_ID", "maas admin vm-host read 5 | cat"):
        result = subprocess.run(["sh", "-c", line], capture_output=True, env=environment, check=True, timeout=30)
        assert json.loads(result.stdout) == HOST
        assert result.stderr == b""
        assert admin.only().target == "/MAAS/api/2.0/vm-hosts/5/"


def test_the_original_login_conversation(server: FakeServer, shell: Shell) -> None:
    assert shell("login", "admin", server.url, KEY).returncode == 0
    server.answer("GET /MAAS/api/2.0/vm-hosts/5/", HOST)
    result = shell("admin", "vm-host", "read", "5")
    assert (result.returncode, result.stderr, json.loads(result.stdout)) == (0, b"", HOST)


def test_entry_point_imports_nothing_heavy(admin: FakeServer, shell: Shell) -> None:
    """Neither importing it nor running a remote command loads the server's libraries or rich."""
    admin.answer("GET /MAAS/api/2.0/vm-hosts/5/", HOST)
    heavy = [
        "fastapi",
        "starlette",
        "sqlalchemy",
        "aiohttp",
        "pydantic",
        "pydantic_settings",
        "msgspec",
        "rich",
        "requests",
    ]
    for run_it in ("", "entry.program.main(['admin', 'vm-host', 'read', '5'], prog_name='maas')"):
        code = (
            "import sys\nfrom innkeeper.cli import entry\n"
            f"try:\n    {run_it or 'pass'}\nexcept SystemExit as end:\n    assert not end.code\n"
            f"sys.exit(' '.join(set({heavy!r}) & set(sys.modules)) or 0)"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
        assert (result.returncode, result.stderr.strip()) == (0, ""), run_it or "import"
    code = "import sys, innkeeper.cli.entry; sys.exit(' '.join({'http.client', 'ssl'} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0


def test_a_remote_command_is_quick(admin: FakeServer) -> None:
    """Start to end in 250 ms, counted as processor time: it hardly waits, and a busy machine must not fail it."""
    admin.answer("GET /MAAS/api/2.0/vm-hosts/5/", HOST)
    command = [Path(sys.executable).with_name("maas"), "admin", "vm-host", "read", "5"]
    times: list[float] = []
    while not times or (min(times) >= 0.25 and len(times) < 10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=30)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times) < 0.25, times


def test_an_interrupt_ends_quietly_with_130(admin: FakeServer) -> None:
    release = threading.Event()
    admin.answer("GET /MAAS/api/2.0/vm-hosts/5/", HOST, wait=release)
    admin.arrived.clear()
    command = [sys.executable, "-m", "innkeeper.cli.entry", "admin", "vm-host", "read", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert admin.arrived.wait(20)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    release.set()
    assert process.returncode == 130
    assert (stdout, stderr.strip()) == (b"", b"")
