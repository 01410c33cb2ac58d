"""A small API of its own for the tests of the wire layer: a table, its keys and a client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from innkeeper.api.auth import Actor, ApiKey, Who
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.dispatch import Dispatch
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Conflict, HostUnreachable, OverLimit

ADMIN = Actor(user_id=1, username="root", is_admin=True, key="c1:t1")
ANN = Actor(user_id=2, username="ann", is_admin=False, key="c2:t2")
BOB = Actor(user_id=3, username="bob", is_admin=False, key="c3:t3")
SECRETS = {("c1", "t1"): (ADMIN, "s1"), ("c2", "t2"): (ANN, "s2"), ("c3", "t3"): (BOB, "s3")}


class Ring:
    """Keys in a dict."""

    def secret(self, *, consumer: str, token: str) -> tuple[Actor, str] | None:
        return SECRETS.get((consumer, token))


@dataclass(frozen=True)
class Machine:
    system_id: str
    memory: int
    ratio: float = 1.0


async def echo(call: Call) -> object:
    """What arrived, as JSON."""
    return {
        "route": [call.route.handler, call.route.op],
        "actor": call.actor and call.actor.username,
        "path": dict(call.path),
        "sent": sorted(call.values.sent),
        "items": {name: [str(item) for item in items] for name, items in call.values.items.items()},
        "other": dict(call.values.other),
    }


async def read_host(call: Call) -> object:
    if call.id != 7:
        raise no_match("Pod")
    return Machine("abc", 2048)


async def listed(call: Call) -> object:
    return [Machine("abc", 2048), {"name": "é"}]


async def encoded(call: Call) -> object:
    return b'[{"already":1}]'


async def nothing(call: Call) -> object:
    return None


async def owned(call: Call) -> object:
    """Machine "anns" is Ann's, others are nobody's."""
    call.permit(owner_id=ANN.user_id if call.path["system_id"] == "anns" else None)
    return call.user.username


async def broken(call: Call) -> object:
    raise RuntimeError("secret-in-message")


async def unreachable(call: Call) -> object:
    raise HostUnreachable("Host a does not answer.", resolution="Is it on?")


async def over(call: Call) -> object:
    raise OverLimit("Cores: 3 free, 4 asked.")


async def conflict(call: Call) -> object:
    raise Conflict("It is locked.")


async def version(call: Call) -> object:
    return {"version": "3.8.0"}


async def stored(call: Call) -> object:
    return Answer(status=201, body=call.values.file("file") or b"", content_type="application/octet-stream")


COMPOSE = (
    Param("cores", "integer", "Number of cores.", minimum=1, maximum=512, example="4"),
    Param("memory", "integer", "Memory in MiB.", minimum=1),
    Param("hostname", "text", "Name of the machine."),
    Param("pinned_cores", "integer", "Cores to pin.", repeated=True),
    Param("password", "text", "The trust password."),
    Param("power_pass", alias_of="password"),
    Param("skip_commissioning", "boolean", "Machines are always read back.", must_equal=("true",)),
    Param("gpu", refused="GPUs are not composed here."),
)


def _hosts(many: str, one: str, path: str) -> tuple[Route, ...]:
    single = f"{path}{{id}}/"
    return (
        Route(handler=many, method="GET", path=path, call=listed, who=Who.USER, doc="List the hosts."),
        Route(
            handler=many,
            method="POST",
            path=path,
            call=echo,
            who=Who.ADMIN,
            params=(Param("name", required=True),),
            doc="Add a host.\n\nMore about it.",
        ),
        Route(handler=one, method="GET", path=single, call=read_host, who=Who.USER, doc="Read.", model="Pod"),
        Route(handler=one, method="DELETE", path=single, call=nothing, who=Who.ADMIN, doc="Delete.", model="Pod"),
        Route(
            handler=one,
            method="POST",
            path=single,
            op="compose",
            call=echo,
            who=Who.ADMIN,
            params=COMPOSE,
            doc="Compose a machine.",
            model="Pod",
        ),
        Route(
            handler=one, method="GET", path=single, op="parameters", call=encoded, who=Who.ADMIN, doc="P.", model="Pod"
        ),
    )


def _file(method: str, op: str | None, who: Who, call: Any) -> Route:
    params = (Param("filename"), Param("file", "file")) if method == "POST" else (Param("key"),)
    return Route(handler="Files", method=method, path="files/", op=op, call=call, who=who, params=params, doc="File.")


def _machine(op: str, call: Any, *, other: bool = False) -> Route:
    return Route(
        handler="Machine",
        method="POST",
        path="machines/{system_id}/",
        op=op,
        call=call,
        who=Who.OWNER,
        other=other,
        doc=f"Do {op}.",
        model="Machine",
    )


ROUTES: tuple[Route, ...] = (
    Route(handler="Version", method="GET", path="version/", call=version, who=Who.ANONYMOUS, doc="The version."),
    *_hosts("VmHosts", "VmHost", "vm-hosts/"),
    *_hosts("Pods", "Pod", "pods/"),
    _file("POST", None, Who.USER, stored),
    _file("GET", None, Who.USER, echo),
    _file("GET", "get_by_key", Who.ANONYMOUS, echo),
    _machine("power_on", owned),
    _machine("set_owner_data", echo, other=True),
    _machine("crash", broken),
    _machine("away", unreachable),
    _machine("over", over),
    _machine("busy", conflict),
    Route(
        handler="ResourcePool",
        method="GET",
        path="resourcepool/{id:text}/",
        call=echo,
        who=Who.USER,
        doc="Read.",
    ),
    Route(
        handler="Vlan", method="GET", path="fabrics/{fabric_id:int}/vlans/{vid:int}/", call=echo, who=Who.USER, doc="V."
    ),
)


def app() -> Dispatch:
    """The API of the table."""
    return Dispatch(ROUTES, services={"some": "thing"}, identifiers=[ApiKey(Ring())])


def key(actor: Actor, **changes: str) -> dict[str, str]:
    """The header of a key, as Ansible writes it."""
    consumer, token = actor.key.split(":")
    fields = {
        "oauth_signature_method": "PLAINTEXT",
        "oauth_token": token,
        "oauth_consumer_key": consumer,
        "oauth_signature": f"%26{SECRETS[consumer, token][1]}",
        "oauth_timestamp": "1700000000",
        "oauth_nonce": "1",
        **changes,
    }
    return {"Authorization": "OAuth " + ", ".join(f'{name}="{value}"' for name, value in fields.items())}


def client(app: Any = None, *, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    """A client of the app, at the API's root."""
    transport = httpx2.ASGITransport(app=app or globals()["app"]())
    return httpx2.AsyncClient(transport=transport, base_url="http://inn:5240/MAAS/api/2.0", headers=headers)
