"""SSH keys of users: their machines let them in by these."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.store.account_tables import ssh_key
from innkeeper.store.database import Write

k = ssh_key.c


@dataclass(frozen=True, kw_only=True)
class SshKey:
    """A public key of a user. `source` "" : they typed it."""

    id: int
    user_id: int
    key: str
    source: str = ""


def of_user(sql: sa.Connection, user_id: int) -> list[SshKey]:
    """The keys of a user, oldest first."""
    query = sa.select(ssh_key).where(k.user_id == user_id).order_by(k.id)
    return [SshKey(**row._mapping) for row in sql.execute(query)]


def find(sql: sa.Connection, user_id: int, id: int) -> SshKey:
    """One key of a user; NotFound, also for another's."""
    row = sql.execute(sa.select(ssh_key).where(k.id == id, k.user_id == user_id)).first()
    if row is None:
        raise NotFound("No SSHKey matches the given query.")
    return SshKey(**row._mapping)


def add(write: Write, user_id: int, key: str) -> SshKey:
    """Add a key; Conflict when the user has it already (whatever its comment)."""
    if any(one.key.split()[:2] == key.split()[:2] for one in of_user(write.sql, user_id)):
        raise Conflict("This SSH key is there already.")
    insert = sa.insert(ssh_key).values(user_id=user_id, key=key, source="").returning(ssh_key)
    return SshKey(**write.sql.execute(insert).one()._mapping)


def delete(write: Write, user_id: int, id: int) -> SshKey:
    """Forget a key; NotFound."""
    one = find(write.sql, user_id, id)
    write.sql.execute(sa.delete(ssh_key).where(k.id == id))
    return one
