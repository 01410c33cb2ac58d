"""A line to a server that can be cut: what was open breaks off in the midst, and whoever is there comes again."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Line:
    """`async with Line(port) as line`: then 127.0.0.1:`line.port` leads to that port."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._streams: set[asyncio.StreamWriter] = set()
        self.cuts = 0  # streams that were cut
        self.opened = 0
        self.port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def streams(self) -> int:
        """Streams of events that are open."""
        return len(self._streams)

    async def __aenter__(self) -> Line:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut all streams of events that are open, as a network does: without a goodbye."""
        for writer in list(self._streams):
            self.cuts += 1
            writer.transport.abort()
        self._streams.clear()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: it is a stream of events from the first answer on that says so."""
        with suppress(OSError):
            up, down = await asyncio.open_connection("127.0.0.1", self._to)
            try:
                there, back = asyncio.create_task(_pump(reader, down)), asyncio.create_task(self._back(up, writer))
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
            finally:
                self._streams.discard(writer)
                down.transport.abort()
                writer.transport.abort()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            if b"content-type: text/event-stream" in piece.lower():
                self._streams.add(writer)
                self.opened += 1
            writer.write(piece)
            await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
