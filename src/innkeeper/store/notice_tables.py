"""The table of what is to be noticed; one page with `tables`."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.tables import Bool, C, Float, Id, Str, Text, host, metadata

notice = sa.Table(
    "notice",
    metadata,
    C("subject", Str(300), primary_key=True),
    C("kind", Str(20)),
    C("stage", Str(20)),  # another stage of the same is told anew
    C("urgent", Bool),
    C("host_id", Id, sa.ForeignKey(host.c.id, ondelete="CASCADE"), index=True),
    C("system_id", Str(20)),
    C("pool", Str(200)),
    C("text", Text),
    C("since", Float),
)
