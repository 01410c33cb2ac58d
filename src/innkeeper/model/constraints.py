"""The grammar of `storage=`: text from a person to disks that are wanted.

item[,item…], item = [label:]size[(tag[,tag…])], size in decimal GB (10⁹ bytes); the first is the root disk

The form is MAAS's (its API documentation); differences: labels may hold - and _, the order of disks is kept, and a
piece that cannot be read is named in the error. NICs: see `interface_constraints`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from innkeeper.errors import Invalid

GB = 10**9
_MOST = 2**63 - 1  # bytes; what hypervisors and databases count to
_ITEM = re.compile(r"(?:(?P<label>[A-Za-z0-9][A-Za-z0-9_-]*):)?(?P<size>\d+(?:\.\d+)?)(?:\((?P<tags>[^()]*)\))?")


@dataclass(frozen=True, kw_only=True)
class DiskRequest:
    """A disk that is wanted: size in bytes; a tag that names a pool of the host chooses it."""

    label: str = ""
    size: int
    tags: tuple[str, ...] = ()


def storage(text: str, *, any_root: bool = False) -> tuple[DiskRequest, ...]:
    """Disks from a `storage=` text; Invalid names the piece that cannot be read. `any_root`: the root disk may have
    the size 0, which means any."""
    pieces = enumerate(_split(text, ","))
    disks = tuple(_disk(piece, text, least=0 if any_root and not position else 1) for position, piece in pieces)
    if not disks:
        raise _bad("storage", "it is empty")
    return disks


def _disk(piece: str, text: str, *, least: int) -> DiskRequest:
    match = _ITEM.fullmatch(piece)
    if match is None:
        raise _bad(
            "storage",
            f"cannot read {piece!r} in {text!r}; a disk is [label:]size[(tag,…)] with the size in GB as a plain "
            "number, for example root:20(fast),data:7.5",
        )
    size = int(Decimal(match["size"]) * GB)
    if size < least:
        raise _bad("storage", f"the size in {piece!r} is 0")
    if size > _MOST:
        raise _bad("storage", f"the size in {piece[:40]!r} is more than any disk's")
    tags: tuple[str, ...] = ()
    if match["tags"] is not None:
        tags = tuple(tag.strip() for tag in match["tags"].split(","))
        if not all(tags):
            raise _bad("storage", f"an empty tag in {piece!r}")
    return DiskRequest(label=match["label"] or "", size=size, tags=tags)


def _split(text: str, separator: str) -> list[str]:
    """Pieces between separators that are not inside parentheses."""
    pieces, depth, piece = [], 0, ""
    for letter in text.strip():
        depth += (letter == "(") - (letter == ")")
        if letter == separator and depth == 0:
            pieces.append(piece.strip())
            piece = ""
        else:
            piece += letter
    return [*pieces, piece.strip()] if (pieces or piece) else []


def _bad(field_name: str, message: str) -> Invalid:
    return Invalid(f"Invalid {field_name}: {message}.", fields={field_name: [message]})
