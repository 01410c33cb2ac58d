"""The first run: while there is no user, who has the code that the server's terminal shows makes the administrator."""

from __future__ import annotations

import hmac
import secrets as random

import sqlalchemy as sa

from innkeeper.errors import Conflict, Forbidden
from innkeeper.store import secrets, users
from innkeeper.store.account_tables import user_account
from innkeeper.store.database import Write
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import secret
from innkeeper.store.users import User

_PATH = "first-run/code"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_STORED = sa.select(secret.c.value).where(secret.c.path == _PATH)
_LOCK = _STORED.with_for_update()


def offer(write: Write, cipher: Cipher) -> str:
    """The code, the same for every process and every start until it is used; "" when there are users."""
    if _has_users(write.sql):
        return ""
    code = secrets.get(write.sql, cipher, path=_PATH)
    if not code:
        code = "-".join("".join(random.choice(_LETTERS) for _ in range(4)) for _ in range(4))
        secrets.put(write, cipher, path=_PATH, text=code)
    return code


def offered(sql: sa.Connection) -> bool:
    """Whether the administrator can be made with a code."""
    return not _has_users(sql) and sql.execute(_STORED).first() is not None


def make_administrator(
    write: Write, cipher: Cipher, *, code: str, username: str, password: str, email: str = ""
) -> User:
    """Make the first user, once: the code is gone then. Forbidden: a wrong code; Conflict: somebody was first."""
    blob = write.sql.scalar(_LOCK)  # of two at once the second waits here, and finds it gone
    if blob is None or _has_users(write.sql):
        raise Conflict("There is an administrator already.", resolution="Sign in, or ask them for an account.")
    right = cipher.decrypt(blob, path=_PATH)
    if not hmac.compare_digest(_plain(right).encode(), _plain(code).encode()):
        raise Forbidden("This is not the code that the server's terminal shows.")
    one = users.create(write, username=username, password=password, email=email, is_admin=True)
    secrets.forget(write, path=_PATH)
    return one


def withdraw(write: Write) -> None:
    """No code helps any more: there is a user."""
    secrets.forget(write, path=_PATH)


def _plain(code: str) -> str:
    return "".join(letter for letter in code.lower() if letter.isalnum())


def _has_users(sql: sa.Connection) -> bool:
    return sql.execute(sa.select(user_account.c.id).limit(1)).first() is not None
