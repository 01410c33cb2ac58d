"""Every table on one page. Times: epoch seconds of the database's clock. Columns named *_json hold JSON as text."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Big, Bool, Float, Int, Str, Text = sa.BigInteger, sa.Boolean, sa.Float, sa.Integer, sa.String, sa.Text
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts only INTEGER keys by itself


def _column(name: str, kind: Any, *more: sa.schema.SchemaItem, **how: Any) -> sa.Column[Any]:
    how.setdefault("nullable", False)
    return sa.Column(name, kind, *more, **how)


C = _column

installation = sa.Table(
    "installation", metadata, C("id", Int, primary_key=True), C("uuid", Str(36)), C("check", sa.LargeBinary)
)
secret = sa.Table("secret", metadata, C("path", Str(200), primary_key=True), C("value", sa.LargeBinary))

zone = sa.Table(
    "zone",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256), unique=True),
    C("description", Text),
    sqlite_autoincrement=True,
)
resource_pool = sa.Table(
    "resource_pool",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256), unique=True),
    C("description", Text),
    sqlite_autoincrement=True,
)
domain = sa.Table(
    "domain",
    metadata,
    C("id", Id, primary_key=True),
    C("name", Str(256), unique=True),
    C("authoritative", Bool),
    C("ttl", Int, nullable=True),
    C("is_default", Bool, server_default=sa.false()),  # of one only
    sqlite_autoincrement=True,
)

host = sa.Table(
    "host",
    metadata,
    C("id", Id, primary_key=True),
    C("kind", Str(20)),
    C("name", Str(255), unique=True),
    C("address", Str(300)),
    C("project", Str(100)),
    C("fingerprint", Str(64)),
    C("server_certificate", Text),
    C("certificate", Text),
    C("made_here", Bool),
    C("certificate_expires", Float),  # 0: not known  # the client certificate: public part, and whether we made it
    C("state", Str(30)),
    C("reason", Text),
    C("zone_id", Id, sa.ForeignKey("zone.id")),
    C("pool_id", Id, sa.ForeignKey("resource_pool.id")),
    C("tags_json", Text),
    C("cpu_ratio", Float),
    C("memory_ratio", Float),
    C("macvlan_mode", Str(20), nullable=True),
    C("default_pool", Str(200)),
    C("system_id", Str(20), nullable=True),
    C("revision", Int),
    C("live", Bool),
    C("watcher", Str(32), nullable=True),
    C("refreshed_at", Float, nullable=True),
    C("listed_at", Float),
    C("stale_json", Text),
    C("inventory_json", Text),
    C("version", Str(100)),
    C("architectures_json", Text),
    C("cores", Int, nullable=True),
    C("memory", Big, nullable=True),  # MiB
    C("huge_pages", Big),
    C("power_user", Str(200)),
    C("schedulable", Bool, server_default=sa.true()),
    C("closed_reason", Text, server_default=""),  # why no new machines are placed on it
    C("guest_address", Str(200), server_default=""),  # where its guests reach us; "" our end of the connection to it
    C("state_since", Float, server_default="0"),  # 0: not known
    C("created", Float),
    C("updated", Float),
    sqlite_autoincrement=True,
)
sa.Index(
    "uq_host_server_project",
    host.c.fingerprint,
    host.c.project,
    unique=True,
    sqlite_where=host.c.fingerprint != "",
    postgresql_where=host.c.fingerprint != "",
)
storage_pool = sa.Table(
    "storage_pool",
    metadata,
    C("host_id", Id, sa.ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    C("name", Str(200), primary_key=True),
    C("position", Int),
    C("driver", Str(50)),
    C("path", Text),
    C("total", Big, nullable=True),
    C("written", Big, nullable=True),
    C("foreign_bytes", Big),
    C("other_allocated", Big),
    C("ratio", Float),
    C("stale", Bool),
    C("present", Bool),
    C("volumes_json", Text),
)

machine = sa.Table(
    "machine",
    metadata,
    C("id", Id, primary_key=True),
    C("system_id", Str(20), unique=True),
    C("hostname", Str(255), unique=True),
    C("domain_id", Id, sa.ForeignKey("domain.id")),
    C("zone_id", Id, sa.ForeignKey("zone.id")),
    C("pool_id", Id, sa.ForeignKey("resource_pool.id")),
    C("origin", Str(20)),
    C("status", Int, index=True),
    C("status_message", Text),
    C("power_state", Str(10)),
    C("architecture", Str(50)),
    C("cores", Int),
    C("memory", Big),
    C("pinned", Text),
    C("huge_pages", Bool),
    C("cpu_speed", Int),
    C("host_id", Id, sa.ForeignKey("host.id"), nullable=True, index=True),
    C("project", Str(100)),
    C("instance", Str(200)),
    C("owner_id", Id, sa.ForeignKey("user_account.id"), nullable=True),
    C("owner_data_json", Text),
    C("tags_json", Text),
    C("description", Text),
    C("agent_name", Str(255)),
    C("locked", Bool),
    C("placement_json", Text),
    C("digest", Str(64)),
    C("created", Float),
    C("updated", Float),
    C("settled_at", Float),
    C("status_before", Int),
    C("composer_id", Id, nullable=True),  # the user who acts on it while nobody owns it; may be gone
    C("dynamic", Bool, server_default=sa.false()),  # made by an allocate: goes when released
    C("osystem", Str(100), server_default=""),
    C("distro_series", Str(100), server_default=""),
    C("anti_affinity", Str(100), server_default="", index=True),  # of a group, one a host
    C("used", Bool, server_default=sa.false()),  # it ran since its disks were made: they may hold something
    C("parent", Str(20), server_default=""),  # of a device: the machine it is in
    sqlite_autoincrement=True,
)
disk = sa.Table(
    "disk",
    metadata,
    C("id", Id, primary_key=True),
    C("system_id", Str(20), sa.ForeignKey("machine.system_id", ondelete="CASCADE"), index=True),
    C("position", Int),
    C("device", Str(100)),
    C("size", Big),
    C("pool", Str(200)),
    C("volume", Str(200)),
    C("tags_json", Text),
    C("why", Text),
    sqlite_autoincrement=True,
)
interface = sa.Table(
    "interface",
    metadata,
    C("id", Id, primary_key=True),
    C("system_id", Str(20), sa.ForeignKey("machine.system_id", ondelete="CASCADE"), index=True),
    C("position", Int),
    C("name", Str(100)),
    C("mac", Str(20), index=True),
    C("attach", Str(20)),
    C("parent", Str(100)),
    C("mode", Str(20)),
    C("vlan", Int),
    C("vlan_id", Id, sa.ForeignKey("vlan.id", ondelete="SET NULL"), nullable=True, index=True),
    C("tags_json", Text, server_default="[]"),
    sqlite_autoincrement=True,
)

# What everything on a host holds of it: one row an instance (ours, adopted, other projects', left behind).
claim = sa.Table(
    "claim",
    metadata,
    C("id", Id, primary_key=True),
    C("host_id", Id, sa.ForeignKey("host.id", ondelete="CASCADE")),
    C("project", Str(100)),
    C("instance", Str(200)),
    C("origin", Str(20)),  # composed, adopted, other, leftover
    C("system_id", Str(20), sa.ForeignKey("machine.system_id"), nullable=True, unique=True),
    C("mark", Str(20)),  # the system_id that the instance and its volumes are tagged with; "" none
    C("cores", Int),
    C("pinned", Text),
    C("memory", Big),
    C("huge_pages", Bool),
    C("power_state", Str(10)),
    C("location", Str(100)),
    C("present", Bool),
    sa.UniqueConstraint("host_id", "project", "instance"),
    sqlite_autoincrement=True,
)
claim_storage = sa.Table(
    "claim_storage",
    metadata,
    C("claim_id", Id, sa.ForeignKey("claim.id", ondelete="CASCADE"), primary_key=True),
    C("position", Int, primary_key=True),
    C("pool", Str(200)),
    C("volume", Str(200)),
    C("size", Big),
)

# The ledger: the row is the queue entry, the lease, the program counter and what the user sees.
operation = sa.Table(
    "operation",
    metadata,
    C("id", Str(32), primary_key=True),
    C("kind", Str(40)),
    C("host_id", Id, nullable=True, index=True),
    C("system_id", Str(20), index=True),
    C("state", Str(10)),
    C("step", Str(60)),
    C("error_json", Text),
    C("trouble", Text),  # trouble: why it waits just now
    C("arguments_json", Text),
    C("cancelled", Bool),
    C("owner", Str(32), nullable=True),
    C("crashes", Int),
    C("attempts", Int),
    C("retry_at", Float),
    C("answered", Bool),
    C("actor", Str(150)),
    C("request", Str(64)),
    C("created", Float),
    C("started", Float, nullable=True),
    C("ended", Float, nullable=True),
)
_open = operation.c.state.in_(("running", "undoing"))
sa.Index("ix_operation_open", operation.c.state, operation.c.owner, sqlite_where=_open, postgresql_where=_open)
sa.Index("ix_operation_created", operation.c.created)
process = sa.Table("process", metadata, C("id", Str(32), primary_key=True), C("beat", Float), C("address", Str(200)))

stamp = sa.Table(  # see `stamps`
    "stamp", metadata, C("of", Big, primary_key=True, autoincrement=False), C("number", Big)
)

event = sa.Table(
    "event",
    metadata,
    C("id", Id, primary_key=True),
    C("at", Float),
    C("kind", Str(20)),
    C("what", Str(60)),
    C("text", Text),
    C("host_id", Id, nullable=True, index=True),
    C("system_id", Str(20), index=True),
    C("operation", Str(32), index=True),
    C("state", Str(10)),
    C("step", Str(60)),
    C("actor", Str(150)),
    C("address", Str(100)),
    C("request", Str(64)),
    sqlite_autoincrement=True,
)
sa.Index("ix_event_at", event.c.at)
