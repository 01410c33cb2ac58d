"""Where the conversations of MAAS's clients take place: a server, a host for it, and guests that call when they run."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from innkeeper.hypervisors.simulated_world import GB, world
from innkeeper.model.image import ImageFacts, Kind
from innkeeper.store import images
from innkeeper.store.opening import open_store
from tests.kit.server import Server, running

SERIES = "tiny"  # the image that hosts have under this alias
_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Stage:
    """`host`: the fields that add the host. `cidr`: a subnet of it. `pool`: one of its storage pools."""

    server: Server
    host: dict[str, str]
    cidr: str
    pool: str

    @property
    def key(self) -> str:
        return self.server.key()


def add_image(server: Server) -> None:
    """The image, known to the server before it starts."""
    database, _, _ = open_store(server.settings)
    database.transact(
        images.add, name=f"custom/{SERIES}", architecture="amd64/generic", kind=Kind.ALIAS, source=SERIES, complete=True
    )
    database.close()


@contextmanager
def simulated(directory: Path, **settings: Any) -> Iterator[Server]:
    """A server whose hosts are files, and guests in them that phone home."""
    hosts = directory / "hosts"
    hosts.mkdir()
    server = Server(directory, hosts=hosts, host="0.0.0.0", **settings)
    server.key()
    add_image(server)
    stop = threading.Event()
    guests = threading.Thread(target=_guests, args=(server, hosts, stop))
    with running(server):
        guests.start()
        try:
            yield server
        finally:
            stop.set()
            guests.join()


def simulated_host(server: Server, name: str) -> Stage:
    """A host of its own for a conversation."""
    with world(server.data / "hosts" / f"{name}.json") as state:
        state.images["f" * 64] = ImageFacts(fingerprint="f" * 64, aliases=(SERIES,))
        state.our_end = "10.0.0.254"
        state.pools = {"default": 1000 * GB, "fast": 500 * GB}
    return Stage(
        server=server,
        host={"type": "simulated", "power_address": name, "name": name},
        cidr="10.0.0.0/24",
        pool="fast",
    )


def _guests(server: Server, hosts: Path, stop: threading.Event) -> None:
    """Every guest that runs calls where its seed says, once."""
    called: set[str] = set()
    while not stop.wait(0.1):
        for file in hosts.glob("*.json"):
            with world(file) as state:
                seeds = [seed for key, seed in state.seeds.items() if state.instances[key].power == "on"]
            for url in {_url(seed.vendor_data) for seed in seeds} - called - {""}:
                called.add(url)
                with suppress(OSError):
                    _straight.open(f"{server.base}{urlsplit(url).path}", data=b"hostname=x", timeout=5).close()


def _url(vendor_data: str) -> str:
    told = json.loads(vendor_data.removeprefix("#cloud-config\n"))
    return str(told.get("phone_home", {}).get("url", ""))
