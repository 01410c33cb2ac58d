"""The server as a process that starts in a moment: forked from one that has imported everything already.

The same `innkeeper up`; only the second that Python needs to import it is saved, because these processes are killed
and started again by the dozen.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from innkeeper.hypervisors.simulated_world import world
from tests.kit.server import Server

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["innkeeper.serve", "tests.kit.forked"])


def _up(settings: dict[str, str], log: Path) -> None:
    """What the forked process does."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(settings)
    from innkeeper import serve
    from innkeeper.settings import Settings

    serve.up(Settings())


class _Child:
    """A forked process with the methods of `subprocess.Popen` that Server uses."""

    def __init__(self, settings: dict[str, str], log: Path) -> None:
        self._process = _forks.Process(target=_up, args=(settings, log), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        assert self._process.exitcode is not None, f"process {self.pid} lives on after {timeout} s"
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Forked(Server):
    """A `Server` whose process is forked."""

    def _spawn(self) -> None:
        settings = {name: value for name, value in self._env.items() if name.startswith("INNKEEPER_")}
        self.process = _Child(settings, self.log)


def freeze(server: Server, *, files: Iterable[Path] = ()) -> None:
    """SIGSTOP, but never while it holds the lock of one of these simulated hosts: a real host would not hang either."""
    assert server.process is not None
    with ExitStack() as held:
        for file in files:
            held.enter_context(world(file))
        server.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{server.process.pid}/stat")
        while stat.read_text().rsplit(")", 1)[1].split()[0] != "T":
            pass
