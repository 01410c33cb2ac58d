"""Files fetched over HTTP, in pieces that stay: what was cut off goes on where it ended, here or in another process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from innkeeper import __version__
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.images import files

Watch = Callable[[int], Awaitable[None]]  # told how many bytes there are; raises to stop

_PIECE = 2**20
_LARGEST_DOCUMENT = 64 * 2**20
_TRIES, _PAUSE = 5, 0.5  # times without any progress before it is given up; seconds between them, doubled each time
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)


class CannotFetch(InnkeeperError):
    """The other server does not answer, or answers something else."""

    status = 503


def session() -> aiohttp.ClientSession:
    """A client for trees on the web. A proxy in the environment is used."""
    return aiohttp.ClientSession(
        timeout=_TIMEOUT,
        trust_env=True,
        headers={"User-Agent": f"innkeeper/{__version__}", "Accept-Encoding": "identity"},
    )


async def document(client: aiohttp.ClientSession, url: str) -> bytes:
    """A small file as a whole. Raises CannotFetch."""
    try:
        async with client.get(url) as answer:
            _check(answer, url)
            content = await answer.content.read(_LARGEST_DOCUMENT)
            while more := await answer.content.read(_PIECE):  # one read gives what is there, not all there is
                content += more
                if len(content) > _LARGEST_DOCUMENT:
                    raise CannotFetch(f"{url} is larger than any list of images.")
            return content
    except (aiohttp.ClientError, OSError) as error:
        raise CannotFetch(f"{url} cannot be fetched.", details=_words(error)) from None


async def fetch(client: aiohttp.ClientSession, url: str, to: Path, *, size: int, watch: Watch) -> None:
    """Have the whole of a file, going on after what is there. Tries again while it gets on. Raises CannotFetch."""
    failures = 0
    while (have := await asyncio.to_thread(_size, to)) < size:
        await watch(have)
        try:
            await _more(client, url, to, have=have, size=size, watch=watch)
        except (aiohttp.ClientError, OSError) as error:
            failures = 0 if await asyncio.to_thread(_size, to) > have else failures + 1
            if failures == _TRIES:
                raise CannotFetch(f"{url} cannot be fetched.", details=_words(error)) from None
            await asyncio.sleep(_PAUSE * 2**failures)
    if have > size:
        await asyncio.to_thread(to.unlink)
        raise Invalid(f"{url} is larger than its tree says.", details=f"Said: {size} bytes.")


async def _more(client: aiohttp.ClientSession, url: str, to: Path, *, have: int, size: int, watch: Watch) -> None:
    wanted = {"Range": f"bytes={have}-"} if have else {}
    async with client.get(url, headers=wanted) as answer:
        if have and answer.status == 416:  # shorter there than what is here
            await asyncio.to_thread(to.unlink)
            raise aiohttp.ClientPayloadError("the file has changed")
        _check(answer, url)
        if answer.status != 206:
            have = 0  # it sends all of it
        async for piece in answer.content.iter_chunked(_PIECE):
            await asyncio.to_thread(files.append, to, piece, at=have)
            have += len(piece)
            await watch(have)
            if have > size:
                return


def _check(answer: aiohttp.ClientResponse, url: str) -> None:
    if answer.status >= 500 or answer.status == 429:
        raise aiohttp.ClientPayloadError(f"HTTP status {answer.status}")  # perhaps not the next time
    if answer.status not in (200, 206):
        raise CannotFetch(f"{url} cannot be fetched.", details=f"HTTP status {answer.status} {answer.reason}.")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
