"""The demo's steps, and their undoing. lab/demo runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import demo_lxd
import demo_port
from demo_server import Server, own_directory
from demo_stage import Stage, StepFailed, say, tell

ROOT = Path(__file__).resolve().parents[1]
LAB = Path(os.environ.get("INNKEEPER_LAB", "/var/tmp/innkeeper-lab"))
DATA = LAB / "demo"
PORT = int(os.environ.get("INNKEEPER_PORT", "5240"))
STORAGE_TABLE = """\
maas admin vm-host read $VM_HOST_ID \\
| jq -r '(["NAME","TYPE","PATH","TOTAL","USED","AVAIL"]
| (., map(length*"-"))), (.storage_pools[]
| [.name, .type, .path, .total, .used, .available]) | @tsv' \\
| column -t"""


class Demo:
    """What was made so far, so that it can be removed again."""

    def __init__(self) -> None:
        # No setting of this user's own Innkeeper reaches the demo's.
        env = {name: value for name, value in os.environ.items() if not name.startswith("INNKEEPER_")}
        self.settings = {
            "INNKEEPER_LAB": str(LAB),
            "INNKEEPER_DATA": str(DATA),
            "INNKEEPER_PORT": str(PORT),
            "INNKEEPER_PROFILES": str(DATA / "profiles.json"),
        }
        path = f"{ROOT / '.venv/bin'}:{env.get('PATH', '')}:/usr/sbin:/sbin"
        self.stage = Stage(cwd=ROOT, env=env | self.settings | {"PATH": path})
        self.server = Server(data=DATA, port=PORT)

    def play(self) -> None:
        """From nothing to a running machine. Raises StepFailed."""
        stage = self.stage
        say("Innkeeper's demo. Commands are shown as they are run; of their answers, the long ones are left out.")
        with stage.step("Install what is missing: system packages, and .venv with Innkeeper"):
            stage.run("lab/packages demo")
            stage.run("lab/venv runtime")
            stage.run("lab/assets")
        with stage.step("Have a real LXD server"):
            self._remove_earlier()
            lxd = demo_lxd.have(stage, self._later)
            tell(f"LXD {lxd.version} at {lxd.address}")
        with stage.step("Start Innkeeper, on SQLite"):
            self._start()
        with stage.step("Log in with the key of the administrator that the first start made"):
            stage.run(f"maas apikey --username admin | maas login admin {self.server.address} -")
        with stage.step("Add the LXD server as a VM host: a token makes it trust us"):
            stage.let("TOKEN", lxd.token)
            address = f"power_address={lxd.address}"
            stage.do(f"maas admin vm-hosts create type=lxd name=demo {address} password=$TOKEN")
            stage.run("maas admin vm-hosts read --table")
            stage.let("VM_HOST_ID", "maas admin vm-hosts read | jq '.[0].id'")
        with stage.step("Compose a machine: 1 core, 1 GiB of memory, a disk of 1 GB"):
            answer = stage.run("maas admin vm-host compose $VM_HOST_ID cores=1 memory=1024 storage=1")
            stage.set("SYSTEM_ID", json.loads(answer)["system_id"])
        with stage.step("Power it on"):
            stage.do("maas admin machine power-on $SYSTEM_ID")
            stage.run("maas admin machines read --table")
        with stage.step("Show the host's storage"):
            stage.run(STORAGE_TABLE)
        say(f"\nAll of it took {time.monotonic() - stage.began:.1f} s.")

    def stay(self) -> None:
        """Leave the server running until it ends or somebody ends the demo. Raises StepFailed when it ends."""
        activate = DATA / "activate"
        exports = " ".join(f"{name}={value!r}" for name, value in self.settings.items())
        activate.write_text(f"export {exports}\nexport PATH={str(ROOT / '.venv/bin')!r}:$PATH\n")
        say(f"The server stays at {self.server.address} until Ctrl-C.")
        say(f"Open it in a browser: user admin, password {self.server.password}. Or in another terminal:\n")
        tell(f". {activate}")
        tell("maas admin --help")
        assert self.server.process is not None
        self.server.process.wait()
        self.server.tell_log()
        raise StepFailed("The server ended by itself.")

    def tidy_up(self) -> None:
        """Remove what was made, as far as the demo came; every part is tried. Raises StepFailed when one failed."""
        if not DATA.exists():
            return
        with self.stage.step("Remove what the demo made"):
            self._remove()
            tell("Nothing of it is left but the packages and .venv.")

    def _remove(self) -> None:
        commands = [f"maas admin vm-host delete {host} decompose=true" for host in self._hosts()]
        failed = [command for command in commands if not self._goes(command)]
        self.server.stop()
        failed += [command for command in reversed(self._undo()) if not self._goes(command)]
        if failed:
            raise StepFailed(
                f"Not all could be removed. The next demo tries again; what it needs for that is in {DATA}."
            )
        self.server.forget()

    def _goes(self, command: str) -> bool:
        try:
            self.stage.run(command)
        except StepFailed as failure:
            tell(str(failure))
            return False
        return True

    def _remove_earlier(self) -> None:
        """What a demo left that was killed. Its machines may be on an LXD that stays, so its server runs once more."""
        if self._undo():
            tell("An earlier demo was killed. What it left is removed first.")
            self._start()
            self._remove()
        self.server.forget()
        own_directory(DATA)

    def _undo(self) -> list[str]:
        """Commands that undo what was done to the LXD, the first one first."""
        with suppress(OSError):
            return (DATA / "undo").read_text().splitlines()
        return []

    def _later(self, command: str) -> None:
        with (DATA / "undo").open("a") as file:
            file.write(f"{command}\n")

    def _start(self) -> None:
        tell("$ innkeeper up")
        self.server.start(self.stage.env)
        tell(f"Innkeeper is up: {self.server.address}")

    def _hosts(self) -> list[int]:
        if self.server.process is None or not (DATA / "profiles.json").exists():
            return []
        with suppress(StepFailed, ValueError):
            return [host["id"] for host in json.loads(self.stage.quietly("maas admin vm-hosts read"))]
        return []


_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Ended(Exception):
    """Somebody wants the demo to end: Ctrl-C, SIGTERM, or a terminal that was closed."""


def main() -> int:
    """Play the demo; 0 when all steps went well and all was removed."""
    if not demo_port.is_free(PORT):
        say(f"Port {PORT} is busy: {demo_port.owner(PORT)} listens on it.")
        say("End it, or choose another port: INNKEEPER_PORT=5241 make demo")
        return 1
    with socket.socket(socket.AF_UNIX) as only_one:
        try:
            only_one.bind(f"\0innkeeper-demo {LAB}")  # a name without a file, gone with its process
        except OSError:
            say("Another demo runs on this machine.")
            return 1
        return _play()


def _play() -> int:
    demo, code = Demo(), 0
    for number in _ENDS:
        signal.signal(number, _end)
    try:
        demo.play()
        if os.environ.get("DEMO_ONCE") != "1":
            demo.stay()
    except _Ended:
        pass
    except StepFailed as failure:
        code = 1
        tell(str(failure))
    # From here to the end nothing interrupts; commands inherit that.
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    try:
        demo.tidy_up()
    except StepFailed as failure:
        code = 1
        tell(str(failure))
    return code


def _end(number: int, frame: object) -> None:
    raise _Ended


if __name__ == "__main__":
    sys.exit(main())
