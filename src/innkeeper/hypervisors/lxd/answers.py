"""The envelope of every LXD answer, opened. Pure.

LXD wraps each answer as {"type": "sync" | "async" | "error", "metadata": …}. The HTTP status is not enough: Incus
answers a failed wait with 200 and an error body.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast, get_origin

import msgspec

T = TypeVar("T")


class NotLxd(Exception):
    """The bytes are no answer of an LXD server; the text says what they are."""


class Envelope(msgspec.Struct, frozen=True):
    type: str
    error: str = ""
    error_code: int = 0
    metadata: msgspec.Raw = msgspec.Raw(b"null")


_ENVELOPE = msgspec.json.Decoder(Envelope)
_TYPES = ("sync", "async", "error")


def opened(body: bytes) -> Envelope:
    """The envelope of an answer's body. Raises NotLxd."""
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        raise NotLxd(f"JSON of another shape ({error})") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotLxd(f"something that is not JSON: {excerpt(body)}") from None
    if envelope.type not in _TYPES:
        raise NotLxd(f"JSON of another shape (type {envelope.type!r})")
    return envelope


def content(envelope: Envelope, shape: type[T]) -> T:
    """The metadata as `shape`; a null list is an empty one. Raises NotLxd."""
    raw = bytes(envelope.metadata)
    if raw == b"null" and get_origin(shape) in (list, dict):
        raw = b"[]" if get_origin(shape) is list else b"{}"
    try:
        return cast(T, _decoder(cast(Any, shape)).decode(raw))
    except msgspec.DecodeError as error:
        raise NotLxd(f"JSON of another shape ({error})") from None


def excerpt(body: bytes, length: int = 80) -> str:
    """The beginning of a body, printable and short, to be shown to a person."""
    text = body[: 4 * length].decode("utf-8", "replace")
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return repr(plain[:length] + "…" if len(plain) > length else plain)


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)
