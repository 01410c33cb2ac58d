"""The demo's own Innkeeper: a process with a data directory of its own, which ends when the demo does."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from demo_stage import StepFailed, tell

_PATIENCE = 30  # seconds until it must be ready
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Server:
    """`innkeeper up` with the settings in `env`; its output goes to server.log in the data directory."""

    def __init__(self, *, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.log = data / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/MAAS/"

    def start(self, env: Mapping[str, str]) -> None:
        """Start it and wait until it is ready. Raises StepFailed with the end of its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["innkeeper", "up"],
                cwd=self.data,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which still needs the server to tidy up
                preexec_fn=_end_with_parent,
            )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError):
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    f"http://127.0.0.1:{self.port}/readyz", timeout=2
                ).close()
                return
            time.sleep(0.05)
        self.tell_log()
        raise StepFailed("The server did not start.")

    @property
    def password(self) -> str:
        """The administrator's, as its first start printed it."""
        found = re.search(r"password: (\S+)", self.log.read_text(errors="replace"))
        return found[1] if found else "not known"

    def tell_log(self) -> None:
        """Show the last lines of its log."""
        with suppress(OSError):
            tell("\n".join(self.log.read_text(errors="replace").splitlines()[-20:]))

    def stop(self) -> None:
        """End it in order, and insist after a while."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def forget(self) -> None:
        """Remove its data."""
        shutil.rmtree(self.data, ignore_errors=True)


def own_directory(path: Path) -> None:
    """Make a directory that only this user can enter; its parent may be root's, who runs the lab's servers."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except PermissionError:
        subprocess.run(["sudo", "install", "-d", "-m", "700", "-o", str(os.getuid()), path], check=True)
    if path.stat().st_uid != os.getuid():
        raise StepFailed(f"{path} belongs to another user: it is left of a demo of theirs.")


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
