"""User data as people and clients send it, and as a guest is given it. Pure.

It reaches the guest as it was written. What is taken off is only the wrapping of the way here: base64 (MAAS's API),
and gzip, which a host's configuration cannot hold; cloud-init would take it off as its first step anyway.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from innkeeper.errors import Invalid

MOST = 4 * 2**20  # bytes, unpacked
_GZIP = b"\x1f\x8b"
_WORD = 256  # bytes of a bare word, a token for example
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")


def read(raw: bytes) -> str:
    """The text that cloud-init gets: plain, base64 (with line feeds or without) and gzip of it are understood.

    Invalid when it is no text, damaged, or more than 4 MiB.
    """
    data = _unpacked(_decoded(raw))
    if len(data) > MOST:
        raise _bad(f"it is larger than {MOST // 2**20} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _bad("it is neither text nor gzip of text; send binary parts as MIME with base64") from None
    if "\0" in text:
        raise _bad("it holds a NUL character; send binary parts as MIME with base64")
    return text


def _decoded(raw: bytes) -> bytes:
    """What the base64 stands for; the same when it is none (a first line like #cloud-config never is).

    A short word that only looks like it ("abcdefgh" would be no text, and has no padding) is itself.
    """
    word = b"".join(raw.split())
    if not word or raw.startswith(_GZIP) or not _BASE64.fullmatch(word):
        return raw
    standard = word.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        data = base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        return raw
    return raw if len(word) <= _WORD and raw.strip() == standard and not _readable(data) else data


def _readable(data: bytes) -> bool:
    """Whether it is something that a guest could be given: text, or gzip (perhaps a broken one)."""
    try:
        return data.startswith(_GZIP) or "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    unzip = zlib.decompressobj(wbits=31)
    try:
        text = unzip.decompress(data, MOST + 1)  # no more than that: a small file may unpack to anything
    except zlib.error as error:
        raise _bad(f"its gzip is damaged ({error})") from None
    if not unzip.eof and len(text) <= MOST:
        raise _bad("its gzip is cut off")
    return text


def _bad(message: str) -> Invalid:
    return Invalid(f"Invalid user_data: {message}.", fields={"user_data": [message]})
