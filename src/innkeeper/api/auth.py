"""Who is asking, and what they may do: an OAuth 1.0 PLAINTEXT key becomes an `Actor`; `permit` is the one check.

Only the key itself proves anything: PLAINTEXT sends the secret with every request, so a timestamp or a nonce adds
nothing to it. They are parsed, because a client that sends nonsense should hear of it, and not enforced.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from urllib.parse import unquote

from starlette.requests import HTTPConnection

from innkeeper.errors import Forbidden, Invalid, Unauthorized

CHALLENGE = 'OAuth realm="MAAS API"'  # the WWW-Authenticate of every 401

# key="value" or key=value; clients differ in order, blanks after the comma, realm and what they quote.
# Looked for at the start of a word only: a long word costs its length, not the square of it.
_PAIR = re.compile(r'(?<![^\s,])([^\s=,"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks. `key`: the public part of the key that was used ("consumer:token"), for the audit."""

    user_id: int
    username: str
    is_admin: bool
    key: str = ""


class Who(Enum):
    """Who may make a call. OWNER: the owner of the call's target (of one that nobody owns, who composed it), or an
    administrator."""

    ANONYMOUS = "anybody"
    USER = "any user"
    OWNER = "the owner or an administrator"
    ADMIN = "administrators"

    @property
    def door(self) -> Who:
        """What can be checked before the target is known: an owner is a user first."""
        return Who.USER if self is Who.OWNER else self


class Keys(Protocol):
    """Where keys are kept."""

    def secret(self, *, consumer: str, token: str) -> tuple[Actor, str] | None:
        """Whose key that is and its secret, or None. Runs SQL: called in a thread."""


class Identifier(Protocol):
    """One way to know who asks. A list of them is tried in order; a browser session would be another one."""

    async def identify(self, request: HTTPConnection, *, oauth: Mapping[str, str]) -> Actor | None:
        """The actor, or None if the request says nothing of this kind.

        `oauth`: the oauth_* values of the query or the body. Raises Unauthorized, Invalid.
        """


class ApiKey:
    """Identifies by API key: in the Authorization header, or as oauth_* values."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def identify(self, request: HTTPConnection, *, oauth: Mapping[str, str]) -> Actor | None:
        """See `Identifier`."""
        claim = parse(request.headers.get("authorization", "")) or oauth
        if not claim:
            return None
        consumer, token, secret = _key(claim)
        found = await asyncio.to_thread(self._keys.secret, consumer=consumer, token=token)
        if found is None or not hmac.compare_digest(found[1].encode(), secret.encode()):
            raise _wrong()
        return found[0]


async def identify(
    identifiers: Iterable[Identifier], request: HTTPConnection, *, oauth: Mapping[str, str]
) -> Actor | None:
    """The first identifier's answer that is not None; None: nobody said who they are."""
    for identifier in identifiers:
        actor = await identifier.identify(request, oauth=oauth)
        if actor is not None:
            return actor
    return None


def permit(actor: Actor | None, who: Who, *, owner_id: int | None = None, composer_id: int | None = None) -> None:
    """Let pass, or raise Unauthorized or Forbidden. `owner_id`: whose the target is; None: nobody's. `composer_id`:
    who composed it, and so may act on it while nobody owns it."""
    if who is Who.ANONYMOUS:
        return
    if actor is None:
        raise Unauthorized("Authorization Error: this call needs an API key.")
    if actor.is_admin or who is Who.USER:
        return
    if who is Who.OWNER and actor.user_id == (composer_id if owner_id is None else owner_id):
        return
    raise Forbidden(f"Only {who.value} may do this; {actor.username} is a user without that right.")


def parse(header: str) -> dict[str, str]:
    """The oauth_* values of an Authorization header, decoded; {} if it is of another scheme. Raises Invalid."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "oauth":
        return {}
    claim: dict[str, str] = {}
    for name, quoted, bare in _PAIR.findall(rest):
        name = unquote(name)
        if name in claim:
            raise Invalid(f"The Authorization header says {name[:40]} twice.")
        if name.startswith("oauth_"):  # not the realm
            claim[name] = unquote(quoted or bare)
    return claim or {"oauth_token": ""}  # an OAuth header that says nothing is a wrong key, not none


def _key(claim: Mapping[str, str]) -> tuple[str, str, str]:
    """(consumer, token, secret) of a claim; raises Invalid, Unauthorized."""
    stamp = claim.get("oauth_timestamp")
    if stamp is not None and not re.fullmatch(r"-?[0-9]+", stamp):
        raise Invalid(f"oauth_timestamp is not an integer: {stamp[:40]!r}.")
    method = claim.get("oauth_signature_method", "PLAINTEXT")
    if method.upper() != "PLAINTEXT":
        raise Unauthorized(f"Authorization Error: signature method {method[:40]!r} is not known; use PLAINTEXT.")
    # The signature is "consumer secret & token secret", and a MAAS key's consumer secret is empty.
    nothing, ampersand, secret = claim.get("oauth_signature", "").partition("&")
    if nothing or not ampersand:
        raise _wrong()
    return claim.get("oauth_consumer_key", ""), claim.get("oauth_token", ""), unquote(secret)


def _wrong() -> Unauthorized:
    return Unauthorized("Authorization Error: Invalid API key.")
