"""The grammar of `interfaces=`: text from a person to NICs that are wanted, and what a NIC's network must be.

label:key=value[,key=value…][;label:…]; the same key again means "or", different keys mean "and", `not_` before a key
means "none of these". A value may say what it is by: subnet=cidr:10.0.0.0/24, vlan=fabric:storage.

The form is MAAS's (its API documentation); differences: every error names the label and the piece that cannot be
read, and what cannot be honoured is refused. Which network a name means is looked up in `network_names`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

from innkeeper.errors import Invalid
from innkeeper.model.network import UNTAGGED

MOST_LABELS = 32  # NICs of one machine; hypervisors end near there
MOST_VID = 4094
LONGEST_NAME = 15  # bytes of a NIC's name in Linux
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DISK_NAME = re.compile(r"root|disk\d+")  # devices of an instance share one space of names
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,15}|0[bB][01]{1,60}|[0-9]{1,18}")
KINDS = ("physical", "vlan", "bond", "bridge", "unknown")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value of a key. `by`: what it says it is by ("cidr"; "fabric", "name"), () for a plain one."""

    by: tuple[str, ...] = ()
    value: str

    def __str__(self) -> str:
        return ":".join((*self.by, self.value))


@dataclass(frozen=True, kw_only=True)
class Term:
    """One key with all its values: any of them; negated: none of them."""

    key: str
    negated: bool = False
    choices: tuple[Choice, ...]

    def __str__(self) -> str:
        name = f"not_{self.key}" if self.negated else self.key
        return f"{name}={' or '.join(map(str, self.choices))}"


@dataclass(frozen=True, kw_only=True)
class WantedInterface:
    """A NIC as it was asked for. `ips` in normal form; `unconfigured`: the guest's own system gives it no address."""

    label: str
    terms: tuple[Term, ...] = ()
    ips: tuple[str, ...] = ()
    unconfigured: bool = False


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What must hold of the interface that a NIC hangs on: its `about` is (negated: is not) one of `accepted`.

    `text`: as it was asked. `about`: id, name, hostname, type, tag, speed, fabric, fabric_class, vlan, vid, space or
    subnet; networks by their ids, speed at least that much (Mbit/s), a tag "a&&b" means both.
    """

    text: str
    about: str
    accepted: tuple[int | str, ...]
    negated: bool = False

    @cached_property
    def values(self) -> frozenset[int | str]:
        """What is accepted."""
        return frozenset(self.accepted)


@dataclass(frozen=True, kw_only=True)
class WantedAddress:
    """An address that is asked for, and the subnet that holds it."""

    ip: str
    subnet_id: int


@dataclass(frozen=True, kw_only=True)
class InterfaceRequest:
    """A NIC that is wanted: where all conditions hold, with these addresses; no conditions: on the best network."""

    label: str
    conditions: tuple[Condition, ...] = ()
    addresses: tuple[WantedAddress, ...] = ()
    unconfigured: bool = False

    @cached_property
    def words(self) -> str:
        """Its conditions for people: a large fleet has them said a thousand times."""
        return " and ".join(one.text for one in self.conditions)


def interfaces(text: str) -> tuple[WantedInterface, ...]:
    """NICs from an `interfaces=` text; Invalid names the label and the piece that cannot be used."""
    wanted: dict[str, WantedInterface] = {}
    names: dict[str, str] = {}  # NIC → label
    held: dict[str, str] = {}  # address → label
    for piece in text.strip().split(";") if text.strip() else []:
        label, colon, rest = piece.strip().partition(":")  # only the first colon: IPv6 values hold more
        label = label.strip()
        if not colon or not _LABEL.fullmatch(label):
            raise bad(f"cannot read {_short(piece.strip())}; it is label:key=value[,key=value…][;label:…]")
        if label in wanted:
            raise bad(f"the label {label!r} is there twice")
        name = nic_name(label)
        if _DISK_NAME.fullmatch(name):
            raise bad(f"the label {label!r} is what a disk is named")
        if name in names:
            raise bad(f"the labels {names[name]!r} and {label!r} both name the NIC {name}")
        names[name] = label
        wanted[label] = _interface(label, rest)
        for ip in wanted[label].ips:
            if ip in held:
                raise bad(f"{label}: the address {ip} is asked for by {held[ip]} too")
            held[ip] = label
    if not wanted:
        raise bad("it is empty")
    if len(wanted) > MOST_LABELS:
        raise bad(f"{len(wanted)} NICs are more than the {MOST_LABELS} a machine can have")
    return tuple(wanted.values())


def nic_name(label: str) -> str:
    """The NIC's name for a label: a number N becomes ethN; a name over Linux's 15 bytes is made short, and still its
    own: part of its CRC-32 and its end (MAAS's rule)."""
    name = f"eth{label.lstrip('0') or '0'}" if label.isascii() and label.isdigit() else label
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"eth-{crc32(name.encode()) & 0xFFFFF:05x}-{name[-5:]}"


def _interface(label: str, text: str) -> WantedInterface:
    found: dict[tuple[str, bool], list[Choice]] = {}
    ips: list[str] = []
    unconfigured = False
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not value:
            raise bad(f"{label}: cannot read {_short(pair.strip())}, it is key=value")
        plain = key.removeprefix("not_")
        negated = plain != key
        if plain not in _READERS or (negated and plain in _NEVER_NEGATED):
            raise bad(f"{label}: unknown key {_short(key)}; known: {', '.join(KEYS)}")
        try:
            choice = _READERS[plain](value)
        except ValueError as error:
            raise bad(f"{label}: {key}={value[:80]}: {error}") from None
        if plain == "mode":
            unconfigured = True
        elif plain == "ip" and not negated:
            if choice.value in ips:
                raise bad(f"{label}: the address {choice.value} is asked for twice")
            ips.append(choice.value)
        else:
            found.setdefault((plain, negated), []).append(choice)
    terms = tuple(
        Term(key=key, negated=negated, choices=tuple(dict.fromkeys(choices)))
        for (key, negated), choices in found.items()
    )
    return WantedInterface(label=label, terms=terms, ips=tuple(ips), unconfigured=unconfigured)


# --- one value


def _plain(value: str) -> Choice:
    return Choice(value=value)


def _ip(value: str) -> Choice:
    address = ipaddress.ip_address(value)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise ValueError("an address with a scope (%) is not one of a subnet")
    return Choice(value=str(address))


def _cidr(value: str) -> Choice:
    return Choice(value=str(ipaddress.ip_network(value, strict=True)))


def _number(value: str) -> Choice:
    if not _NUMBER.fullmatch(value):
        raise ValueError("it must be a number (5, 0x5 or 0b101)")
    return Choice(value=str(int(value, 0) if value[:2].lower() in ("0x", "0b") else int(value)))


def _vid(value: str) -> Choice:
    if value.lower() == "untagged":
        return Choice(value=str(UNTAGGED))
    choice = _number(value)
    if int(choice.value) > MOST_VID:
        raise ValueError(f"a VLAN id is 0 to {MOST_VID}, or untagged")
    return choice


def _one_of(*words: str) -> Callable[[str], Choice]:
    def read(value: str) -> Choice:
        if value not in words:
            raise ValueError(f"it must be {' or '.join(words)}")
        return Choice(value=value)

    return read


def _tag(value: str) -> Choice:
    pieces = [piece.strip() for piece in value.split("&&")]
    if not all(pieces):
        raise ValueError("an empty tag")
    return Choice(value="&&".join(pieces))


def _by(**readers: Callable[[str], Choice]) -> Callable[[str], Choice]:
    """A plain value, or one after the word that says what it is: "cidr:10.0.0.0/24". A name may hold colons itself,
    so what does not begin with such a word is taken as it is."""

    def read(value: str) -> Choice:
        word, colon, rest = value.partition(":")
        if not colon or word not in readers:
            return Choice(value=value)
        if not rest.strip():
            raise ValueError(f"nothing after {word}:")
        inner = readers[word](rest.strip())
        return Choice(by=(word, *inner.by), value=inner.value)

    return read


def _of_interface(value: str) -> Choice:
    raise ValueError("a host's interface is chosen by id= or name=, not by interface:")


_fabric = _by(id=_number, name=_plain, **{"class": _plain})
_space = _by(id=_number, name=_plain)
_subnet_of_vlan = _by(id=_number, name=_plain, cidr=_cidr, ip=_ip)
_vlan = _by(id=_number, vid=_vid, name=_plain, fabric=_fabric, space=_space, subnet=_subnet_of_vlan)
_subnet = _by(
    id=_number,
    name=_plain,
    cidr=_cidr,
    ip=_ip,
    fabric=_fabric,
    space=_space,
    vlan=_vlan,
    vid=_vid,
    interface=_of_interface,
)
_READERS: dict[str, Callable[[str], Choice]] = {
    "id": _number,
    "fabric": _fabric,
    "fabric_class": _plain,
    "ip": _ip,
    "mode": _one_of("unconfigured"),
    "name": _plain,
    "hostname": _plain,
    "subnet": _subnet,
    "space": _space,
    "subnet_cidr": _cidr,
    "type": _one_of(*KINDS),
    "vlan": _vlan,
    "vid": _vid,
    "tag": _tag,
    "link_speed": _number,
}
_NEVER_NEGATED = ("mode", "type", "link_speed")
KEYS = tuple(_READERS) + tuple(f"not_{key}" for key in _READERS if key not in _NEVER_NEGATED)


def bad(message: str) -> Invalid:
    """The refusal of an `interfaces=` text."""
    return Invalid(f"Invalid interfaces: {message}.", fields={"interfaces": [message]})


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
