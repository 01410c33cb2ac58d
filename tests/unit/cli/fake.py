"""A small real HTTP server that looks like a MAAS API: records every request, answers what it is told."""

from __future__ import annotations

import contextlib
import json
import queue
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

KEY = "consumer:token:secret"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """One answer. `events` are sent over the feed before it, tagged with the request's own header."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Mapping[str, object], ...] = ()
    wait: threading.Event | None = None


def as_json(value: object) -> bytes:
    """JSON as the server prints it."""
    return json.dumps(value, indent=4).encode()


class FakeServer(ThreadingHTTPServer):
    """`script` maps "METHOD target" to its answer; everything else is the text 404 of the API."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Recorded] = []
        self.script: dict[str, Scripted] = {}
        self.description: dict[str, Any] = describe()
        self.sent_hash: str | None = None
        self.feeds: list[queue.Queue[bytes | None]] = []
        self.has_feed = True
        self.arrived = threading.Event()
        user = {"username": "mara", "email": "mara@example.com", "is_superuser": True}
        self.script["GET /MAAS/api/2.0/users/?op=whoami"] = Scripted(body=as_json(user))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/MAAS"

    def answer(self, request: str, body: object = b"", **more: Any) -> None:
        """Script the answer to `request` ("METHOD target"); anything but bytes goes out as JSON."""
        self.script[request] = Scripted(body=body if isinstance(body, bytes) else as_json(body), **more)

    def use_tls(self, authority: trustme.CA) -> str:
        """Speak TLS from now on, under a certificate of `authority`; gives the new address."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        return self.url.replace("http:", "https:")

    def only(self) -> Recorded:
        """The one request there was; forgets it."""
        assert len(self.requests) == 1, self.requests
        return self.requests.pop()

    def targets(self) -> list[str]:
        return [f"{request.method} {request.target}" for request in self.requests]

    def publish(self, event: Mapping[str, object]) -> None:
        for feed in self.feeds:
            feed.put(b"id: 7\r\ndata: %s\r\n\r\n" % json.dumps(event).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        recorded = Recorded(method=self.command, target=self.path, headers=dict(self.headers), body=body)
        if self.path.startswith("/MAAS/api/v1/events/stream") and self.server.has_feed:
            self._stream(recorded)
            return
        self.server.requests.append(recorded)
        self.server.arrived.set()
        if self.path == "/MAAS/api/2.0/describe/":
            answer = Scripted(body=as_json(self.server.description), content_type="application/json")
        else:
            unknown = Scripted(
                status=404, body=b"Unknown API endpoint: %s." % self.path.encode(), content_type="text/plain"
            )
            answer = self.server.script.get(f"{self.command} {self.path}", unknown)
        for event in answer.events:
            self.server.publish({"request": recorded.headers.get("X-Innkeeper-Request"), **event})
        if answer.wait:
            answer.wait.wait(20)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("X-MAAS-API-Hash", self.server.sent_hash or self.server.description["hash"])
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # a client may be interrupted
            self.wfile.write(answer.body)

    do_POST = do_PUT = do_DELETE = do_GET

    def _stream(self, recorded: Recorded) -> None:
        self.server.requests.append(recorded)
        feed: queue.Queue[bytes | None] = queue.Queue()
        self.server.feeds.append(feed)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        try:
            self._chunk(b": welcome\r\n\r\n")
            while (data := feed.get(timeout=20)) is not None:
                self._chunk(data)
        except OSError:
            return

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


@contextmanager
def serving() -> Iterator[FakeServer]:
    """A fake server that runs while the body does."""
    with FakeServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            for feed in server.feeds:
                feed.put(None)
            server.shutdown()
            thread.join()


def describe(*, extra_action: str = "", digest: str = "hash-one") -> dict[str, Any]:
    """A describe document of a few resources, in the shape that MAAS's clients know."""
    host_actions = [
        _action("read", "GET", "Read a VM host."),
        _action("update", "PUT", "Update a VM host."),
        _action("delete", "DELETE", "Delete a VM host."),
        _action("compose", "POST", COMPOSE_DOC, op="compose"),
        _action("add_tag", "POST", "Add a tag.", op="add_tag"),
        _action("parameters", "GET", "Read the parameters.", op="parameters"),
    ]
    if extra_action:
        host_actions.append(_action(extra_action, "POST", "New.", op=extra_action))
    return {
        "doc": "API documentation",
        "hash": digest,
        "handlers": [],
        "resources": [
            _resource(
                "VmHostsHandler", "vm-hosts/", [], [_action("read", "GET", "List."), _action("create", "POST", "Add.")]
            ),
            _resource("VmHostHandler", "vm-hosts/{id}/", ["id"], host_actions),
            _resource("PodHandler", "pods/{id}/", ["id"], host_actions),
            _resource(
                "MachinesHandler",
                "machines/",
                [],
                [_action("read", "GET", "List."), _action("allocate", "POST", "Take.", op="allocate")],
            ),
            _resource(
                "MachineHandler",
                "machines/{system_id}/",
                ["system_id"],
                [_action("delete", "DELETE", "Delete."), _action("power_on", "POST", "Start.", op="power_on")],
            ),
            _resource(
                "SSHKeysHandler",
                "account/prefs/sshkeys/",
                [],
                [_action("import", "POST", "Not done. Takes :param.", op="import")],
            ),
            _resource("ZonesHandler", "zones/", [], [_action("read", "GET", "List.")]),
            _resource("TagHandler", "tags/{name}/", ["name"], [_action("read", "GET", "Read.")]),
            _resource(
                "PartitionHandler",
                "nodes/{system_id}/blockdevices/{device_id}/partition/{id}",
                ["system_id", "device_id", "id"],
                [_action("read", "GET", "Read.")],
            ),
            {
                "name": "VersionHandler",
                "auth": None,
                "anon": _handler("VersionHandler", "version/", [], [_action("read", "GET", "Version.")]),
            },
        ],
    }


COMPOSE_DOC = """Compose a virtual machine on this host.

        The machine exists when the answer comes.

        :param cores: (Optional) Number of cores,
            1 by default.
        :type cores: integer
        :param memory: MiB.
        """


def _resource(name: str, path: str, params: list[str], actions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "anon": None, "auth": _handler(name, path, params, actions)}


def _handler(name: str, path: str, params: list[str], actions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "path": f"/MAAS/api/2.0/{path}",
        "uri": f"http://elsewhere.example/MAAS/api/2.0/{path}",
        "params": params,
        "doc": f"{name.removesuffix('Handler')} of the fleet.\n\nMore about them.",
        "actions": actions,
    }


def _action(name: str, method: str, doc: str, *, op: str | None = None) -> dict[str, Any]:
    return {"name": name, "method": method, "op": op, "restful": op is None, "doc": doc}
