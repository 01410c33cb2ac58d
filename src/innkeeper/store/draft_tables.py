"""The table of VM hosts that are about to be added; one page with `tables`."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.tables import Bool, C, Float, Id, Str, Text, metadata

host_draft = sa.Table(  # zone, pool: names, looked up when the host is added
    "host_draft",
    metadata,
    C("id", Id, primary_key=True),
    C("kind", Str(20)),
    C("name", Str(255)),
    C("address", Str(300)),
    C("zone", Str(256)),
    C("pool", Str(256)),
    C("tags_json", Text),
    C("way", Str(20)),  # how we get to be trusted; "" not said yet
    C("certificate", Text),  # of ours, PEM; its key is a secret
    C("made_here", Bool),
    C("server_certificate", Text),  # what a person confirmed; "" not yet
    C("fingerprint", Str(64)),
    C("trusted", Bool),
    C("trouble", Text),  # why a token or password did not help
    C("project", Str(100)),
    C("host_id", Id, nullable=True),  # what it became, while that is being added
    C("actor", Str(150)),
    C("created", Float),
    C("updated", Float),
    sqlite_autoincrement=True,
)
