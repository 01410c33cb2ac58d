"""The tables of what is done with many machines at once; one page with `tables`."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.tables import C, Float, Id, Int, Str, Text, metadata

batch = sa.Table(
    "batch",
    metadata,
    C("id", Str(32), primary_key=True),
    C("action", Str(40)),
    C("title", Str(300)),  # what is done, in words
    C("user_id", Id, sa.ForeignKey("user_account.id", ondelete="CASCADE"), index=True),
    C("owner", Str(32)),  # the process that does it
    C("created", Float),
    C("ended", Float, nullable=True),
)
batch_item = sa.Table(  # one machine of a batch; it may be gone, for that may be what is done
    "batch_item",
    metadata,
    C("batch_id", Str(32), sa.ForeignKey("batch.id", ondelete="CASCADE"), primary_key=True),
    C("position", Int, primary_key=True),
    C("system_id", Str(20)),
    C("hostname", Str(255)),
    C("host_id", Id, nullable=True),
    C("state", Str(10)),  # waiting, running, done, going, failed
    C("text", Text),  # why not
    C("operation", Str(32)),  # what goes on by itself
    C("at", Float, nullable=True),
)
