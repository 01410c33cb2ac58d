"""Users and their API keys. Passwords are hashed (argon2), key secrets encrypted: they are shown to their owners."""

from __future__ import annotations

import re
import secrets as random
import string
from dataclasses import dataclass

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.store import belongings
from innkeeper.store.account_tables import api_key
from innkeeper.store.account_tables import user_account as user
from innkeeper.store.database import NOW, Write
from innkeeper.store.secrets import Cipher

_NAME = re.compile(r"(?!\.\.?$)[\w.@+-]{1,150}")
_EMAIL = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,254}")
_LETTERS = string.ascii_letters + string.digits
HASHER = PasswordHasher()


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    username: str
    email: str = ""
    is_admin: bool = False


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """An API key. `text` is what a person passes on: consumer:token:secret."""

    name: str
    consumer: str
    token: str
    secret: str

    @property
    def text(self) -> str:
        return f"{self.consumer}:{self.token}:{self.secret}"

    def __repr__(self) -> str:
        return f"ApiKey({self.consumer}:{self.token}:…)"


_columns = (user.c.id, user.c.username, user.c.email, user.c.is_admin)
_BY_KEY = (
    sa.select(*_columns, api_key.c.secret)
    .join(user, user.c.id == api_key.c.user_id)
    .where(api_key.c.consumer == sa.bindparam("consumer"), api_key.c.token == sa.bindparam("token"))
)


def listing(sql: sa.Connection) -> list[User]:
    """All users, by name."""
    return [User(**row._mapping) for row in sql.execute(sa.select(*_columns).order_by(user.c.username))]


def find(sql: sa.Connection, *, username: str | None = None, id: int | None = None) -> User:
    """One user by name or id; NotFound."""
    query = sa.select(*_columns).where(user.c.id == id if id is not None else user.c.username == username)
    row = sql.execute(query).first()
    if row is None:
        raise NotFound(f"There is no user {username if id is None else id!r}.")
    return User(**row._mapping)


def create(write: Write, *, username: str, password: str, email: str = "", is_admin: bool = False) -> User:
    """Make a user; Conflict when the name is taken, Invalid when name, e-mail or password cannot be."""
    if not _NAME.fullmatch(username):
        message = "letters, digits and @ . + - _ make a name, 1 to 150 of them, and more than one point or two"
        raise Invalid(f"Invalid username: {message}.", fields={"username": [message]})
    _check_email(email)
    if not password:
        raise Invalid("A user needs a password.", fields={"password": ["it is empty"]})
    if write.sql.scalar(sa.select(user.c.id).where(user.c.username == username)) is not None:
        raise Conflict(f"There is a user {username!r} already.")
    values = {"username": username, "email": email, "password": HASHER.hash(password), "is_admin": is_admin}
    id = write.sql.scalar(sa.insert(user).values(created=NOW, **values).returning(user.c.id))
    return find(write.sql, id=id)


def update(write: Write, *, id: int, email: str, is_admin: bool) -> User:
    """Change a user; Conflict when no administrator would be left, Invalid when the e-mail cannot be."""
    _check_email(email)
    old = find(write.sql, id=id)
    others = sa.select(sa.func.count()).where(user.c.is_admin, user.c.id != id)
    if old.is_admin and not is_admin and not write.sql.scalar(others):
        raise Conflict(f"{old.username} is the only administrator.", resolution="Make somebody else one first.")
    write.sql.execute(sa.update(user).where(user.c.id == id).values(email=email, is_admin=is_admin))
    return find(write.sql, id=id)


def set_password(write: Write, *, id: int, password: str) -> None:
    """Give a user another password; Invalid when it is empty."""
    if not password:
        raise Invalid("A user needs a password.", fields={"password": ["it is empty"]})
    write.sql.execute(sa.update(user).where(user.c.id == id).values(password=HASHER.hash(password)))


def delete(write: Write, *, username: str, heir: str = "") -> None:
    """Delete a user with their API and SSH keys; NotFound. What they own goes to `heir`; Conflict when there is none
    and they own something, or when both have a file of one name."""
    one = find(write.sql, username=username)
    if heir:
        belongings.give(write, before=one.id, after=find(write.sql, username=heir).id)
    elif owned := belongings.owned(write.sql, one.id):
        raise Conflict(
            f"{username} owns {owned}.", resolution="Say who gets it (transfer_resources_to), or release it first."
        )
    write.sql.execute(sa.delete(user).where(user.c.id == one.id))


def check_password(sql: sa.Connection, *, username: str, password: str) -> User | None:
    """The user when the password is theirs. Slow on purpose (about 0.1 s)."""
    stored = sql.scalar(sa.select(user.c.password).where(user.c.username == username))
    try:
        HASHER.verify(stored or "", password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    return find(sql, username=username)


def add_key(write: Write, cipher: Cipher, *, username: str, name: str = "") -> ApiKey:
    """Make an API key for a user."""
    one = find(write.sql, username=username)
    consumer, token, secret = (_random(18), _random(18), _random(32))
    blob = cipher.encrypt(secret, path=f"api-key/{token}")
    write.sql.execute(
        sa.insert(api_key).values(user_id=one.id, name=name, consumer=consumer, token=token, secret=blob, created=NOW)
    )
    return ApiKey(name=name, consumer=consumer, token=token, secret=secret)


def keys(sql: sa.Connection, cipher: Cipher, *, username: str) -> list[ApiKey]:
    """A user's API keys, oldest first."""
    one = find(sql, username=username)
    rows = sql.execute(sa.select(api_key).where(api_key.c.user_id == one.id).order_by(api_key.c.id))
    return [
        ApiKey(
            name=row.name,
            consumer=row.consumer,
            token=row.token,
            secret=cipher.decrypt(row.secret, path=f"api-key/{row.token}"),
        )
        for row in rows
    ]


def delete_key(write: Write, *, username: str, token: str) -> None:
    """Delete an API key of a user, by its token (the middle part); NotFound."""
    one = find(write.sql, username=username)
    mine = sa.delete(api_key).where(api_key.c.user_id == one.id, api_key.c.token == token)
    if not write.sql.execute(mine).rowcount:
        raise NotFound(f"{username} has no such API key.")


def rename_key(write: Write, *, username: str, token: str, name: str) -> None:
    """Name an API key of a user; NotFound."""
    one = find(write.sql, username=username)
    mine = sa.update(api_key).where(api_key.c.user_id == one.id, api_key.c.token == token)
    if not write.sql.execute(mine.values(name=name)).rowcount:
        raise NotFound(f"{username} has no such API key.")


def by_key(sql: sa.Connection, cipher: Cipher, *, consumer: str, token: str) -> tuple[User, str] | None:
    """Who a key belongs to and its secret, to be compared by the caller; None when there is no such key."""
    row = sql.execute(_BY_KEY, {"consumer": consumer, "token": token}).first()
    if row is None:
        return None
    one = User(id=row.id, username=row.username, email=row.email, is_admin=row.is_admin)
    return one, cipher.decrypt(row.secret, path=f"api-key/{token}")


def _check_email(email: str) -> None:
    if not _EMAIL.fullmatch(email):
        message = "it has at most 254 characters, and no control characters"
        raise Invalid(f"Invalid email: {message}.", fields={"email": [message]})


def _random(length: int) -> str:
    return "".join(random.choice(_LETTERS) for _ in range(length))
