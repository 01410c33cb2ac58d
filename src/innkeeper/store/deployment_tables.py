"""The tables of images and deployments; part of the same page as `tables`."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.store.tables import Big, Bool, C, Float, Id, Str, Text, metadata

image = sa.Table(
    "image",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(200)),  # "ubuntu/noble", "custom/tiny"
    C("architecture", Str(50)),  # "amd64/generic"
    C("title", Text),
    C("kind", Str(20)),  # uploaded, synced (simplestreams), alias (of an image that hosts have)
    C("source", Text),  # of a synced one its tree, of an alias its name on the host
    C("version", Str(100)),  # the set of files that is current
    C("complete", Bool),
    C("fingerprint", Str(64)),  # under which hosts know the current set of files; "" of an alias
    C("created", Float),
    C("updated", Float),
    sa.UniqueConstraint("name", "architecture"),
    sqlite_autoincrement=True,
)
image_file = sa.Table(
    "image_file",
    metadata,
    C("id", Id, primary_key=True),
    C("image_id", Id, sa.ForeignKey("image.id", ondelete="CASCADE"), index=True),
    C("version", Str(100)),  # the set it belongs to
    C("filetype", Str(50)),  # a model.image.Part; until all has arrived and was looked at, what was announced
    C("sha256", Str(64)),
    C("size", Big),
    C("received", Big),
    sqlite_autoincrement=True,
)
# What hosts have, or are being given by an operation (`pusher`), under which fingerprint.
host_image = sa.Table(
    "host_image",
    metadata,
    C("host_id", Id, sa.ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    C("image_id", Id, sa.ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    C("fingerprint", Str(64)),
    C("pushed", Bool),
    C("pusher", Str(32)),
    C("used_at", Float),
)
boot_source = sa.Table(
    "boot_source",
    metadata,
    C("id", Id, primary_key=True),
    C("url", Str(500), unique=True),
    C("created", Float),
    C("updated", Float),
    sqlite_autoincrement=True,
)
boot_selection = sa.Table(
    "boot_selection",
    metadata,
    C("id", Id, primary_key=True),
    C("source_id", Id, sa.ForeignKey("boot_source.id", ondelete="CASCADE"), index=True),
    C("os", Str(100)),
    C("release", Str(100)),
    C("arches_json", Text),
    sa.UniqueConstraint("source_id", "os", "release"),
    sqlite_autoincrement=True,
)

# A machine's deployment, from the order until its release. Its user data is a secret: store.secrets.
deployment = sa.Table(
    "deployment",
    metadata,
    C("system_id", Str(20), sa.ForeignKey("machine.system_id", ondelete="CASCADE"), primary_key=True),
    C("image_id", Id, sa.ForeignKey("image.id", ondelete="SET NULL"), nullable=True),
    C("token_hash", Str(64), index=True),  # of the single-use phone-home token; "" used
    C("signs_json", Text),  # what is taken as "it is up": phone home, lease, agent
    C("base_url", Text),  # where its guest calls; "" nowhere
    C("started", Float),
    C("deadline", Float),
    C("phoned", Float, nullable=True),
    C("console", Text),  # the last lines of a failed one
)
# The verdict of every host when a machine was placed.
placement = sa.Table(
    "placement",
    metadata,
    C("system_id", Str(20), sa.ForeignKey("machine.system_id", ondelete="CASCADE"), primary_key=True),
    C("verdicts_json", Text),
)
