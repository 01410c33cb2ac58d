"""Settings that administrators change while the server runs."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.account_tables import setting
from innkeeper.store.database import Write

# What a deployment gets that names no system. "": none, it must name one.
OSYSTEM, SERIES = "default_osystem", "default_distro_series"
NAMES = (OSYSTEM, SERIES)


def read(sql: sa.Connection, name: str) -> str:
    """The value of a setting, "" while it is not set."""
    return sql.scalar(sa.select(setting.c.value).where(setting.c.name == name)) or ""


def put(write: Write, name: str, value: str) -> None:
    """Set a setting."""
    write.sql.execute(sa.delete(setting).where(setting.c.name == name))
    write.sql.execute(sa.insert(setting).values(name=name, value=value))
