"""What can go wrong with an answer of the TLS double, on demand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refuse:
    """An error answer, as LXD gives it."""

    code: int
    text: str
    times: int = 10**9


@dataclass(frozen=True)
class Delay:
    """The answer comes late."""

    seconds: float
    times: int = 10**9


@dataclass(frozen=True)
class Cut:
    """The connection ends instead of an answer; `done`: after the request was carried out; `skip`: the first ones."""

    done: bool = False
    times: int = 1
    skip: int = 0


@dataclass(frozen=True)
class Garbage:
    """These bytes instead of an answer."""

    body: bytes = b"<html><body>Welcome to nginx!</body></html>"
    status: int = 200
    content_type: str = "text/html"
    times: int = 10**9


Fault = Refuse | Delay | Cut | Garbage


@dataclass(frozen=True)
class Once:
    """In `answers`: this metadata for the next request, and then the world's own again."""

    metadata: object
