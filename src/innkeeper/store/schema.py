"""Bring a database to the schema of this version, and what must be in it before the first request."""

from __future__ import annotations

import uuid
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from innkeeper.errors import Misconfigured, Unavailable
from innkeeper.store import (
    account_tables,
    batch_tables,
    deployment_tables,
    draft_tables,
    network_tables,
    notice_tables,
    secrets,
)
from innkeeper.store.database import Database, Write
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import domain, metadata, resource_pool, zone

PAGES = (
    network_tables,
    deployment_tables,
    account_tables,
    batch_tables,
    draft_tables,
    notice_tables,
)  # they fill `metadata`
__all__ = ["metadata", "move_in", "newest", "seed", "upgrade"]
MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 0x5C4E  # advisory lock of PostgreSQL: one process migrates, the others wait


def upgrade(database: Database) -> None:
    """Run the migrations that are missing. Misconfigured when the database cannot be used at all."""
    try:
        _upgrade(database)
    except (OperationalError, Unavailable) as error:
        cause = getattr(error if isinstance(error, OperationalError) else error.__cause__, "orig", error)
        raise Misconfigured(
            "The database cannot be used.",
            details=str(cause).strip().partition("\n")[0],
            resolution="See that it runs, and that the setting database leads to it.",
        ) from error


def _upgrade(database: Database) -> None:
    if database.ask(_revision) == newest():
        return
    from alembic import command  # a tenth of a server's start, and mostly there is nothing to do
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATING)))
            connection.commit()
        try:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            if not database.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATING)))
                connection.commit()


def newest() -> str:
    """The revision of the newest migration: its file's name begins with it."""
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*.py"))


def _revision(sql: sa.Connection) -> str | None:
    """The revision that a database is at; None for an empty one."""
    if not sa.inspect(sql).has_table("alembic_version"):
        return None
    version: str | None = sql.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def move_in(write: Write, *, key_file: Path, domain_name: str) -> tuple[Cipher, str]:
    """The cipher and this installation's id. One process at a time: several may start on an empty database.

    The key is made only for a database that has none yet. Misconfigured when it is missing or not this database's.
    """
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
    cipher = secrets.load_key(key_file, create=not secrets.in_use(write.sql))
    return cipher, seed(write, cipher, domain_name=domain_name)


def seed(write: Write, cipher: Cipher, *, domain_name: str) -> str:
    """The default zone, resource pool and domain, and this installation's id, which it returns.

    Misconfigured when the encryption key is not this database's.
    """
    installation = secrets.verify(write, cipher, uuid=str(uuid.uuid4()))
    for table, values in (
        (zone, {"id": 1, "name": "default", "description": ""}),
        (resource_pool, {"id": 0, "name": "default", "description": "Default pool"}),
        (domain, {"id": 0, "name": domain_name, "authoritative": True, "ttl": None, "is_default": True}),
    ):
        if write.sql.scalar(sa.select(table.c.id).limit(1)) is None:
            write.sql.execute(sa.insert(table).values(values))
            if not write.is_sqlite:  # the sequence must not give an id that is taken
                sequence = sa.func.pg_get_serial_sequence(table.name, "id")
                write.sql.execute(sa.select(sa.func.setval(sequence, max(int(str(values["id"])), 1))))
    return installation
