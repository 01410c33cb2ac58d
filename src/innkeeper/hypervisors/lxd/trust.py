"""Getting our certificate into a host's trust list, by token or password, and out of it again."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from innkeeper.errors import HostRefused, HostUntrusted
from innkeeper.hypervisors.base import Identity, Target
from innkeeper.hypervisors.lxd import certificates, failures, server, shapes
from innkeeper.hypervisors.lxd.client import Client, path

_MAKE_TOKEN = "Make a token on the host with `{lxc} config trust add` and give that."


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a trust token tells. Never printed."""

    fingerprint: str
    addresses: tuple[str, ...]
    secret: str

    def __repr__(self) -> str:
        return f"Token(fingerprint={self.fingerprint!r})"


class _Token(msgspec.Struct, frozen=True):
    secret: str
    fingerprint: str
    addresses: list[str] | None = None


def read_token(text: str) -> Token | None:
    """The token in a text, or None when it is something else (a password). A token is base64 of a JSON object."""
    try:
        told = msgspec.json.decode(base64.b64decode("".join(text.split()), validate=True), type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return Token(fingerprint=told.fingerprint.lower(), addresses=tuple(told.addresses or ()), secret=told.secret)


async def redeem(client: Client, target: Target, *, secret: str, name: str) -> None:
    """Be trusted by `secret`; trusted already is success and spends nothing.

    HostChanged when a token is of another server than the pinned one (nothing was sent then), HostRefused when it
    was used, has expired or is a password that this server does not take.
    """
    token = read_token(secret)
    pinned = certificates.fingerprint(target.server_certificate)
    if token and token.fingerprint != pinned:
        raise failures.changed(client.address, pinned=f"{token.fingerprint} (by the token)", shown=pinned)
    found = server.identity(await client.get("/1.0", shapes.Server))
    if found.trusted:
        return
    explicit = server.EXPLICIT_TOKEN in found.extensions or found.hypervisor == "incus"
    if not token and found.hypervisor == "incus":
        raise _no_passwords(found, "Incus has no trust passwords.")
    body = {
        "type": "client",
        "name": name,
        # LXD up to 5.19 takes a token in the place of a password, later ones and Incus in its own field only.
        "trust_token" if token and explicit else "password": "".join(secret.split()) if token else secret,
    }
    try:
        await client.change("POST", path("certificates"), body)
    except (HostRefused, HostUntrusted) as refused:
        # It may be that the answer to an earlier try was lost: what counts is whether we are trusted now.
        if server.identity(await client.get("/1.0", shapes.Server)).trusted:
            return
        raise _refusal(found, refused, token=token is not None, explicit=explicit) from None


async def add(client: Client, *, certificate: str, name: str) -> None:
    """Have another client certificate (PEM) trusted, by somebody who is. In the list already is success."""
    address = path("certificates", certificates.fingerprint(certificate))
    if await client.find(address, dict[str, object]) is not None:
        return
    body = {"type": "client", "name": name, "certificate": certificates.der(certificate)}
    try:
        await client.change("POST", path("certificates"), body)
    except HostRefused:
        if await client.find(address, dict[str, object]) is None:
            raise


async def remove(client: Client, *, certificate: str) -> None:
    """Take a client certificate (PEM) out of the trust list, one's own too. Not being in it is success."""
    try:
        await client.change("DELETE", path("certificates", certificates.fingerprint(certificate)))
    except HostUntrusted:
        # Nothing can be said about others then; if it was our own, it is out already.
        if certificates.fingerprint(certificate) != client.fingerprint:
            raise
    except HostRefused as refused:
        if refused.code != 404:
            raise


def _refusal(found: Identity, refused: HostRefused | HostUntrusted, *, token: bool, explicit: bool) -> HostRefused:
    words = refused.details
    if token:
        return HostRefused(
            "The host did not accept the trust token.",
            details=f"It was used already or has expired. {words}",
            resolution=_make_token(found),
            code=403,
        )
    if explicit:
        return _no_passwords(found, f"LXD 6.1 and later have no trust passwords. {words}")
    return HostRefused(
        "The host did not accept the trust password.",
        details=words,
        resolution="Check core.trust_password of the server. " + _make_token(found),
        code=403,
    )


def _no_passwords(found: Identity, why: str) -> HostRefused:
    return HostRefused(
        "The host did not accept a trust password: use a token.", details=why, resolution=_make_token(found), code=403
    )


def _make_token(found: Identity) -> str:
    return _MAKE_TOKEN.format(lxc="incus" if found.hypervisor == "incus" else "lxc")
