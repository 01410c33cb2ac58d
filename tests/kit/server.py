"""Innkeeper as a process of its own, which can be killed, frozen and started again on the same data."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from innkeeper.settings import Settings
from innkeeper.store import users
from innkeeper.store.opening import open_store

_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy of this machine


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that the kernel does not take for outgoing connections: a server
    that was killed must find it free when it starts again."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, lowest)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Process(Protocol):
    """What `Server` needs of a process: `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int | None: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...
    def terminate(self) -> None: ...


class Server:
    """One `innkeeper up` on 127.0.0.1. Several with one `url` and `key_file` are one installation."""

    def __init__(
        self,
        data: Path,
        *,
        url: str | None = None,
        key_file: Path | None = None,
        hosts: Path | None = None,
        **settings: object,
    ) -> None:
        self.data, self.port = data, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        given: dict[str, object] = {"data": data, "host": "127.0.0.1", "port": self.port} | settings
        for name, value in (("database", url), ("key_file", key_file), ("simulated_hosts", hosts)):
            if value is not None:
                given[name] = value
        self._env = os.environ | {f"INNKEEPER_{name.upper()}": str(value) for name, value in given.items()}
        self.settings = Settings(**given)  # type: ignore[arg-type]
        self.log = data / f"server-{self.port}.log"
        self.process: Process | None = None

    def key(self, username: str = "admin") -> str:
        """An API key of an administrator (both made when missing), without the server's help."""
        database, cipher, _ = open_store(self.settings)
        try:
            if not any(one.username == username for one in database.ask(users.listing)):
                database.transact(users.create, username=username, password="secret", is_admin=True)
            found = database.ask(users.keys, cipher, username=username)
            return (found[0] if found else database.transact(users.add_key, cipher, username=username)).text
        finally:
            database.close()

    def start(self, *, wait: float = 20.0) -> None:
        """Start it and wait until it is ready."""
        self._spawn()
        self._until_ready(wait)

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "innkeeper.cli.entry", "up"], env=self._env, stdout=log, stderr=log
            )

    def _until_ready(self, wait: float) -> None:
        assert self.process is not None
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the server ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}"
                )
            with suppress(OSError):
                _straight.open(f"{self.base}/readyz", timeout=1).close()
                return
            time.sleep(0.05)
        raise AssertionError(f"the server is not ready after {wait} s:\n{self.log.read_text()[-3000:]}")

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT, SIGTERM …"""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wait_dead(self, *, timeout: float = 30.0) -> None:
        """Wait until it has died by itself (of a fault that kills)."""
        assert self.process is not None
        self.process.wait(timeout)
        self.process = None

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """Start servers, and kill what is left of them afterwards."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            with suppress(ProcessLookupError):
                if server.process is not None:
                    server.process.send_signal(signal.SIGCONT)
            server.kill()
