"""Users and their API keys as lists show them: counts and times, no secret."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.store.account_tables import api_key, session, ssh_key, user_account
from innkeeper.store.tables import machine
from innkeeper.store.users import User

u = user_account.c


@dataclass(frozen=True, kw_only=True)
class UserRow:
    """A user with what is theirs. `seen`: when a browser of theirs was last here; None: never, or long ago."""

    user: User
    created: float
    machines: int
    keys: int
    ssh_keys: int
    seen: float | None


@dataclass(frozen=True, kw_only=True)
class KeyRow:
    """An API key without its secret."""

    name: str
    consumer: str
    token: str
    created: float


def listing(sql: sa.Connection) -> list[UserRow]:
    """All users, by name. One query."""
    count = sa.func.count()
    query = sa.select(
        *(u.id, u.username, u.email, u.is_admin, u.created),
        sa.select(count).where(machine.c.owner_id == u.id).scalar_subquery().label("machines"),
        sa.select(count).where(api_key.c.user_id == u.id).scalar_subquery().label("api_keys"),
        sa.select(count).where(ssh_key.c.user_id == u.id).scalar_subquery().label("ssh_keys"),
        sa.select(sa.func.max(session.c.seen)).where(session.c.user_id == u.id).scalar_subquery().label("seen"),
    )
    return [
        UserRow(
            user=User(id=row.id, username=row.username, email=row.email, is_admin=row.is_admin),
            created=row.created,
            machines=row.machines,
            keys=row.api_keys,
            ssh_keys=row.ssh_keys,
            seen=row.seen,
        )
        for row in sql.execute(query.order_by(u.username))
    ]


def keys(sql: sa.Connection, user_id: int) -> list[KeyRow]:
    """The API keys of a user, oldest first."""
    columns = (api_key.c.name, api_key.c.consumer, api_key.c.token, api_key.c.created)
    query = sa.select(*columns).where(api_key.c.user_id == user_id).order_by(api_key.c.id)
    return [KeyRow(**row._mapping) for row in sql.execute(query)]
