"""Secrets, encrypted at rest with one key (AES-256-GCM) that lives in a file beside the database, not in it."""

from __future__ import annotations

import base64
import binascii
import os
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from innkeeper.errors import Misconfigured
from innkeeper.store.database import Write
from innkeeper.store.tables import installation, secret

_CHECK = b"innkeeper"
_NONCE = 12


class Cipher:
    """Encrypts and decrypts with the installation's key. The path a secret lives at is bound to it."""

    def __init__(self, key: bytes) -> None:
        self._key, self._aead = key, AESGCM(key)

    def __repr__(self) -> str:
        return "Cipher(…)"

    def encrypt(self, text: str, *, path: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, text.encode(), path.encode())

    def decrypt(self, blob: bytes, *, path: str) -> str:
        """The text; Misconfigured when this key did not encrypt it."""
        try:
            return self._aead.decrypt(blob[:_NONCE], blob[_NONCE:], path.encode()).decode()
        except InvalidTag:
            raise Misconfigured(
                "The encryption key does not fit the database.",
                details=f"The secret {path!r} was encrypted with another key.",
                resolution="Start with the key file that belongs to this database (setting key_file).",
            ) from None

    def fingerprint(self, text: str) -> str:
        """A keyed hash: tells whether a secret is the same as one that was used, without keeping it."""
        mac = hmac.HMAC(self._key, hashes.SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()

    def signature(self, text: str, *, purpose: str) -> str:
        """Shows that who wrote the text has the installation's key (64 hex digits). A key of its own signs for each
        purpose, so that no signature or fingerprint can be taken for another."""
        own = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(self._key)
        mac = hmac.HMAC(own, hashes.SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()


def load_key(path: Path, *, create: bool = True) -> Cipher:
    """The cipher with the key of that file; made (mode 0600) when missing and `create`."""
    if not path.exists():
        if not create:
            raise Misconfigured(
                f"There is no encryption key at {path}.",
                details="The database is in use: its secrets were encrypted with a key that already exists.",
                resolution="Copy the key file from the first server, or say where it is (setting key_file).",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_key(path)
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise Misconfigured(f"{path} does not hold an encryption key.", details="It must be 32 bytes in base64.")
    return Cipher(key)


def _make_key(path: Path) -> None:
    """A new key at `path`, whole and on the disk or not there at all; one that is there already stays."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(os.urandom(32)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()


def in_use(sql: sa.Connection) -> bool:
    """Whether this database has an installation already, and with it a key."""
    return sql.execute(sa.select(installation.c.id)).first() is not None


def verify(write: Write, cipher: Cipher, *, uuid: str) -> str:
    """The installation's id; Misconfigured when the key is not this database's. First call: notes both."""
    row = write.sql.execute(sa.select(installation)).first()
    if row is None:
        check = cipher.encrypt(_CHECK.decode(), path="check")
        write.sql.execute(sa.insert(installation).values(id=1, uuid=uuid, check=check))
        return uuid
    cipher.decrypt(row.check, path="check")
    return str(row.uuid)


def put(write: Write, cipher: Cipher, *, path: str, text: str) -> None:
    """Store a secret, in place of one that was there."""
    forget(write, path=path)
    write.sql.execute(sa.insert(secret).values(path=path, value=cipher.encrypt(text, path=path)))


def get(sql: sa.Connection, cipher: Cipher, *, path: str) -> str:
    """The secret, "" when there is none."""
    blob = sql.scalar(sa.select(secret.c.value).where(secret.c.path == path))
    return cipher.decrypt(blob, path=path) if blob is not None else ""


def forget(write: Write, *, path: str) -> None:
    """Delete a secret and all below it (`host/3` takes `host/3/key` with it)."""
    write.sql.execute(sa.delete(secret).where(sa.or_(secret.c.path == path, secret.c.path.startswith(f"{path}/"))))
