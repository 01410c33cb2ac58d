"""A host that answers the end of a websocket but not the end of its TLS, as a busy one does: no socket stays open."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from innkeeper.hypervisors.base import Credentials, Target
from innkeeper.hypervisors.lxd import tls
from innkeeper.hypervisors.lxd.client import Client, Connection, Timeouts, unobserved
from tests.doubles.lxd import credentials, server_certificate

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of RFC 6455
_NORMAL = b"\x88\x02\x03\xe8"  # a close frame with code 1000


class MuteHost:
    """Takes one websocket, answers its close frame, and then never says anything on the connection again."""

    def __init__(self) -> None:
        shown = server_certificate()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.present(self._context, Credentials(certificate=shown.certificate, key=shown.key))
        self._listener = socket.create_server(("127.0.0.1", 0))
        address = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.target = Target(
            address=address, project="default", credentials=credentials(), server_certificate=shown.certificate
        )
        self.let_go = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        accepted, _ = self._listener.accept()
        secure = self._context.wrap_socket(accepted, server_side=True)
        request = secure.recv(65536)
        (line,) = [line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: ")]
        key = line.split(b": ", 1)[1]
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        secure.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        secure.recv(65536)  # their close frame
        secure.sendall(_NORMAL)
        with socket.socket(fileno=os.dup(secure.fileno())) as bare:  # beneath TLS: its end is read and not answered
            bare.settimeout(20)
            try:
                while bare.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            except TimeoutError:
                return
            finally:
                secure.close()
        self.let_go.set()

    @contextmanager
    def running(self) -> Iterator[MuteHost]:
        self.thread.start()
        try:
            yield self
        finally:
            self.thread.join(25)
            self._listener.close()


async def test_a_websocket_is_closed_with_its_client() -> None:
    with MuteHost().running() as host:
        client = Client(Connection(host.target, timeouts=Timeouts(), observe=unobserved))
        socket = await client.websocket("/1.0/events")
        await socket.close()
        await client.close()
        assert await asyncio.to_thread(host.let_go.wait, 10)
