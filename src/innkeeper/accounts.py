"""What the command line does with users in the server's own store, with or without a server running."""

from __future__ import annotations

from collections.abc import Iterable

from innkeeper.settings import Settings
from innkeeper.store import users
from innkeeper.store.opening import open_store


def create_admin(settings: Settings, *, username: str, email: str, password: str) -> None:
    """Make an administrator."""
    database, _, _ = open_store(settings)
    database.transact(users.create, username=username, email=email, password=password, is_admin=True)
    database.close()


def api_keys(settings: Settings, *, username: str, generate: bool = False, delete: str | None = None) -> Iterable[str]:
    """A user's API keys, oldest first; with `generate` only a new one; with `delete` those that are left."""
    database, cipher, _ = open_store(settings)
    try:
        if generate:
            return [database.transact(users.add_key, cipher, username=username).text]
        if delete is not None:
            parts = delete.split(":")
            database.transact(users.delete_key, username=username, token=parts[1] if len(parts) > 1 else delete)
        return [key.text for key in database.ask(users.keys, cipher, username=username)]
    finally:
        database.close()
