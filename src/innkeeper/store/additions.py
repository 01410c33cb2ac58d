"""What people added to an instance on its host, kept while it is deleted and made anew. It may hold secrets."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from innkeeper.model.machine import Added
from innkeeper.store import secrets
from innkeeper.store.database import Write
from innkeeper.store.secrets import Cipher

_DECODER = msgspec.json.Decoder(Added)  # made here, once: msgspec's first look at a type is not safe among threads


def keep(write: Write, cipher: Cipher, *, system_id: str, added: Added) -> None:
    """Note it before the instance goes, in place of what was noted before."""
    secrets.put(write, cipher, path=_path(system_id), text=msgspec.json.encode(added).decode())


def find(sql: sa.Connection, cipher: Cipher, system_id: str) -> Added:
    """What the instance that was there had; nothing, where nothing was noted."""
    text = secrets.get(sql, cipher, path=_path(system_id))
    return _DECODER.decode(text) if text else Added()


def forget(write: Write, system_id: str) -> None:
    """An instance that has it is there again."""
    secrets.forget(write, path=_path(system_id))


def _path(system_id: str) -> str:
    return f"machine/{system_id}/added"
