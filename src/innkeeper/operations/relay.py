"""A console that another process of this installation has open, and how that one knows that we are of its own."""

from __future__ import annotations

import asyncio
import hmac
import secrets as random
import socket
from dataclasses import replace

import aiohttp
import msgspec
import sqlalchemy as sa

from innkeeper.errors import Unauthorized, Unavailable
from innkeeper.model import relay
from innkeeper.model.console import Notice, Word
from innkeeper.model.relay import Call, Nonces, Pass
from innkeeper.settings import Settings
from innkeeper.store.consoles import Place
from innkeeper.store.secrets import Cipher

CONNECT = 5.0  # seconds that the other process has to answer
CLOSE = 2.0  # seconds that it has to say goodbye
HEARTBEAT = 10.0  # seconds between two questions whether it is still there
_PURPOSE = "relay"


class Told(msgspec.Struct, frozen=True):
    """What the other process says beside the text: first its proof, then words for viewers."""

    word: str = ""
    text: str = ""
    proof: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a process has kept of a console, and whether it has it open."""

    open: bool
    text: bytes
    proof: str = ""


_TOLD, _KEPT = msgspec.json.Decoder(Told), msgspec.json.Decoder(Kept)


class Relays:
    """Both ends of the way between two processes, for one of them."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher, self._nonces = cipher, Nonces()

    def verify(self, call: Call, header: str) -> Pass:
        """The pass of a call; Unauthorized unless it is signed with this installation's key. Not yet whether it is
        fresh: strangers are shown out before the database is asked."""
        shown = relay.read_pass(header)
        if shown is None or not hmac.compare_digest(shown.signature, self._sign(shown.signed_text(call))):
            raise Unauthorized("Only processes of this installation may call here.")
        return shown

    def admit(self, shown: Pass, *, now: float) -> None:
        """Take a pass that was verified; Unauthorized when it is old, or was shown before. `now`: the database's."""
        if not self._nonces.take(shown, now=now):
            raise Unauthorized("This pass is not good any more.")

    def proof(self, call: Call, shown: Pass) -> str:
        """What the called process answers with: it has the key as well."""
        return self._sign(shown.answered_text(call))

    async def open(self, call: Call, there: Place) -> Relay:
        """The console at the process that watches its host. Raises Unavailable, with the reason."""
        shown = self._shown(call, there)
        session = _session()
        try:
            async with asyncio.timeout(CONNECT):
                text = await session.ws_connect(
                    there.address + call.path,
                    headers={"Authorization": shown.header},
                    heartbeat=HEARTBEAT,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE),
                )
                first = _TOLD.decode(await text.receive_str())
            if not hmac.compare_digest(first.proof, self.proof(call, shown)):
                await text.close()
                raise _impostor(there)
        except _FAILURES as error:
            await session.close()
            raise _unreachable(there, error) from None
        except BaseException:
            await session.close()
            raise
        return Relay(session, text)

    async def kept(self, call: Call, there: Place) -> Kept:
        """What the process that watches the host has kept. Raises Unavailable, with the reason."""
        shown = self._shown(call, there)
        headers = {"Authorization": shown.header}
        try:
            async with asyncio.timeout(CONNECT), _session() as session:
                answer = await session.get(there.address + call.path, headers=headers, allow_redirects=False)
                kept = _KEPT.decode(await answer.read())
            if not hmac.compare_digest(kept.proof, self.proof(call, shown)):
                raise _impostor(there)
        except _FAILURES as error:
            raise _unreachable(there, error) from None
        return kept

    def _shown(self, call: Call, there: Place) -> Pass:
        if not there.address:
            raise Unavailable("It is not known where that process is reached.", resolution=_SET)
        unsigned = Pass(at=f"{there.now:.3f}", nonce=random.token_hex(16))
        return replace(unsigned, signature=self._sign(unsigned.signed_text(call)))

    def _sign(self, text: str) -> str:
        return self._cipher.signature(text, purpose=_PURPOSE)


class Relay:
    """An open one. A `base.Console` that also tells the other process's words."""

    def __init__(self, session: aiohttp.ClientSession, text: aiohttp.ClientWebSocketResponse) -> None:
        self._session, self._text = session, text

    async def read(self) -> bytes | Notice | None:
        """The next piece of text or words; None: it is over, or was cut."""
        while True:
            try:
                message = await self._text.receive()
            except (aiohttp.ClientError, OSError):
                return None
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    return bytes(message.data)
                case aiohttp.WSMsgType.TEXT:
                    try:
                        told = _TOLD.decode(message.data)
                        return Notice(word=Word(told.word), text=told.text)
                    except (msgspec.MsgspecError, ValueError):
                        return None  # a process of another release
                case _:
                    return None

    async def write(self, data: bytes) -> None:
        """Type something. Raises Unavailable."""
        try:
            await self._text.send_bytes(data)
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("The other process was cut off.", details=f"{error}.") from None

    async def close(self) -> None:
        """Leave; the other process lets the console go when nobody else watches."""
        await self._text.close()
        await self._session.close()


_FAILURES = (aiohttp.ClientError, msgspec.MsgspecError, OSError, TypeError, ValueError)
_SET = "The setting reached_at of that process says where others reach it."


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), middlewares=(_words,))


def _unreachable(there: Place, error: Exception) -> Unavailable:
    late = f"it has not answered within {CONNECT:g} s" if isinstance(error, TimeoutError) else ""
    words = f"{late or str(error) or type(error).__name__}."
    return Unavailable(f"It cannot be reached at {there.address}.", details=words, resolution=_SET)


def _impostor(there: Place) -> Unavailable:
    return Unavailable(f"Who answers at {there.address} does not have this installation's key.")


async def _words(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A refusal in the other process's words, which a failed websocket would not tell."""
    answer = await handler(request)
    if answer.status != (101 if "Upgrade" in request.headers else 200):
        try:
            brief = msgspec.json.decode(await answer.content.read(65536), type=_Refusal).brief
        except msgspec.DecodeError:
            brief = f"What answers at {request.url.origin()} is no process of this installation."
        finally:
            answer.close()
        raise Unavailable(brief, details=f"It answered with status {answer.status}.")
    return answer


class _Refusal(msgspec.Struct):
    brief: str


def own_address(settings: Settings) -> str:
    """Where other processes of this installation reach this one; "" when that cannot be told. Asks the resolver."""
    end = _our_end(sa.make_url(settings.database_url))
    return relay.address(chosen=settings.reached_at, our_end=end, listens=settings.host, port=settings.port)


def _our_end(database: sa.URL) -> str:
    """Our end of the way to the database's server; "" when it is on this machine without a network."""
    named = database.host or database.query.get("host", "")
    host = named if isinstance(named, str) else named[0]
    if not host or host.startswith("/"):
        return ""
    try:
        for family, kind, protocol, _, target in socket.getaddrinfo(
            host, database.port or 5432, type=socket.SOCK_DGRAM
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.connect(target)  # of a datagram socket: the kernel only chooses the way
                return str(probe.getsockname()[0])
    except OSError:
        pass
    return ""
