"""Settings that administrators change while the server runs."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.account_tables import setting
from innkeeper.store.database import Write

# What a deployment gets that names no system; while the series is empty, the default image of the server's start.
OSYSTEM, SERIES = "default_osystem", "default_distro_series"
NAMES = (OSYSTEM, SERIES)


def read(sql: sa.Connection, name: str) -> str:
    """The value of a setting, "" while it is not set."""
    return sql.scalar(sa.select(setting.c.value).where(setting.c.name == name)) or ""


def default_image(sql: sa.Connection, fallback: str) -> str:
    """The image of a deployment that names none, "ubuntu/noble" or "noble"; `fallback` while no series is set."""
    osystem, series = read(sql, OSYSTEM), read(sql, SERIES)
    if not series:
        return fallback
    return f"{osystem}/{series}" if osystem else series


def shown(sql: sa.Connection, name: str, fallback: str) -> str:
    """The value of a setting as it counts: while no series is set, the parts of the fallback image."""
    value = read(sql, name)
    if value or read(sql, SERIES):
        return value
    osystem, _, series = fallback.rpartition("/")
    return osystem if name == OSYSTEM else series


def put(write: Write, name: str, value: str) -> None:
    """Set a setting."""
    write.sql.execute(sa.delete(setting).where(setting.c.name == name))
    write.sql.execute(sa.insert(setting).values(name=name, value=value))
