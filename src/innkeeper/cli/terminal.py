"""A terminal attached to a live console: bytes of the websocket on standard output, keys into the websocket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aiohttp

from innkeeper import __version__
from innkeeper.cli.console import refused
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.oauth import authorization, parse_key
from innkeeper.cli.profiles import Profile
from innkeeper.cli.wire import CONNECT_TIMEOUT, tls

ESCAPE = b"\x1d"  # Ctrl-], as in telnet and virsh
_AT_ONCE = 4096
_ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def attach(*, profile: Profile, path: str, streams: tuple[int, int]) -> None:
    """Until the escape key, the end of the console, or a signal. `streams`: descriptors to read keys from and to print
    to. Raises CommandFailed when there is no console for us."""
    with _raw(streams[0]) as is_terminal:
        asyncio.run(_Session(profile, path, streams, is_terminal).run())


class _Session:
    def __init__(self, profile: Profile, path: str, streams: tuple[int, int], is_terminal: bool) -> None:
        self._profile, self._path, self._is_terminal = profile, path, is_terminal
        self._keys, self._screen = streams
        self._typed: asyncio.Queue[bytes] = asyncio.Queue()
        self._left = asyncio.Event()
        self._cut = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            loop.add_signal_handler(number, self._left.set)
        address = self._profile.address
        url = f"{address.scheme}://{_bracketed(address.host)}:{address.port}{self._path}"
        headers = {
            "Authorization": authorization(parse_key(self._profile.key)),
            "User-Agent": f"innkeeper/{__version__}",
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
        context = tls(self._profile) if address.scheme == "https" else True
        async with aiohttp.ClientSession(timeout=timeout, middlewares=(_told,)) as session:
            try:
                socket = await session.ws_connect(url, headers=headers, ssl=context, heartbeat=20)
            except (aiohttp.ClientError, OSError) as error:
                raise CommandFailed(f"Cannot open the console at {address}/.", details=str(error)) from None
            async with socket:
                await self._attached(socket)
        if self._cut:
            raise CommandFailed(f"The connection to {address}/ was cut.")

    async def _attached(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        if self._is_terminal:
            self._say("Ctrl-] leaves this console.")
        self._listen()
        tasks = [
            loop.create_task(self._show(socket)),
            loop.create_task(self._send(socket)),
            loop.create_task(self._left.wait()),
        ]
        try:
            await asyncio.wait(tasks[::2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._is_terminal:
                loop.remove_reader(self._keys)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _listen(self) -> None:
        """Keys of a terminal as they come; a file or a pipe is read in a thread, for not all can be waited for."""
        loop = asyncio.get_running_loop()
        if self._is_terminal:
            loop.add_reader(self._keys, lambda: self._take(os.read(self._keys, _AT_ONCE)))
            return
        import threading

        def read() -> None:
            with suppress(OSError, RuntimeError):  # the loop may be over
                while data := os.read(self._keys, _AT_ONCE):
                    loop.call_soon_threadsafe(self._typed.put_nowait, data)

        threading.Thread(target=read, name="keys", daemon=True).start()

    def _take(self, data: bytes) -> None:
        before, escape, _ = data.partition(ESCAPE)
        if before:
            self._typed.put_nowait(before)
        if escape or not data:
            self._left.set()

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await socket.send_bytes(await self._typed.get())

    async def _show(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        ended = False
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                _write(self._screen, message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                told = json.loads(message.data)
                ended = told["word"] == "ended"
                self._say(told["text"])
        if not ended:
            self._cut = True

    def _say(self, text: str) -> None:
        """Our own words, on standard error: a raw terminal needs the carriage return."""
        end = "\r\n" if self._is_terminal else "\n"
        sys.stderr.write(f"{end}[{text}]{end}")
        sys.stderr.flush()


async def _told(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A refusal in the server's words, which a failed websocket would not tell."""
    answer = await handler(request)
    if answer.status != 101:
        raise refused(answer.status, await answer.read())
    return answer


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _raw(descriptor: int) -> Iterator[bool]:
    """A terminal that hands on every key, and is as it was afterwards. Whether it is one at all."""
    if not os.isatty(descriptor):
        yield False
        return
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
