"""The host's live events: frames of the websocket → HostEvent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

import aiohttp
import msgspec

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.base import Change, HostEvent
from innkeeper.hypervisors.lxd import answers, failures, shapes
from innkeeper.hypervisors.lxd.client import Client, path
from innkeeper.model.machine import PowerState

OPENED = HostEvent(change=Change.OPENED, action="opened")

_EVENT = msgspec.json.Decoder(shapes.Event)
_LIFECYCLE = msgspec.json.Decoder(shapes.Lifecycle)
_POWER = {
    "instance-started": PowerState.ON,
    "instance-restarted": PowerState.ON,
    "instance-resumed": PowerState.ON,
    "instance-paused": PowerState.ON,  # as a frozen instance is: it keeps its memory
    "instance-stopped": PowerState.OFF,
    "instance-shutdown": PowerState.OFF,
}
# A changed profile changes every instance that uses it, without a word from them.
_INSTANCE = (
    "instance-created",
    "instance-deleted",
    "instance-renamed",
    "instance-updated",
    "instance-restored",
    "profile-updated",
)


async def follow(client: Client, *, project: str) -> AsyncGenerator[HostEvent]:
    """All events from now on, the first being OPENED; raises HostUnreachable when the stream is cut.

    A restricted certificate may not hear all projects: the tracked one then. type=logging is never asked for, it
    streams the debug log.
    """
    socket = await _open(client, project)
    try:
        yield OPENED
        while True:
            for event in await _next(client, socket):
                yield event
    finally:
        with suppress(aiohttp.ClientError, OSError):
            await socket.close()


async def _open(client: Client, project: str) -> aiohttp.ClientWebSocketResponse:
    try:
        return await client.websocket(path("events", type="lifecycle", all_projects="true"))
    except HostRefused as refused:
        if refused.code not in (400, 403, 500):
            raise
        return await client.websocket(path("events", type="lifecycle", project=project))


async def _next(client: Client, socket: aiohttp.ClientWebSocketResponse) -> tuple[HostEvent, ...]:
    """The events of the next frame. Raises HostUnreachable when there is none any more."""
    try:
        message = await socket.receive()
    except (aiohttp.ClientError, OSError) as error:  # the answer to a close or a ping could not be written
        raise _cut(client.address, socket, error) from None
    if message.type is aiohttp.WSMsgType.TEXT:
        return parsed(message.data, address=client.address)
    if message.type is aiohttp.WSMsgType.BINARY:
        return ()
    raise _cut(client.address, socket, socket.exception())


def parsed(frame: str, *, address: str = "the host") -> tuple[HostEvent, ...]:
    """The events in one frame: none for other types than lifecycle, two for a rename (the old and the new name).

    Raises HostRefused when the frame is not LXD's.
    """
    try:
        event = _EVENT.decode(frame)
        if event.type != "lifecycle":
            return ()
        told = _LIFECYCLE.decode(event.metadata)
    except msgspec.DecodeError:
        raise failures.stranger(
            address, f"an event that is not JSON of LXD: {answers.excerpt(frame.encode())}"
        ) from None
    source = urlsplit(told.source)
    project = event.project or told.project or parse_qs(source.query).get("project", ["default"])[0]
    segments = source.path.split("/")
    of_instance = len(segments) > 3 and segments[2] in ("instances", "virtual-machines", "containers")
    names = [unquote(segments[3]) if of_instance else ""]
    old = (told.context or {}).get("old_name")
    if told.action == "instance-renamed" and isinstance(old, str):
        names.append(old)
    return tuple(
        HostEvent(
            change=_change(told.action),
            action=told.action,
            project=project,
            instance=name,
            power=_POWER.get(told.action),
        )
        for name in names
    )


def _change(action: str) -> Change:
    if action in _POWER:
        return Change.POWER
    if action in _INSTANCE:
        return Change.INSTANCE
    # A snapshot or a backup takes space in a pool; the instance stays what it is.
    if action.startswith(("storage-", "instance-snapshot-", "instance-backup-")):
        return Change.STORAGE
    return Change.NETWORK if action.startswith("network-") else Change.OTHER


def _cut(address: str, socket: aiohttp.ClientWebSocketResponse, error: BaseException | None) -> HostUnreachable:
    words = f"{error or type(error).__name__}." if error else f"The host closed it (code {socket.close_code})."
    return HostUnreachable(f"The event stream of {address} was cut.", details=words)
