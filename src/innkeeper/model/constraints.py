"""The grammars of `storage=` and `interfaces=`: text from a person to disks and NICs that are wanted.

storage     item[,item…], item = [label:]size[(tag[,tag…])], size in decimal GB (10⁹ bytes); the first is the root disk
interfaces  label:key=value[,key=value…][;label:…]; the same key again means "or", different keys mean "and"

The forms are MAAS's (its API documentation); differences: labels may hold - and _, the order of disks is kept,
and a piece that cannot be read is named in the error.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from decimal import Decimal

from innkeeper.errors import Invalid

GB = 10**9
_MOST = 2**63 - 1  # bytes; what hypervisors and databases count to
_ITEM = re.compile(r"(?:(?P<label>[A-Za-z0-9][A-Za-z0-9_-]*):)?(?P<size>\d+(?:\.\d+)?)(?:\((?P<tags>[^()]*)\))?")
_DISK_NAME = re.compile(r"root|disk\d+")  # devices of an instance share one space of names
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_INTERFACE_KEYS = ("name", "subnet", "subnet_cidr")
# Keys of MAAS's full language; known, and refused by name until they do something.
_LATER = frozenset(
    ["id", "fabric", "fabric_class", "ip", "mode", "hostname", "space", "type", "vlan", "vid", "tag", "link_speed"]
) | frozenset(
    f"not_{key}"
    for key in [
        "id",
        "fabric",
        "fabric_class",
        "ip",
        "name",
        "hostname",
        "subnet",
        "space",
        "subnet_cidr",
        "vlan",
        "vid",
        "tag",
    ]
)


@dataclass(frozen=True, kw_only=True)
class DiskRequest:
    """A disk that is wanted: size in bytes; a tag that names a pool of the host chooses it."""

    label: str = ""
    size: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InterfaceRequest:
    """A NIC that is wanted, on a host interface of one of `names` (if any) that has one of `subnets` (if any)."""

    label: str
    names: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass
class _Picked:
    names: list[str] = field(default_factory=list)
    subnets: list[str] = field(default_factory=list)


def storage(text: str) -> tuple[DiskRequest, ...]:
    """Disks from a `storage=` text; Invalid names the piece that cannot be read."""
    disks = tuple(_disk(piece, text) for piece in _split(text, ","))
    if not disks:
        raise _bad("storage", "it is empty")
    return disks


def _disk(piece: str, text: str) -> DiskRequest:
    match = _ITEM.fullmatch(piece)
    if match is None:
        raise _bad(
            "storage",
            f"cannot read {piece!r} in {text!r}; a disk is [label:]size[(tag,…)] with the size in GB as a plain "
            "number, for example root:20(fast),data:7.5",
        )
    size = int(Decimal(match["size"]) * GB)
    if size <= 0:
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


def interfaces(text: str) -> tuple[InterfaceRequest, ...]:
    """NICs from an `interfaces=` text; Invalid names the label or key that cannot be used."""
    wanted: dict[str, InterfaceRequest] = {}
    names: dict[str, str] = {}  # NIC → label
    for piece in _split(text, ";"):
        label, colon, rest = piece.partition(":")  # only the first colon: IPv6 values hold more
        label = label.strip()
        if not colon or not _LABEL.fullmatch(label):
            raise _bad("interfaces", f"cannot read {piece!r}; it is label:key=value[,key=value…][;label:…]")
        if label in wanted:
            raise _bad("interfaces", f"the label {label!r} is there twice")
        name = nic_name(label, position=len(wanted))
        if _DISK_NAME.fullmatch(name):
            raise _bad("interfaces", f"the label {label!r} is what a disk is named")
        if name in names:
            raise _bad("interfaces", f"the labels {names[name]!r} and {label!r} both name the NIC {name}")
        names[name] = label
        wanted[label] = _interface(label, rest)
    if not wanted:
        raise _bad("interfaces", "it is empty")
    return tuple(wanted.values())


def _interface(label: str, text: str) -> InterfaceRequest:
    picked = _Picked()
    for pair in (pair for pair in text.split(",")):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not value:
            raise _bad("interfaces", f"{label}: cannot read {pair.strip()!r}, it is key=value")
        if key in _LATER:
            raise _bad("interfaces", f"{label}: the key {key!r} is not supported yet; {', '.join(_INTERFACE_KEYS)} are")
        if key not in _INTERFACE_KEYS:
            raise _bad("interfaces", f"{label}: unknown key {key!r}; known: {', '.join(_INTERFACE_KEYS)}")
        if key == "name":
            picked.names.append(value)
        else:
            picked.subnets.append(_cidr(label, value))
    return InterfaceRequest(label=label, names=tuple(picked.names), subnets=tuple(picked.subnets))


def _cidr(label: str, value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=True))
    except ValueError as error:
        raise _bad("interfaces", f"{label}: {value!r} is not a subnet in CIDR form ({error})") from None


def nic_name(label: str, *, position: int) -> str:
    """The NIC's name for a label: a number N becomes ethN; over 15 bytes (Linux's limit) it becomes ethPOSITION."""
    name = f"eth{label.lstrip('0') or '0'}" if label.isdigit() else label
    return name if 0 < len(name.encode()) <= 15 else f"eth{position}"


def _bad(field_name: str, message: str) -> Invalid:
    return Invalid(f"Invalid {field_name}: {message}.", fields={field_name: [message]})
