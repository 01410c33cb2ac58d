"""What a person at a terminal sees: progress while the server works, and the forms of answers."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import trustme

from innkeeper.cli.feed import parse_events
from innkeeper.cli.live import picture
from innkeeper.cli.steps import advance
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake import KEY, FakeServer

STREAM = "GET /MAAS/api/v1/events/stream"
COMPOSE = "POST /MAAS/api/2.0/vm-hosts/5/?op=compose"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How a command ended; `screen` is what its terminal was sent, without the codes."""

    code: int
    piped: bytes
    screen: str


def _on_terminal(*args: str, terminal_is: str, interrupt: threading.Event | None = None) -> Seen:
    """Run the program with standard output or standard error on a terminal, the other in a pipe."""
    controller, terminal = pty.openpty()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, terminal_is: terminal}
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "innkeeper.cli.entry", *args]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, **streams) as process:
        os.close(terminal)
        chunks: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(controller, chunks))
        reader.start()
        if interrupt:
            assert interrupt.wait(20)
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    reader.join()
    os.close(controller)
    screen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(chunks).decode())
    return Seen(code=process.returncode, piped=stdout if terminal_is == "stderr" else stderr, screen=screen)


def _drain(controller: int, chunks: list[bytes]) -> None:
    while True:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # how Linux says that the other side is closed
            return
        if not chunk:
            return
        chunks.append(chunk)


def _event(step: str, state: str = "running", **more: object) -> Mapping[str, object]:
    return {"id": 1, "kind": "operation", "operation": "op-1", "subject": "abc", "state": state, "step": step, **more}


def test_progress_shows_the_steps_of_this_request_only(admin: FakeServer) -> None:
    admin.answer(
        COMPOSE,
        {"system_id": "abc"},
        events=(
            _event("create volumes"),
            _event("someone else's step", request="another"),
            _event("not a step", kind="machine"),
            _event("create instance", text="8 GB on [bold]fast[/bold]"),
            _event("", state="done"),
        ),
    )
    seen = _on_terminal("admin", "vm-host", "compose", "5", "cores=1", terminal_is="stderr")
    assert (seen.code, json.loads(seen.piped)) == (0, {"system_id": "abc"})
    last = seen.screen[seen.screen.rindex("create volumes") - 3 :]
    assert re.search(r"✓ +create volumes +\d+\.\d s", last)
    assert re.search(r"✓ +create instance 8 GB on \[bold\]fast\[/bold\] \d+\.\d s", last)
    assert "someone else" not in seen.screen
    assert "not a step" not in seen.screen
    stream, compose = admin.requests
    assert f"{stream.method} {stream.target}" == STREAM
    assert stream.headers["Accept"] == "text/event-stream"
    assert stream.headers["Authorization"].startswith("OAuth ")
    assert re.fullmatch(r"[0-9a-f]{16}", compose.headers["X-Innkeeper-Request"])
    assert compose.body == b"cores=1"


def test_progress_over_tls(server: FakeServer, run: Run) -> None:
    assert run("login", "admin", server.use_tls(trustme.CA()), KEY, "--insecure").exit_code == 0
    server.answer(COMPOSE, {"system_id": "abc"}, events=(_event("create instance"),))
    seen = _on_terminal("admin", "vm-host", "compose", "5", terminal_is="stderr")
    assert (seen.code, json.loads(seen.piped)) == (0, {"system_id": "abc"})
    assert re.search(r"… +create instance", seen.screen)


def test_progress_of_a_failure_shows_what_was_undone(admin: FakeServer) -> None:
    events = (
        _event("create instance"),
        _event("create instance", state="undoing"),
        _event("", state="failed", text="No space left."),
    )
    admin.answer(COMPOSE, b"No space left.", status=503, content_type="text/plain", events=events)
    seen = _on_terminal("admin", "vm-host", "compose", "5", terminal_is="stderr")
    assert (seen.code, seen.piped) == (2, b"No space left.")
    assert re.search(r"✗ +create instance +\d", seen.screen)
    assert re.search(r"↺ +undo create instance +\d", seen.screen)
    assert re.search(r"✗ +failed +No space left\. ", seen.screen)


def test_work_that_outlives_the_answer_is_left_open(admin: FakeServer) -> None:
    admin.answer(COMPOSE, {"system_id": "abc"}, events=(_event("commission"),))
    seen = _on_terminal("admin", "vm-host", "compose", "5", terminal_is="stderr")
    assert seen.code == 0
    assert re.search(r"… +commission", seen.screen)


def test_a_server_without_a_feed_changes_nothing(admin: FakeServer) -> None:
    admin.has_feed = False
    admin.answer(COMPOSE, {"system_id": "abc"})
    seen = _on_terminal("admin", "vm-host", "compose", "5", terminal_is="stderr")
    assert (seen.code, json.loads(seen.piped), seen.screen) == (0, {"system_id": "abc"}, "")
    assert admin.targets() == [STREAM, COMPOSE]
    assert "X-Innkeeper-Request" not in admin.requests[1].headers


def test_a_feed_without_events_draws_nothing(admin: FakeServer) -> None:
    admin.answer(COMPOSE, {"system_id": "abc"})
    seen = _on_terminal("admin", "vm-host", "compose", "5", terminal_is="stderr")
    assert (seen.code, json.loads(seen.piped), seen.screen) == (0, {"system_id": "abc"}, "")


@pytest.mark.parametrize(
    ("words", "request_line", "followed"),
    [
        ("vm-hosts create", "POST /MAAS/api/2.0/vm-hosts/", True),
        ("vm-host delete 5", "DELETE /MAAS/api/2.0/vm-hosts/5/", True),
        ("pod delete 5", "DELETE /MAAS/api/2.0/pods/5/", True),
        ("machine delete abc", "DELETE /MAAS/api/2.0/machines/abc/", True),
        ("machine power-on abc", "POST /MAAS/api/2.0/machines/abc/?op=power_on", True),
        ("vm-host update 5", "PUT /MAAS/api/2.0/vm-hosts/5/", False),
        ("machines read", "GET /MAAS/api/2.0/machines/", False),
    ],
)
def test_which_actions_are_followed(admin: FakeServer, words: str, request_line: str, followed: bool) -> None:
    admin.answer(request_line, {})
    assert _on_terminal("admin", *words.split(), terminal_is="stderr").code == 0
    assert admin.targets() == ([STREAM, request_line] if followed else [request_line])


def test_an_interrupt_while_following_ends_with_130(admin: FakeServer) -> None:
    release = threading.Event()
    admin.answer(COMPOSE, {}, events=(_event("create instance"),), wait=release)
    composing = threading.Event()
    watcher = threading.Thread(target=_wait_for, args=(admin, COMPOSE, composing))
    watcher.start()
    seen = _on_terminal("admin", "vm-host", "compose", "5", terminal_is="stderr", interrupt=composing)
    release.set()
    watcher.join()
    assert (seen.code, seen.piped) == (130, b"")
    assert "Traceback" not in seen.screen


def _wait_for(server: FakeServer, request: str, seen: threading.Event) -> None:
    while request not in server.targets():
        server.arrived.wait(20)
        server.arrived.clear()
    seen.set()


def test_on_a_terminal_an_answer_ends_its_line(admin: FakeServer) -> None:
    admin.answer("GET /MAAS/api/2.0/zones/", b'{"a": 1}')
    seen = _on_terminal("admin", "zones", "read", terminal_is="stdout")
    assert (seen.code, seen.screen, seen.piped) == (0, '{"a": 1}\r\n', b"")


def test_on_a_terminal_nothing_is_said_to_be_done(admin: FakeServer) -> None:
    admin.answer("DELETE /MAAS/api/2.0/machines/abc/", b"", status=204)
    seen = _on_terminal("admin", "machine", "delete", "abc", terminal_is="stdout")
    assert (seen.code, seen.screen) == (0, "Done.\r\n")


def test_on_a_terminal_tables_are_drawn(admin: FakeServer) -> None:
    admin.answer("GET /MAAS/api/2.0/zones/", [{"id": 1, "name": "attic", "description": "Under the roof"}])
    seen = _on_terminal("admin", "zones", "read", "-t", terminal_is="stdout")
    assert seen.code == 0
    lines = [line.strip() for line in seen.screen.splitlines() if line.strip()]
    assert [lines[0].split(), lines[2].split()] == [
        ["ID", "NAME", "DESCRIPTION"],
        ["1", "attic", "Under", "the", "roof"],
    ]
    assert set(lines[1]) == {"─"}


def test_events_are_parsed_from_lines() -> None:
    lines = [
        b": comment\n", b"\n", b"id: 4\n", b'data: {"a": 1}\n', b"\n", b"event: x\r\n", b'data:{"b":\r\n',
        b"data: 2}\r\n", b"\r\n", b"data: not json\n", b"\n", b"data: [1]\n", b"\n", b'data: {"cut off": 1}\n',
    ]  # fmt: skip
    assert list(parse_events(lines)) == [{"a": 1}, {"b": 2}]


def test_several_operations_show_whom_they_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    steps = advance((), _event("stop", operation="1", subject="web"), now=0.0)
    steps = advance(steps, _event("stop", operation="2", subject="db"), now=1.0)
    Console(width=60).print(picture(steps, now=2.5, over=False))
    web, db = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\S web stop +2\.5 s *", web)
    assert re.fullmatch(r"\S db  stop +1\.5 s *", db)
