"""The lab's real LXD: where it is, and what a person at its own console does."""

from __future__ import annotations

import json
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LAB = ROOT / "lab" / "lxd"


class Lab:
    """One LXD of the lab; started when it is not up."""

    def __init__(self, name: str = "lab1") -> None:
        self.name = name
        subprocess.run([LAB, "up", name], check=True, stdout=subprocess.DEVNULL, timeout=300)

    @cached_property
    def env(self) -> dict[str, Any]:
        """What `lab/lxd env` tells."""
        done = subprocess.run([LAB, "env", self.name], check=True, capture_output=True, text=True)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    @property
    def address(self) -> str:
        return str(self.env["address"])

    def token(self) -> str:
        """A fresh trust token."""
        done = subprocess.run([LAB, "token", self.name], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def lxc(self, *words: str, stdin: str | None = None) -> str:
        """What the real client does at the server's own socket; its output."""
        done = subprocess.run(
            [LAB, "lxc", self.name, "--", *words], check=True, capture_output=True, text=True, input=stdin, timeout=120
        )
        return done.stdout

    def query(self, path: str) -> Any:
        """A GET of the server's API."""
        return json.loads(self.lxc("query", path))

    def command(self, word: str, *words: str, timeout: float = 120) -> None:
        """`lab/lxd WORD NAME WORDS…`: kill, restart …"""
        subprocess.run([LAB, word, self.name, *words], check=True, stdout=subprocess.DEVNULL, timeout=timeout)

    def inside(self, *words: str) -> str:
        """What a command prints on the machine that the server runs on."""
        command = [LAB, "exec", self.name, "--", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def pem(self, which: str) -> str:
        """A certificate or key of the lab: client_cert, client_key, server_cert."""
        return Path(self.env[which]).read_text()

    def new_vm(self, name: str, *config: str, project: str = "default") -> None:
        """An empty VM made at the console."""
        options = [word for pair in config for word in ("-c", pair)]
        self.lxc(
            "init", name, "--empty", "--vm", "--project", project, "-c", "security.secureboot=false",
            "-d", "root,size=64MiB", *options,
        )  # fmt: skip

    def leftovers(self) -> dict[str, list[str]]:
        """What is on the server beyond a fresh one: a test must leave nothing."""
        instances = [one["name"] for one in self.query("/1.0/instances?recursion=1&all-projects=true")]
        volumes = [
            f"{pool['name']}/{one['name']}"
            for pool in self.query("/1.0/storage-pools?recursion=1")
            for one in self.query(f"/1.0/storage-pools/{pool['name']}/volumes?recursion=1&all-projects=true")
            if one["type"] in ("custom", "virtual-machine")
        ]
        projects = [name for one in self.query("/1.0/projects") if (name := one.rsplit("/", 1)[1]) != "default"]
        trusted = [one["name"] for one in self.query("/1.0/certificates?recursion=1") if one["name"] != "lab"]
        found = {"instances": instances, "volumes": volumes, "projects": projects, "trusted": trusted}
        return {what: names for what, names in found.items() if names}

    def clean(self) -> None:
        """Remove what a failed test left, so that the next one begins clean."""
        for one in self.query("/1.0/instances?recursion=1&all-projects=true"):
            self.lxc("delete", "--force", "--project", one["project"], one["name"])
        for pool in self.query("/1.0/storage-pools?recursion=1"):
            for one in self.query(f"/1.0/storage-pools/{pool['name']}/volumes?recursion=1&all-projects=true"):
                if one["type"] == "custom":
                    self.lxc("storage", "volume", "delete", "--project", one["project"], pool["name"], one["name"])
        for one in self.query("/1.0/projects"):
            if (name := one.rsplit("/", 1)[1]) != "default":
                self.lxc("project", "delete", name)
        for one in self.query("/1.0/certificates?recursion=1"):
            if one["name"] != "lab":
                self.lxc("config", "trust", "remove", one["fingerprint"])
