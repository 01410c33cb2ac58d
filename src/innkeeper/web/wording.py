"""What the API says to programs, as people read it: sizes for bytes, and no models."""

from __future__ import annotations

import re

from innkeeper.web import formats

_BYTES = re.compile(r"\b\d{7,}\b(?: bytes)?")
_GONE = re.compile(r"^No \w+(?: \w+)* matches the given query\.$")


def plain(text: str) -> str:
    """A sentence of the API in plain words."""
    if _GONE.match(text):
        return "It is not there any more."
    if "storage pool" not in text and "bytes" not in text:
        return text
    return _BYTES.sub(lambda match: formats.size(int(match[0].removesuffix(" bytes"))), text)
