"""The tables of users and what is theirs (API keys, SSH keys, files), tags and settings; one page with `tables`."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.tables import Bool, C, Float, Id, Str, Text, metadata

user_account = sa.Table(
    "user_account",
    metadata,
    C("id", Id, primary_key=True),
    C("username", Str(150), unique=True),
    C("email", Str(254)),
    C("password", Text),
    C("is_admin", Bool),
    C("created", Float),
    sqlite_autoincrement=True,
)
api_key = sa.Table(
    "api_key",
    metadata,
    C("id", Id, primary_key=True),
    C("user_id", Id, sa.ForeignKey("user_account.id", ondelete="CASCADE")),
    C("name", Str(200)),
    C("consumer", Str(40)),
    C("token", Str(40), unique=True),
    C("secret", sa.LargeBinary),
    C("created", Float),
    sqlite_autoincrement=True,
)
session = sa.Table(  # a browser that signed in
    "session",
    metadata,
    C("digest", Str(64), primary_key=True),  # SHA-256 of what the cookie holds
    C("user_id", Id, sa.ForeignKey("user_account.id", ondelete="CASCADE"), index=True),
    C("created", Float),
    C("seen", Float),
    C("address", Str(100)),
    C("agent", Str(200)),
)
sign_in = sa.Table(  # attempts that failed, by name and by address
    "sign_in",
    metadata,
    C("id", Id, primary_key=True),
    C("who", Str(200), index=True),
    C("at", Float),
    sqlite_autoincrement=True,
)
submission = sa.Table(  # forms that were sent
    "submission",
    metadata,
    C("mark", Str(32), primary_key=True),
    C("at", Float),
)
ssh_key = sa.Table(
    "ssh_key",
    metadata,
    C("id", Id, primary_key=True),
    C("user_id", Id, sa.ForeignKey("user_account.id", ondelete="CASCADE"), index=True),
    C("key", Text),
    C("source", Str(255)),  # "" typed; "lp:name", "gh:name"
    sqlite_autoincrement=True,
)
tag = sa.Table(
    "tag",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256), unique=True),
    C("comment", Text),
    C("definition", Text),
    C("kernel_opts", Text),
    sqlite_autoincrement=True,
)
stored_file = sa.Table(
    "stored_file",
    metadata,
    C("id", Id, primary_key=True),
    C("filename", Str(255)),
    C("owner_id", Id, sa.ForeignKey("user_account.id", ondelete="CASCADE")),
    C("key", Str(40), unique=True),  # who knows it reads the file without an account
    C("content", sa.LargeBinary),
    C("created", Float),
    sa.UniqueConstraint("owner_id", "filename"),
    sqlite_autoincrement=True,
)
# What is set while the server runs; what is set before it starts is in settings.py.
setting = sa.Table("setting", metadata, C("name", Str(100), primary_key=True), C("value", Text))
