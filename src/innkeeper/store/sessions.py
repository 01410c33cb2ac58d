"""Sessions of browsers: who signed in, and how often somebody failed to."""

from __future__ import annotations

import hashlib
import secrets as random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.store.account_tables import session, sign_in, user_account
from innkeeper.store.database import NOW, Write, now
from innkeeper.store.users import User

LASTS = 14 * 86400.0  # seconds without a visit, after which a session is over
WINDOW = 900.0  # seconds in which failed attempts are counted
MOST = 10  # failed attempts within that, of one name from one address
_SEEN_EVERY = 3600.0  # how often it is noted that a session lives, seconds

_FIND = (
    sa.select(user_account.c.id, user_account.c.username, user_account.c.email, user_account.c.is_admin, session.c.seen)
    .join(session, session.c.user_id == user_account.c.id)
    .where(session.c.digest == sa.bindparam("digest"))
)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def create(write: Write, *, user_id: int, address: str, agent: str) -> str:
    """A new session; what the cookie holds. Ones that are over go."""
    token = random.token_urlsafe(32)
    write.sql.execute(sa.delete(session).where(session.c.seen < write.now() - LASTS))
    values = {"user_id": user_id, "created": NOW, "seen": NOW, "address": address[:100], "agent": agent[:200]}
    write.sql.execute(sa.insert(session).values(digest=_digest(token), **values))
    return token


def user(sql: sa.Connection, token: str) -> tuple[User, bool] | None:
    """Whose session that is, and whether `touch` is due; None when there is none, or it is over."""
    row = sql.execute(_FIND, {"digest": _digest(token)}).first()
    if row is None:
        return None
    age = now(sql) - row.seen
    if age > LASTS:
        return None
    one = User(id=row.id, username=row.username, email=row.email, is_admin=row.is_admin)
    return one, age > _SEEN_EVERY


def touch(write: Write, token: str) -> None:
    """Note that a session lives."""
    write.sql.execute(sa.update(session).where(session.c.digest == _digest(token)).values(seen=NOW))


def delete(write: Write, token: str) -> None:
    """Sign out."""
    write.sql.execute(sa.delete(session).where(session.c.digest == _digest(token)))


def delete_of(write: Write, *, user_id: int, but: str = "") -> None:
    """Sign a user out everywhere but in one session: their password has changed."""
    write.sql.execute(sa.delete(session).where(session.c.user_id == user_id, session.c.digest != _digest(but)))


@dataclass(frozen=True, kw_only=True)
class Session:
    """A browser that signed in. `digest` names it; nobody gets in by it."""

    digest: str
    created: float
    seen: float
    address: str
    agent: str
    here: bool


def of_user(sql: sa.Connection, *, user_id: int, token: str) -> list[Session]:
    """The sessions of a user that are not over, last seen first. `here`: the one of that cookie."""
    mine = _digest(token)
    query = sa.select(session).where(session.c.user_id == user_id, session.c.seen >= now(sql) - LASTS)
    return [
        Session(
            digest=row.digest,
            created=row.created,
            seen=row.seen,
            address=row.address,
            agent=row.agent,
            here=row.digest == mine,
        )
        for row in sql.execute(query.order_by(session.c.seen.desc(), session.c.digest))
    ]


def end(write: Write, *, user_id: int, digest: str) -> None:
    """Sign one browser of a user out; NotFound."""
    one = sa.delete(session).where(session.c.user_id == user_id, session.c.digest == digest)
    if not write.sql.execute(one).rowcount:
        raise NotFound("This browser is signed out already.")


def failed(write: Write, who: Collection[str]) -> None:
    """Note a failed attempt of a name and of an address."""
    write.sql.execute(sa.delete(sign_in).where(sign_in.c.at < write.now() - WINDOW))
    write.sql.execute(sa.insert(sign_in).values(at=NOW), [{"who": one[:200]} for one in who])


def attempts(username: str, address: str) -> dict[str, int]:
    """Who signs in, and how often each may fail. A stranger elsewhere does not lock a user out; many of them, or
    one who tries many names, are stopped too."""
    return {
        f"name {username} from {address}": MOST,
        f"address {address}": 5 * MOST,
        f"name {username}": 20 * MOST,
    }


def throttled(sql: sa.Connection, who: Mapping[str, int]) -> bool:
    """Whether somebody failed too often of late; `who`: with how often they may."""
    most = {one[:200]: count for one, count in who.items()}
    recent = (sign_in.c.at > now(sql) - WINDOW, sign_in.c.who.in_(most))
    query = sa.select(sign_in.c.who, sa.func.count()).where(*recent).group_by(sign_in.c.who)
    return any(count >= most[one] for one, count in sql.execute(query))
