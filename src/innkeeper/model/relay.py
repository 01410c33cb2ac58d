"""How processes of one installation speak to one another: where each is reached, and the pass that each call shows.

A pass is signed with a key that only the installation's processes have. It names the process that is called, so that
it opens no other door; it is good for a moment, and once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from innkeeper.model.deployment import EVERYWHERE

SCHEME = "Innkeeper"  # of the Authorization header
GOOD_FOR = 30.0  # seconds that a pass may be old, and early; both ends ask the same clock, the database's
TAIL = 1024  # bytes of what was seen that are looked for in what is told anew
_LEAST = 64  # bytes: less may stand anywhere

_HEADER = re.compile(rf"{SCHEME} ([0-9]{{1,12}}\.[0-9]{{1,6}}):([0-9a-f]{{32}}):([0-9a-f]{{64}})")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One process asks another for the console of a machine. `owner_id`: whose it takes the machine to be."""

    process: str
    system_id: str
    owner_id: int | None

    @property
    def path(self) -> str:
        """Where it is asked."""
        owner = "" if self.owner_id is None else self.owner_id
        return f"/internal/consoles/{quote(self.process, safe='')}/{quote(self.system_id, safe='')}?owner={owner}"


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What a call shows. `at`: epoch seconds, as they are sent; `nonce`: 32 hex digits."""

    at: str
    nonce: str
    signature: str = ""

    @property
    def header(self) -> str:
        return f"{SCHEME} {self.at}:{self.nonce}:{self.signature}"

    def signed_text(self, call: Call) -> str:
        """What the caller signs."""
        return f"call {call.path} {self.at} {self.nonce}"

    def answered_text(self, call: Call) -> str:
        """What the called one signs, so that nothing is typed to one who only listens at its address."""
        return f"answer {call.path} {self.at} {self.nonce}"


def read_pass(header: str) -> Pass | None:
    """The pass in an Authorization header; None when there is none that can be read."""
    match = _HEADER.fullmatch(header)
    return Pass(at=match[1], nonce=match[2], signature=match[3]) if match else None


class Nonces:
    """The passes that were shown lately. Only those that are rightly signed are noted, so there are few."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}  # in the order of their coming

    def take(self, one: Pass, *, now: float) -> bool:
        """Whether a pass is good at `now`: fresh, and shown for the first time."""
        for nonce, until in list(self._seen.items()):
            if until >= now:
                break
            del self._seen[nonce]
        if abs(now - float(one.at)) > GOOD_FOR or one.nonce in self._seen:
            return False
        self._seen[one.nonce] = now + 2 * GOOD_FOR
        return True


def address(*, chosen: str, our_end: str, listens: str, port: int) -> str:
    """Where other processes reach one: "http://ADDRESS:PORT", or "" when that cannot be told.

    `chosen`: what its settings say, which is believed. Else where it `listens`; on all addresses, `our_end` of the way
    to the database, which they all share.
    """
    if chosen:
        return chosen.rstrip("/")
    version = EVERYWHERE.get(listens)
    if version is not None:
        if our_end and (":" in our_end) != (version == 6):
            return ""
        listens = our_end or ("::1" if version == 6 else "127.0.0.1")  # no way: the database is on this machine
    return f"http://[{listens}]:{port}" if ":" in listens else f"http://{listens}:{port}"


def unseen(seen: bytes, told: bytes) -> bytes:
    """What of `told` comes after what was `seen`: of a stream that is told anew from an earlier place. All of it where
    that place cannot be found: better twice than not at all."""
    tail = seen[-TAIL:]
    at = told.find(tail) if len(tail) >= _LEAST else -1
    return told[at + len(tail) :] if at >= 0 else told
