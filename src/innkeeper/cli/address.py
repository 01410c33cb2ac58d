"""Where a server is: what people type, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from innkeeper.cli.failures import CommandFailed

_API = "/api/2.0"
_EXAMPLE = "Give it like http://localhost:5240/MAAS"


@dataclass(frozen=True, kw_only=True)
class Address:
    """The root of a server: `path` starts with a slash and ends without one; `port` None is the scheme's."""

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def parse_address(text: str) -> Address:
    """The server a person means by `text`.

    Scheme (http), `/MAAS`, a final slash and `/api/2.0` may each be there or not. Raises CommandFailed
    for anything that names no server.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _not_an_address(text, str(error)) from None
    if parts.scheme not in ("http", "https"):
        raise _not_an_address(text, f"The scheme is {parts.scheme}; only http and https are spoken.")
    if not host or any(character.isspace() for character in text):
        raise _not_an_address(text, "It names no host.")
    if parts.username is not None or parts.query or parts.fragment:
        raise _not_an_address(text, "It must hold neither user, query nor fragment.")
    path = parts.path.rstrip("/").removesuffix(_API).rstrip("/") or "/MAAS"
    return Address(scheme=parts.scheme, host=host, port=port, path=path)


def _not_an_address(text: str, why: str) -> CommandFailed:
    return CommandFailed(f"{text!r} is not the address of a server.", details=why, resolution=_EXAMPLE)
