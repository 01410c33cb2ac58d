"""LXD spoken to without us: one TLS connection, no checks, nothing kept. What our figures are divided by."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from innkeeper.hypervisors.base import Credentials

LAB = Path(__file__).parents[1] / "lab" / "lxd"
NAME = "big"  # the lab's host with room for 200 machines; `make bench` starts it


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the lab's host is, and the files that it trusts."""

    address: str
    client_cert: str
    client_key: str
    server_cert: str

    @property
    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.server_cert)
        context.check_hostname = False  # the certificate is pinned
        context.load_cert_chain(self.client_cert, self.client_key)
        return context

    @property
    def target(self) -> tuple[Credentials, str]:
        """What a driver of ours needs: the lab's own credentials, and the server certificate, PEM."""
        texts = (Path(name).read_text() for name in (self.client_cert, self.client_key, self.server_cert))
        certificate, key, pin = texts
        return Credentials(certificate=certificate, key=key), pin


def lab_env(name: str = NAME) -> dict[str, Any]:
    """What the lab tells of a host of its; CalledProcessError when it is not up."""
    told: dict[str, Any] = json.loads(_lab("env", name))
    return told


def lab_host(name: str = NAME) -> Address:
    """Where a host of the lab is."""
    told = lab_env(name)
    return Address(**{name: told[name] for name in ("address", "client_cert", "client_key", "server_cert")})


def trust_token(name: str = NAME) -> str:
    """A token for one client that wants to be trusted."""
    return _lab("token", name).strip()


def _lab(*words: str) -> str:
    return subprocess.run([LAB, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


class Bare:
    """Requests over one connection, or over a few."""

    def __init__(self, session: aiohttp.ClientSession, base: str, project: str) -> None:
        self._session, self._base, self._project = session, base, project

    async def get(self, path: str) -> Any:
        """The metadata of a GET, decoded."""
        async with self._session.get(self._base + path) as answer:
            return _content(await answer.read())

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make a VM, wait for it, read it back."""
        await self._change("POST", "/1.0/instances", body)
        found: dict[str, Any] = await self.get(f"/1.0/instances/{body['name']}?project={self._project}")
        return found

    async def pattern(self, name: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """The body that makes a VM like that one. `without`: beginnings of configuration keys to leave out."""
        found = await self.get(f"/1.0/instances/{name}?project={self._project}")
        config = {key: value for key, value in found["config"].items() if not key.startswith(without)}
        devices = {key: {k: v for k, v in device.items() if k != "hwaddr"} for key, device in found["devices"].items()}
        kept = {key: found[key] for key in ("architecture", "type", "profiles")}
        return kept | {"source": {"type": "none"}, "config": config, "devices": devices}

    async def power(self, name: str, action: str) -> None:
        """Start a VM, or stop it by force, and wait."""
        body = {"action": action, "force": action == "stop", "timeout": 30}
        await self._change("PUT", f"/1.0/instances/{name}/state", body)

    async def delete(self, name: str) -> None:
        """Delete a stopped VM and wait until it is gone."""
        await self._change("DELETE", f"/1.0/instances/{name}")

    async def names(self) -> list[str]:
        """The VMs of the project."""
        urls = await self.get(f"/1.0/instances?project={self._project}")
        return [url.partition("?")[0].rpartition("/")[2] for url in urls]

    async def empty(self) -> None:
        """Delete every VM of the project, which must hold stopped ones only."""
        await at_once(self.delete(name) for name in await self.names())

    async def make_project(self) -> None:
        """Make the project, empty; one that an interrupted bench left is emptied."""
        known = [url.rpartition("/")[2] for url in await self.get("/1.0/projects")]
        if self._project in known:
            await self.empty()
        else:
            config = {"features.images": "false", "features.profiles": "false"}
            await self._change("POST", "/1.0/projects", {"name": self._project, "config": config})

    async def delete_project(self) -> None:
        """Delete the project and the VMs in it."""
        await self.empty()
        await self._change("DELETE", f"/1.0/projects/{self._project}")

    async def _change(self, method: str, path: str, body: object = None) -> None:
        url = f"{self._base}{path}?project={self._project}"
        async with self._session.request(method, url, json=body) as answer:
            told = json.loads(await answer.read())
        if told["type"] == "error":
            raise RuntimeError(f"{method} {path}: {told['error']}")
        if told["type"] == "async":
            ended = await self.get(f"/1.0/operations/{told['metadata']['id']}/wait")
            if ended["status_code"] != 200:
                raise RuntimeError(f"{method} {path}: {ended['err']}")


def _content(raw: bytes) -> Any:
    told = json.loads(raw)
    if told["type"] == "error":
        raise RuntimeError(told["error"])
    return told["metadata"]


@asynccontextmanager
async def connected(host: Address, *, project: str, connections: int = 1) -> AsyncIterator[Bare]:
    """A client of the host with so many connections."""
    connector = aiohttp.TCPConnector(ssl=host.tls, limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Bare(session, f"https://{host.address}", project)


async def at_once(requests: Iterable[Any]) -> list[Any]:
    """Perform all, as many at once as the client has connections."""
    return list(await asyncio.gather(*requests))
