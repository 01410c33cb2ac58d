"""A viewer of a console at a websocket: what is shown goes out, what comes in is typed."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import WebSocket

from innkeeper.model.console import Notice, Word
from innkeeper.operations.console_viewer import Viewer

ENDED, GOING_AWAY = 1000, 1001  # why a websocket is closed: all was told; this server goes, another may tell the rest
TYPED_MOST = 64 * 1024  # bytes in one message


async def attend(socket: WebSocket, watching: Viewer) -> None:
    """Until the console ends, or who watches it goes. Binary messages are the console, text messages our words."""
    showing, typing = (asyncio.create_task(work(socket, watching)) for work in (_show, _type))
    try:
        await asyncio.wait({showing, typing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (showing, typing):
            task.cancel()
        await asyncio.gather(showing, typing, return_exceptions=True)


async def _show(socket: WebSocket, watching: Viewer) -> None:
    while (piece := await watching.next()) is not None:
        if isinstance(piece, bytes):
            await socket.send_bytes(piece)
        else:
            await socket.send_text(msgspec.json.encode({"word": piece.word, "text": piece.text}).decode())
    await socket.close(GOING_AWAY if watching.again else ENDED)


async def _type(socket: WebSocket, watching: Viewer) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        typed = message.get("bytes") or (message.get("text") or "").encode()
        if len(typed) > TYPED_MOST:
            text = f"One message may have {TYPED_MOST} bytes, not {len(typed)}: it was not typed."
            watching.put(Notice(word=Word.DROPPED, text=text))
        elif typed:
            await watching.type(typed)
