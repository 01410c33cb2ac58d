"""The migrations and the tables say the same, on both databases, and running them again changes nothing."""

from __future__ import annotations

import uuid
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from innkeeper.store import domains, pools, schema, zones
from innkeeper.store.database import Database
from innkeeper.store.schema import metadata
from innkeeper.store.secrets import load_key


def test_migrations_make_the_tables(database_url: str) -> None:
    database = Database(database_url)
    schema.upgrade(database)
    schema.upgrade(database)  # up to date already
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        tables = set(sa.inspect(connection).get_table_names())
    assert tables == set(metadata.tables) | {"alembic_version"}
    database.close()


def test_no_id_is_given_twice(tmp_path: Path) -> None:
    """What watches, remembers or told of a thing by its id must not meet another one: also after every migration."""
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    schema.upgrade(database)
    with database.read() as sql:
        told = {row.name: row.sql for row in sql.execute(sa.text("SELECT name, sql FROM sqlite_master"))}
    database.close()
    counting = [one.name for one in metadata.tables.values() if one.dialect_options["sqlite"]["autoincrement"]]
    assert len(counting) > 10
    assert [name for name in counting if "AUTOINCREMENT" not in told[name]] == []


def test_the_newest_migration_is_alembics_head() -> None:
    """An up-to-date database is recognised without alembic, by the names of its files."""
    assert schema.newest() == ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()


def test_the_defaults_are_there_once_and_ids_go_on_after_them(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    schema.upgrade(database)
    cipher = load_key(tmp_path / "key")
    first = database.transact(schema.seed, cipher, domain_name="maas")
    again = database.transact(schema.seed, cipher, domain_name="other")
    assert uuid.UUID(first) == uuid.UUID(again)
    with database.read() as sql:
        assert [(one.id, one.name) for one in pools.listing(sql)] == [(0, "default")]
        assert [(one.id, one.name) for one in zones.listing(sql)] == [(1, "default")]
        assert [one.name for one in domains.listing(sql)] == ["maas"]
    assert database.transact(zones.create, name="east").id == 2
    assert database.transact(pools.create, name="lab").id >= 1
    database.close()


def test_an_older_database_gets_a_default_domain(database_url: str) -> None:
    """The first one made was the default before any was marked as such."""
    database = Database(database_url)
    with database.engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for id, name in ((3, "lab"), (7, "site")):
            values = {"id": id, "name": name}
            connection.execute(sa.text("INSERT INTO domain VALUES (:id, :name, true, NULL)"), values)
        connection.commit()
        command.upgrade(config, "head")
        connection.commit()
    with database.read() as sql:
        assert [(one.id, one.is_default) for one in domains.listing(sql)] == [(3, True), (7, False)]
        assert domains.default_id(sql) == 3
    database.close()
