"""One who watches a live console over a websocket."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from tests.kit.until import until


class Watcher:
    """One who watches: everything that was printed to them, and every word of Innkeeper's own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, skip: int = 0) -> None:
        self.socket, self.printed, self.words = socket, b"", list[tuple[str, str]]()
        self._skip = skip  # messages at the beginning
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if self._skip:
                self._skip -= 1
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.printed += message.data
            else:
                told = json.loads(message.data)
                self.words.append((told["word"], told["text"]))

    async def sees(self, text: str) -> None:
        async def there() -> bool:
            return text.encode() in self.printed

        await until(there, what=f"{text!r} on the console")

    async def hears(self, word: str, text: str = "") -> None:
        async def there() -> bool:
            return any(told == word and text in words for told, words in self.words)

        await until(there, what=f"{word} {text!r}")

    async def ended(self) -> None:
        async with asyncio.timeout(10):
            await self._reading

    async def go(self) -> None:
        await self.socket.close()
        await self._reading
