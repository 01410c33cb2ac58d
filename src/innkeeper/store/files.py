"""Files that users keep here (Juju keeps its state so). Everybody has their own; the content is encrypted."""

from __future__ import annotations

import base64
import secrets as random
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import Invalid, NotFound
from innkeeper.store.account_tables import stored_file as file
from innkeeper.store.database import NOW, Write
from innkeeper.store.secrets import Cipher

LONGEST = 255
_FACTS = (file.c.filename, file.c.key)


@dataclass(frozen=True, kw_only=True)
class File:
    """A file without its content. `key`: who knows it reads the file without an account."""

    filename: str
    key: str

    def __repr__(self) -> str:
        return f"File({self.filename!r})"


def listing(sql: sa.Connection, *, owner_id: int, prefix: str = "") -> list[File]:
    """A user's files whose names begin so, by name."""
    query = sa.select(*_FACTS).where(file.c.owner_id == owner_id).order_by(file.c.filename)
    found = [File(**row._mapping) for row in sql.execute(query)]
    return [one for one in found if one.filename.startswith(prefix)]


def find(sql: sa.Connection, cipher: Cipher, *, owner_id: int, filename: str) -> tuple[File, bytes]:
    """A user's file and its content; NotFound."""
    return _one(sql, cipher, sa.and_(file.c.owner_id == owner_id, file.c.filename == filename))


def by_key(sql: sa.Connection, cipher: Cipher, *, key: str) -> tuple[File, bytes]:
    """The file of that key and its content; NotFound."""
    return _one(sql, cipher, file.c.key == key)


def put(write: Write, cipher: Cipher, *, owner_id: int, filename: str, content: bytes) -> None:
    """Keep a file, in place of one of that name, whose key it keeps. Invalid for an impossible name."""
    if not filename or len(filename) > LONGEST or filename.startswith("/") or filename.endswith("/"):
        message = f"1 to {LONGEST} characters, no slash at either end"
        raise Invalid(f"Invalid filename: {message}.", fields={"filename": [message]})
    mine = sa.and_(file.c.owner_id == owner_id, file.c.filename == filename)
    key = write.sql.scalar(sa.select(file.c.key).where(mine).with_for_update()) or random.token_hex(20)
    sealed = cipher.encrypt(base64.b64encode(content).decode(), path=f"file/{key}")
    write.sql.execute(sa.delete(file).where(mine))
    values = {"owner_id": owner_id, "filename": filename, "key": key, "content": sealed}
    write.sql.execute(sa.insert(file).values(created=NOW, **values))


def delete(write: Write, *, owner_id: int, filename: str) -> None:
    """Delete a user's file; NotFound."""
    mine = sa.delete(file).where(file.c.owner_id == owner_id, file.c.filename == filename)
    if not write.sql.execute(mine).rowcount:
        raise NotFound(f"There is no file {filename!r}.")


def _one(sql: sa.Connection, cipher: Cipher, which: sa.ColumnElement[bool]) -> tuple[File, bytes]:
    row = sql.execute(sa.select(*_FACTS, file.c.content).where(which)).first()
    if row is None:
        raise NotFound("There is no such file.")
    text = cipher.decrypt(row.content, path=f"file/{row.key}")
    return File(filename=row.filename, key=row.key), base64.b64decode(text)
