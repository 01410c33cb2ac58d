"""`innkeeper console`: on a terminal and in a pipe, against a real server."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.api.facts import give, machine
from tests.api.serial import is_open, let_go, prints, running
from tests.kit.house import Inn
from tests.kit.until import until


class Terminal:
    """The program on a terminal: what it shows, and keys."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self._theirs, self.shown = theirs, b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "innkeeper.cli.entry", *words], stdin=theirs, stdout=theirs, stderr=theirs
        )
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    def _read(self) -> None:
        self.shown += os.read(self._ours, 65536)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    async def shows(self, text: str) -> None:
        async def there() -> bool:
            return text.encode() in self.shown

        await until(there, what=f"{text!r} on the terminal, which shows {self.shown!r}")

    async def ended(self) -> int:
        """The exit code; the terminal must be as it was before."""
        code = await asyncio.to_thread(self.process.wait, 10)
        assert termios.tcgetattr(self._theirs) == self.before
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self._theirs)
        return code


@pytest.fixture
async def profile(house: Inn, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A profile of the administrator at that server."""
    monkeypatch.setenv("INNKEEPER_PROFILES", str(tmp_path / "profiles.json"))
    assert house.admin.key
    await command("login", "admin", f"{address}/MAAS", house.admin.key)
    return "admin"


async def command(*words: str, code: int = 0, stdin: bytes = b"") -> tuple[str, str]:
    """The program in pipes: what it prints, and its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "innkeeper.cli.entry", *words,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(stdin), 20)
    assert process.returncode == code, err
    return out.decode(), err.decode()


async def test_on_a_terminal_until_the_escape_key(house: Inn, profile: str) -> None:
    await running(house, hostname="web1")
    terminal = Terminal("console", "web1")
    await terminal.shows("[Ctrl-] leaves this console.]\r\n")
    await terminal.shows("[This is the console of web1.]")
    prints(house, "web1", "login: \x1b[1m")
    await terminal.shows("login: \x1b[1m")
    terminal.type(b"root\r\x03")  # Ctrl-C is the guest's
    await terminal.shows("root\r\n\x03")
    terminal.type(b"x\x1dy")
    assert await terminal.ended() == 0
    await let_go(house, "web1")
    assert house.see("alpha").printed["default/web1"].endswith("root\r\n\x03x")


async def test_the_log_and_a_pipe(house: Inn, profile: str) -> None:
    id = await running(house, hostname="web1")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "innkeeper.cli.entry", "console", id, "--profile", profile,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    await is_open(house, "web1")
    process.stdin.write(b"uptime\n")
    process.stdin.close()
    assert await asyncio.wait_for(process.stdout.readline(), 10) == b"uptime\n"
    prints(house, "web1", "12:00 up 1 day\n")
    assert await asyncio.wait_for(process.stdout.readline(), 10) == b"12:00 up 1 day\n"
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert (await command("console", "web1", "--log"))[0] == "uptime\n12:00 up 1 day\n"


async def test_refusals_are_told_and_end_it(house: Inn, address: str, profile: str) -> None:
    made = await machine(house, hostname="web1")
    _, err = await command("console", "nobody", code=2)
    assert err == "Error: No Machine matches the given query.\n"
    ann = house.client(username="ann")
    assert ann.key
    await command("login", "hers", f"{address}/MAAS", ann.key)
    _, err = await command("console", "web1", code=2)
    assert "several servers" in err
    assert "Profiles: admin, hers" in err
    for more in ((), ("--log",)):
        _, err = await command("console", "web1", "--profile", "hers", *more, code=2)
        assert "Only the owner or an administrator may do this" in err
    _, err = await command("console", "web1", "--profile", "nope", code=2)
    assert "There is no profile 'nope'" in err
    give(house, made["system_id"], ann)
    terminal = Terminal("console", "web1", "--profile", "hers")
    await terminal.shows("[web1 is off. Its console opens when it starts.]")
    await house.house.leave()
    await terminal.shows("[This server is stopping.]")
    assert await terminal.ended() == 0
