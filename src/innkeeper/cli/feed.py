"""The server's event feed: server-sent events over one connection of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.profiles import Profile
from innkeeper.cli.wire import Request, connect, start

_OPEN_TIMEOUT = 2.0  # seconds; a command must not wait long for what only decorates it


@dataclass(frozen=True, kw_only=True)
class Feed:
    """An open feed. One thread reads `events`; another may `close` it at any time."""

    connection: http.client.HTTPConnection
    socket: socket.socket
    response: http.client.HTTPResponse

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The events as they come, until the server or `close` ends the feed."""
        try:
            yield from parse_events(self.response)
        except (OSError, ValueError, http.client.HTTPException):
            return  # cut off: there is simply no more to show

    def close(self) -> None:
        """End the feed and wake the thread that reads it."""
        with contextlib.suppress(OSError):  # the server may have been quicker
            self.socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Free the connection; only when nobody reads any more."""
        self.response.close()
        self.connection.close()
        self.socket.close()


def open_feed(profile: Profile) -> Feed | None:
    """The feed from now on, None when this server has none for us."""
    try:
        connection = connect(profile=profile, timeout=_OPEN_TIMEOUT)
    except CommandFailed:
        return None
    # http.client lets go of the socket when the answer has no length; it must outlive that to be shut.
    held = connection.sock
    request = Request(
        method="GET",
        target=f"{profile.address.path}/api/v1/events/stream",
        headers={"Accept": "text/event-stream"},
    )
    try:
        response = start(connection=connection, profile=profile, request=request)
        if response.status == 200 and response.headers.get_content_type() == "text/event-stream":
            held.settimeout(None)
            return Feed(connection=connection, socket=held, response=response)
        response.close()
    except (OSError, http.client.HTTPException):
        pass
    connection.close()
    return None


def parse_events(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in the data of server-sent events; comments and anything else are passed over."""
    data: list[str] = []
    for raw in lines:
        line = raw.decode(errors="replace").rstrip("\r\n")
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            event = _json("\n".join(data))
            data = []
            if isinstance(event, dict):
                yield event


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
