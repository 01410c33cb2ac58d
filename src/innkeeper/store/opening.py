"""Open the store that the settings name, ready for the first request."""

from __future__ import annotations

from innkeeper.settings import Settings
from innkeeper.store import schema
from innkeeper.store.database import Database
from innkeeper.store.secrets import Cipher


def open_store(settings: Settings) -> tuple[Database, Cipher, str]:
    """The database at this version's schema, the cipher, this installation's id. Misconfigured: a wrong key."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)  # password hashes and the key are in it
    database = Database(settings.database_url)
    schema.upgrade(database)
    key_file, domain_name = settings.encryption_key_file, settings.domain
    cipher, uuid = database.transact(schema.move_in, key_file=key_file, domain_name=domain_name)
    return database, cipher, uuid
