"""Which LXD the demo works with: one whose local socket answers, else one that it starts itself."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from demo_stage import Stage, StepFailed, tell

OURS = "demo"  # the name of the lab's LXD that the demo starts
TOKEN = "innkeeper-demo"  # the name of the trust token in an LXD that was there
LISTEN = "127.0.0.1:8443"


@dataclass(frozen=True, kw_only=True)
class Lxd:
    """An LXD to work with; `token` is the shell command that prints a new trust token of it."""

    address: str
    version: str
    token: str


def have(stage: Stage, later: Callable[[str], None]) -> Lxd:
    """An LXD that can run virtual machines. Raises StepFailed when there is none and none can be started.

    `later` is told the commands that undo what is done for it, each before it is done.
    """
    lxc = _lxc(stage.env)
    reason = "No LXD answers here."
    if lxc:
        reason = _unusable(lxc, stage.env)
        if not reason:
            tell("An LXD answers on this machine: it is used, and its own things are left alone.")
            return _theirs(stage, lxc, later)
        tell(f"An LXD answers on this machine, but {reason}")
    if _is_ubuntu():
        hint = "" if lxc else " Install its snap: sudo snap install lxd && sudo lxd init --auto"
        raise StepFailed(f"{reason}{hint}")
    if not shutil.which("apt-get"):
        raise StepFailed(f"{reason} Starting one is possible on Debian 12 or newer; elsewhere install LXD yourself.")
    return _start(stage, later)


def _start(stage: Stage, later: Callable[[str], None]) -> Lxd:
    later(f"lab/lxd purge {OURS}")
    stage.env["LAB_NO_IMAGE"] = "1"  # composed machines begin with empty disks
    stage.run(f"lab/lxd up {OURS}")
    told = json.loads(stage.quietly(f"lab/lxd env {OURS}"))
    server = json.loads(stage.quietly(f"lab/lxd lxc {OURS} -- query /1.0"))
    return Lxd(
        address=told["address"],
        version=server["environment"]["server_version"],
        token=f"lab/lxd token {OURS}",
    )


def _theirs(stage: Stage, lxc: str, later: Callable[[str], None]) -> Lxd:
    server = _query(lxc, "/1.0", stage.env)
    if not server["config"].get("core.https_address"):
        later(f"{lxc} config unset core.https_address")
        stage.run(f"{lxc} config set core.https_address={LISTEN}")
        server = _query(lxc, "/1.0", stage.env)
    environment = server["environment"]
    listening = server["config"].get("core.https_address", "")
    for address in _candidates(environment["addresses"] or [], listening):
        if _is_certificate_of(address, environment["certificate_fingerprint"]):
            later(f"{lxc} config trust revoke-token {TOKEN} 2>/dev/null || true")  # one that was not used
            token = f"{lxc} config trust add --name {TOKEN} | tail -n 1"
            return Lxd(address=address, version=environment["server_version"], token=token)
    raise StepFailed(f"This LXD listens on {listening}, but does not answer there.")


def _lxc(env: dict[str, str]) -> str:
    """The `lxc` command that reaches an LXD on this machine, as root if it must be; "" when none does."""
    program = shutil.which("lxc", path=f"{env['PATH']}:/snap/bin")
    if program is None:
        return ""
    shown = "lxc" if shutil.which("lxc", path=env["PATH"]) else program
    for command in (shown, f"sudo {shown}"):
        if command == shown or (os.getuid() != 0 and shutil.which("sudo")):
            with suppress(OSError, ValueError, subprocess.SubprocessError):
                if _output(f"{command} remote get-default", env).strip() == b"local":
                    _query(command, "/1.0", env)
                    return command
    return ""


def _query(lxc: str, path: str, env: dict[str, str]) -> Any:
    return json.loads(_output(f"{lxc} query {path}", env))


def _output(command: str, env: dict[str, str]) -> bytes:
    return subprocess.run(command.split(), env=env, check=True, capture_output=True, timeout=60).stdout


def _unusable(lxc: str, env: dict[str, str]) -> str:
    """Why an LXD that answers cannot be worked with; "" when it can."""
    if "qemu" not in _query(lxc, "/1.0", env)["environment"]["driver"]:
        return "it cannot run virtual machines (its log says why)."
    if not _query(lxc, "/1.0/storage-pools", env):
        return f"it has no storage pool: {lxc.removesuffix('lxc')}lxd init --auto makes one."
    return ""


def _candidates(addresses: list[str], listening: str) -> Iterator[str]:
    port = listening.rpartition(":")[2]
    yield f"127.0.0.1:{port if port.isdecimal() else 8443}"
    yield from addresses


def _is_certificate_of(address: str, fingerprint: str) -> bool:
    """Whether the server at that address shows the certificate with that fingerprint."""
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the fingerprint decides
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=3) as plain,
            context.wrap_socket(plain) as secure,
        ):
            return sha256(secure.getpeercert(binary_form=True) or b"").hexdigest() == fingerprint
    except OSError:
        return False


def _is_ubuntu() -> bool:
    """Ubuntu has LXD as a snap only."""
    with suppress(OSError):
        lines = Path("/etc/os-release").read_text().replace('"', "").splitlines()
        return any(line.startswith(("ID=", "ID_LIKE=")) and "ubuntu" in line for line in lines)
    return False
