"""Numbers as they are typed into forms: with the digits 0 to 9, and no others that Unicode has."""

from __future__ import annotations

import re
from decimal import Decimal

from innkeeper.errors import Invalid

WHOLE = "Write a whole number with the digits 0 to 9."
SIZE = "Write a size in GB with the digits 0 to 9, such as 20 or 7.5."
GB = 10**9
_MOST = 2**62  # bytes
_WHOLE = re.compile(r"[0-9]+")
_SIZE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")


def is_whole(typed: str) -> bool:
    """Whether that is a whole number, 0 or more."""
    return _WHOLE.fullmatch(typed.strip()) is not None


def is_size(typed: str) -> bool:
    """Whether that is a size in GB, to the byte."""
    return _SIZE.fullmatch(typed.strip()) is not None


def size(typed: str, *, field: str) -> int:
    """A size in GB as bytes. Invalid, by the field, for what is none, or is nothing, or is more than there can be."""
    found = int(Decimal(typed.strip()) * GB) if is_size(typed) else 0
    if not 0 < found < _MOST:
        words = SIZE if not found else "No storage pool is as large as that."
        raise Invalid("That is no size of a disk.", fields={field: [words]})
    return found
