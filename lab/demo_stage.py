"""How the demo shows what it does: steps with their time, and commands exactly as they are run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

INDENT = "   "


class StepFailed(Exception):
    """A step that cannot go on. The text is for people; "" when it was told already."""


class Stage:
    """Prints, and runs commands in `cwd` with `env`; both grow as the demo goes on."""

    def __init__(self, *, cwd: Path, env: Mapping[str, str]) -> None:
        self.cwd, self.env = cwd, dict(env)
        self.began = time.monotonic()
        self._steps = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step: its number and title, what happens in it, its time in seconds."""
        self._steps += 1
        began = time.monotonic()
        say(f"\n{self._steps}. {title}")
        yield
        tell(f"({time.monotonic() - began:.1f} s)")

    def run(self, command: str) -> str:
        """Show a shell command, run it, show what it prints; its standard output. Raises StepFailed."""
        tell(f"$ {command}")
        return self.quietly(command, show=True)

    def do(self, command: str) -> None:
        """Show a shell command and run it; what it prints is shown only if it fails. Raises StepFailed."""
        tell(f"$ {command}")
        self.quietly(command)

    def let(self, name: str, command: str) -> str:
        """Show and run NAME=$(command): later commands may say $NAME. Raises StepFailed."""
        tell(f"$ {name}=$({command})")
        self.env[name] = self.quietly(command).strip()
        return self.env[name]

    def set(self, name: str, value: str) -> None:
        """Show NAME=value, for later commands."""
        tell(f"$ {name}={value}")
        self.env[name] = value

    def quietly(self, command: str, *, show: bool = False) -> str:
        """Run a shell command, `show` what it prints; its errors are always shown. Raises StepFailed."""
        # On a terminal `maas` draws the progress of operations itself, on standard error.
        drawn = os.isatty(2) and command.startswith("maas ")
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.cwd,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=None if drawn else subprocess.STDOUT if show else subprocess.PIPE,
            text=True,
        )
        try:
            out, error = _told(process) if show else process.communicate()
            process.wait()
        except BaseException:  # the demo was told to end: so is the command
            with suppress(PermissionError):
                process.terminate()
            process.wait()
            raise
        if process.returncode != 0:
            if not show:
                tell(f"{out}{error or ''}".rstrip("\n"))
            raise StepFailed(f"That failed (exit code {process.returncode}).")
        return out


def _told(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process prints, told line by line as it comes."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        tell(line.rstrip("\n"))
    return "".join(lines), ""


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def tell(text: str) -> None:
    """Print lines that belong to a step."""
    for line in text.splitlines():
        say(f"{INDENT}{line}".rstrip())
