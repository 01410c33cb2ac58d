"""A public SSH key as it stands in a file, checked. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib

from innkeeper.errors import Invalid

KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def check(text: str) -> str:
    """The key on one line: KIND BASE64 [COMMENT]. Raises Invalid; a private key is never repeated in the message."""
    lines = text.strip().splitlines()
    if "PRIVATE KEY" in text:
        raise _bad("this is a private key: keep it to yourself, and send the public one (its file ends in .pub)")
    if len(lines) != 1:
        raise _bad("a public key is one line" if lines else "it is empty")
    kind, _, rest = lines[0].strip().partition(" ")
    body, _, comment = rest.strip().partition(" ")
    if kind not in KINDS:
        raise _bad(f"it must begin with one of: {', '.join(KINDS)}")
    try:
        raw = base64.b64decode(body, validate=True)
    except binascii.Error:
        raw = b""
    length = int.from_bytes(raw[:4], "big")
    if raw[4 : 4 + length] != kind.encode():  # the key itself says again of which kind it is
        raise _bad("it is damaged: what follows its kind is not such a key")
    if not comment.isprintable():
        raise _bad("its comment holds characters that cannot be printed")
    return " ".join(part for part in (kind, body, comment.strip()) if part)


def fingerprint(key: str) -> str:
    """How `ssh-keygen -l` names a checked key: "SHA256:…"."""
    raw = base64.b64decode(key.split(" ")[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _bad(message: str) -> Invalid:
    return Invalid(f"Invalid key: {message}.", fields={"key": [message]})
