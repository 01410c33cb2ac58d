"""What can be said about a VM host, as tables: what each parameter means, its aliases, and what must fit."""

from __future__ import annotations

import re

import sqlalchemy as sa

from innkeeper.api.maas.lookups import pool_id, zone_id
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.values import Values
from innkeeper.errors import Invalid
from innkeeper.model.capacity import RATIO_MAX
from innkeeper.model.deployment import check_guest_address
from innkeeper.model.names import check_tags
from innkeeper.operations.update_host import Changes

MODES = ("bridge", "passthru", "private", "vepa")

_COMMON = (
    Param("zone", "text", "The zone, by name or id."),
    Param("pool", "text", "The resource pool, by name or id (0 is valid)."),
    Param("tags", "csv", "Tags; on update they replace the ones there are.", example="ssd,rack-7"),
    Param("cpu_over_commit_ratio", "number", "How often a core may be promised.", minimum=0, maximum=RATIO_MAX),
    Param("memory_over_commit_ratio", "number", "How often memory may be promised.", minimum=0, maximum=RATIO_MAX),
    Param("default_macvlan_mode", "text", "How macvlan NICs attach.", choices=("", *MODES)),
    Param("default_storage_pool", "text", "The storage pool that disks go to by default. Default: the first."),
    Param("password", "text", "A trust token of the server (or, on old LXD, its trust password)."),
    Param("power_pass", "text", "The same as password.", alias_of="password"),
    Param("power_user", "text", "LXD knows no user name.", must_equal=()),
    Param("certificate", "text", "A client certificate of your own (PEM); its key comes with it."),
    Param("key", "text", "The key of that certificate (PEM, without passphrase)."),
    Param(
        "certificate_fingerprint",
        "text",
        "The fingerprint (SHA-256) that the server's certificate must have; on update it re-pins a changed one.",
    ),
)
CREATE = (
    Param("type", "text", "The kind of host.", required=True, example="lxd"),
    Param("power_address", "text", "Name or address, with or without https:// and port (8443).", required=True),
    Param("project", "text", "The project that is managed; made if it is missing. Default: default.", longest=100),
    Param("name", "text", "The host's name, unique. Default: two random words."),
    *_COMMON,
)
UPDATE = (
    Param("type", "text", "It cannot be changed: must be the host's own."),
    Param("power_address", "text", "A new address of the same server."),
    Param("project", "text", "It cannot be changed: must be the host's own."),
    Param("name", "text", "A new name."),
    *_COMMON,
    Param(
        "storage_over_commit_ratios",
        "csv",
        "Overcommit ratios of storage pools, 0 to 10 each.",
        example="fast:1.5,slow:1",
    ),
    Param("schedulable", "boolean", "Whether new machines are placed on it; those that are there stay."),
    Param("closed_reason", "text", "Why no new machines are placed on it.", longest=1000),
    Param(
        "guest_address",
        "text",
        "Where its guests reach this server: ADDRESS, ADDRESS:PORT or a URL. Default: our end of the connection to it.",
        longest=200,
        example="192.0.2.1:5240",
    ),
    Param("regenerate_certificate", "boolean", "Make a new key and certificate and have the server trust it instead."),
)
DELETE = (
    Param("decompose", "boolean", "Destroy its composed machines too (never adopted or locked ones)."),
    Param("force", "boolean", "End what runs on it and do not wait for it: for a host that is gone for good."),
)


def ratio(values: Values, name: str) -> float:
    """A ratio, 1 when it was not sent."""
    number = values.number(name)
    return 1.0 if number is None else float(number)


def fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as lower-case hex without colons; "" for none; Invalid otherwise."""
    plain = text.strip().lower().replace(":", "")
    if plain and not re.fullmatch(r"[0-9a-f]{64}", plain):
        message = "it is not a SHA-256 fingerprint: 64 hexadecimal digits"
        raise Invalid(f"Invalid certificate_fingerprint: {message}.", fields={"certificate_fingerprint": [message]})
    return plain


def changes(sql: sa.Connection, values: Values) -> Changes:
    """What a PUT wants changed, typed; Invalid naming what cannot be read."""
    cpu, memory = values.number("cpu_over_commit_ratio"), values.number("memory_over_commit_ratio")
    return Changes(
        kind=values.text("type") or None,
        address=values.text("power_address") or None,
        project=values.text("project") or None,
        name=values.text("name") or None,
        zone_id=zone_id(sql, values.text("zone")) if values.text("zone") else None,
        pool_id=pool_id(sql, values.text("pool")) if values.text("pool") else None,
        tags=check_tags(values.texts("tags")) if "tags" in values.sent else None,
        cpu_ratio=float(cpu) if cpu is not None else None,
        memory_ratio=float(memory) if memory is not None else None,
        macvlan_mode=values.text("default_macvlan_mode") if "default_macvlan_mode" in values.sent else None,
        default_pool=values.text("default_storage_pool") or None,
        storage_ratios=tuple(_storage_ratio(piece) for piece in values.texts("storage_over_commit_ratios")),
        secret=values.text("password") or None,
        certificate=values.text("certificate") or None,
        key=values.text("key") or None,
        fingerprint=fingerprint(values.text("certificate_fingerprint")),
        regenerate=values.boolean("regenerate_certificate", False),
        schedulable=values.boolean("schedulable"),
        closed_reason=values.text("closed_reason").strip() if "closed_reason" in values.sent else None,
        guest_address=check_guest_address(values.text("guest_address")) if "guest_address" in values.sent else None,
    )


def _storage_ratio(piece: str) -> tuple[str, float]:
    name, colon, number = piece.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", number) or not 0 <= float(number) <= RATIO_MAX:
        message = f"cannot read {piece!r}; it is POOL:RATIO with a ratio from 0 to {RATIO_MAX:g}"
        field = "storage_over_commit_ratios"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
    return name, float(number)
