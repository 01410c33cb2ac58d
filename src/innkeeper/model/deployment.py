"""A deployment: from the order until its machine is released. What shows that it is up, and where guests call. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from innkeeper.errors import Invalid

_GUEST_ADDRESS = re.compile(
    r"(https?://)?(\[[0-9a-fA-F:.]+\]|[0-9a-fA-F]*:[0-9a-fA-F:.]+|[A-Za-z0-9.-]+)(:\d{1,5})?(?(1)(/[!-~]*)?)"
)
EVERYWHERE = {"0.0.0.0": 4, "::": 6}  # a server that listens on all addresses of a version


class Sign(StrEnum):
    """What shows that a guest is up."""

    PHONE_HOME = "phone home"  # it called us
    AGENT = "agent"  # an agent in it answers its host
    LEASE = "lease"  # its host's network gave it an address, or knows it by one


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A machine's deployment. `signs`: those that are taken; `base_url`: where its guest calls, "" nowhere.

    `deadline`, `phoned`: epoch seconds.
    """

    system_id: str
    image_id: int | None
    signs: tuple[Sign, ...]
    base_url: str
    started: float
    deadline: float
    phoned: float | None = None
    console: str = ""


def signs(base_url: str, *, user_data: str = "") -> tuple[Sign, ...]:
    """What is waited for: the guest's call where it reaches us; what its host sees of it elsewhere.

    User data with a phone_home of its own takes the place of ours, so its host is asked too.
    """
    others = (Sign.AGENT, Sign.LEASE)
    if not base_url:
        return others
    return (Sign.PHONE_HOME, *others) if re.search(r"^\s*phone_home\s*:", user_data, re.M) else (Sign.PHONE_HOME,)


def in_words(taken: Sequence[Sign], base_url: str) -> str:
    """What is waited for, for an event."""
    if Sign.PHONE_HOME not in taken:
        return "guests cannot reach this server, so it counts as up when its agent or a lease of its network shows it"
    return f"it counts as up when it phones home to {base_url}"


def late_in_words(one: Deployment, *, agent: bool, addresses: Sequence[str]) -> str:
    """Why a guest counts as failed. `agent`, `addresses`: what its host sees of it all the same."""
    told = f"its guest has not shown itself in time (waited for: {' or '.join(one.signs)})"
    lease = f"its lease at {', '.join(addresses)}" if addresses else ""
    if seen := " and ".join(part for part in ("its agent" if agent else "", lease) if part):
        told += f"; its host sees {seen}"
        if Sign.PHONE_HOME in one.signs:
            told += (
                f", but it did not call {one.base_url}: if guests cannot reach that, set guest_address of the VM host; "
                "if they can, see whether its cloud-init ran"
            )
    return told


def base_url(*, chosen: str, our_end: str, listens: str, port: int) -> str:
    """Where a host's guests call us: "http://ADDRESS:PORT", or "" when they cannot.

    `chosen`: what an administrator set for the host (`guest_address`), which is believed. Else it is `our_end` of the
    connection to the host, if we `listen` there.
    """
    if chosen:
        return chosen.rstrip("/") if "://" in chosen else f"http://{_with_port(chosen, port)}"
    if not our_end or not port or _loopback(our_end) or _loopback(listens):
        return ""
    version = EVERYWHERE.get(listens)
    if version is None:
        return f"http://{_with_port(listens, port)}"
    return f"http://{_with_port(our_end, port)}" if ip_address(our_end).version == version else ""


def check_guest_address(text: str) -> str:
    """What an administrator sets as `guest_address`: ADDRESS, ADDRESS:PORT or a URL; "" for none. Raises Invalid."""
    word = text.strip()
    if word and not _GUEST_ADDRESS.fullmatch(word):
        message = f"cannot read {word[:80]!r}; it is ADDRESS, ADDRESS:PORT or http://ADDRESS:PORT"
        raise Invalid(f"Invalid guest_address: {message}.", fields={"guest_address": [message]})
    return word


def _with_port(address: str, port: int) -> str:
    try:
        bare = ip_address(address)
    except ValueError:
        return address if re.search(r":\d+$", address) else f"{address}:{port}"
    return f"[{bare}]:{port}" if isinstance(bare, IPv6Address) else f"{bare}:{port}"


def _loopback(address: str) -> bool:
    """Whether an address is of no use to others: this machine's own, or of a link whose name they do not know."""
    try:
        one = ip_address(address.partition("%")[0])
        return one.is_loopback or one.is_link_local
    except ValueError:
        return address == "localhost"
