"""A VM's serial console: one operation of the host with two websockets, the text and its control.

Both are always connected, the control first: LXD 5.0.2 dies when the text of a console ends that has no control.

One console at a time is alive: a second one is accepted, shows nothing, and what is typed there reaches the guest when
the first is closed. A closed one lives on within LXD until the guest prints the next byte, which is lost. So the last
that is typed is Ctrl-L: shells and full-screen programs answer by drawing anew. LXD then ends the console by itself;
closing the control before it does so makes it type ESC c into the guest, of which a shell keeps the c.

LXD keeps the websockets of a VM that has stopped: that it stopped is heard from the host's events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import aiohttp
import msgspec

from innkeeper.errors import HostFailure, HostUnreachable
from innkeeper.hypervisors.base import HostEvent
from innkeeper.hypervisors.lxd import events, failures, operations, shapes
from innkeeper.hypervisors.lxd.client import Client, path

_ENDING = 5.0  # seconds that the host may take to let go of a console
_LAST_WORDS = 0.3  # seconds in which what a VM printed before it stopped arrives
# So many Ctrl-L that a guest still draws when LXD has heard that we go: what comes before is of no use. Then Ctrl-U:
# a login prompt would take them for a name.
_REDRAW = b"\x0c" * 256 + b"\x15"
_REDRAWN = 0.5  # seconds in which a guest answers that
_ENDS = ("instance-stopped", "instance-shutdown", "instance-restarted", "instance-deleted")
_STREAMS = msgspec.json.Decoder(shapes.Streams)
Socket = aiohttp.ClientWebSocketResponse


class LxdConsole:
    """See `base.Console`."""

    def __init__(
        self,
        client: Client,
        operation: str,
        *,
        control: Socket,
        text: Socket,
        stream: AsyncGenerator[HostEvent],
        which: tuple[str, str],
    ) -> None:
        self._client, self._operation, self._control, self._text = client, operation, control, text
        self._stream, self._which = stream, which
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        """End it when the host tells that the VM stops, or tells nothing any more."""
        with suppress(HostFailure):
            async for event in self._stream:
                if (event.project, event.instance) == self._which and event.action in _ENDS:
                    await asyncio.sleep(_LAST_WORDS)
                    break
        await self._hang_up()

    async def read(self) -> bytes:
        while True:
            try:
                message = await self._text.receive()
            except (aiohttp.ClientError, OSError):
                return b""
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    data = bytes(message.data)
                case aiohttp.WSMsgType.TEXT:
                    data = message.data.encode()
                case _:
                    return b""
            if data:
                return data

    async def write(self, data: bytes) -> None:
        try:
            await self._text.send_bytes(data)
        except (aiohttp.ClientError, OSError) as error:
            words = f"{error or type(error).__name__}."
            raise HostUnreachable(f"The console at {self._client.address} was cut.", details=words) from None

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._stream.aclose()
        if not self._text.closed:
            with suppress(HostUnreachable):
                await self.write(_REDRAW)
        await self._hang_up()
        # A host that is away lets go by itself; one that forgot the operation has let go.
        with suppress(HostFailure):
            await operations.finished(self._client, self._operation, what="close a console", limit=_ENDING)

    async def _hang_up(self) -> None:
        with suppress(aiohttp.ClientError, OSError):
            await self._text.close()
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(_REDRAWN):
                await self._control.receive()  # LXD ends it when the guest has drawn anew
        with suppress(aiohttp.ClientError, OSError):
            await self._control.close()


async def connect(client: Client, *, project: str, name: str) -> LxdConsole:
    """The open console of a running VM. HostRefused when it does not run, or is not there (404).

    Not to be cancelled half way: the host would keep an operation that nobody ends.
    """
    stream = events.follow(client, project=project)
    try:
        await anext(stream)  # it is open: no stop goes unheard from here on
        operation, control, text = await _connect(client, project=project, name=name)
    except BaseException:
        await stream.aclose()
        raise
    return LxdConsole(client, operation, control=control, text=text, stream=stream, which=(project, name))


async def _connect(client: Client, *, project: str, name: str) -> tuple[str, Socket, Socket]:
    address = path("instances", name, "console", project=project)
    operation = await client.order("POST", address, {"type": "console", "width": 80, "height": 24})
    try:
        secrets = _STREAMS.decode(operation.metadata if operation else b"null").fds
        control_secret, text_secret = secrets["control"], secrets["0"]
    except (msgspec.DecodeError, KeyError):
        raise failures.stranger(client.address, "a console without its two streams") from None
    assert operation is not None
    control = await client.websocket(_stream(operation.id, control_secret), pinged=False)
    try:
        text = await client.websocket(_stream(operation.id, text_secret))
    except BaseException:
        await control.close()
        raise
    return operation.id, control, text


def _stream(operation: str, secret: str) -> str:
    return path("operations", operation, "websocket", secret=secret)
