"""A VM's serial console: one operation of the host with two websockets, the text and its control.

Both are always connected, the control first: LXD 5.0.2 dies when the text of a console ends that has no control. They
are closed in the same order, as `lxc console` does it. LXD itself then sends ESC c into the guest's serial line.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp
import msgspec

from innkeeper.errors import HostFailure, HostUnreachable
from innkeeper.hypervisors.lxd import failures, operations, shapes
from innkeeper.hypervisors.lxd.client import Client, path

_ENDING = 5.0  # seconds that the host may take to let go of a console
_STREAMS = msgspec.json.Decoder(shapes.Streams)


class LxdConsole:
    """See `base.Console`."""

    def __init__(
        self,
        client: Client,
        operation: str,
        control: aiohttp.ClientWebSocketResponse,
        text: aiohttp.ClientWebSocketResponse,
    ) -> None:
        self._client, self._operation, self._control, self._text = client, operation, control, text

    async def read(self) -> bytes:
        while True:
            try:
                message = await self._text.receive()
            except (aiohttp.ClientError, OSError) as error:
                raise self._cut(error) from None
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    data = bytes(message.data)
                case aiohttp.WSMsgType.TEXT:
                    data = message.data.encode()
                case aiohttp.WSMsgType.ERROR:
                    raise self._cut(self._text.exception())
                case _:
                    if self._text.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
                        raise self._cut(None)
                    return b""
            if data:
                return data

    async def write(self, data: bytes) -> None:
        try:
            await self._text.send_bytes(data)
        except (aiohttp.ClientError, OSError) as error:
            raise self._cut(error) from None

    async def close(self) -> None:
        for socket in (self._control, self._text):
            with suppress(aiohttp.ClientError, OSError):
                await socket.close()
        # A host that is away lets go by itself; one that forgot the operation has let go.
        with suppress(HostFailure):
            await operations.finished(self._client, self._operation, what="close a console", limit=_ENDING)

    def _cut(self, error: BaseException | None) -> HostUnreachable:
        words = f"{error or type(error).__name__}." if error else "It ended without a word."
        return HostUnreachable(f"The console at {self._client.address} was cut.", details=words)


async def connect(client: Client, *, project: str, name: str) -> LxdConsole:
    """The open console of a running VM. HostRefused when it does not run, or is not there (404).

    Not to be cancelled half way: the host would keep an operation that nobody ends.
    """
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
        await asyncio.shield(control.close())
        raise
    return LxdConsole(client, operation.id, control, text)


def _stream(operation: str, secret: str) -> str:
    return path("operations", operation, "websocket", secret=secret)
