"""Change a VM host: only what is sent, and what is sent unchanged changes nothing.

Plain settings are written at once. A new address, new credentials or a new pin need the host itself: that is the
operation of `reconnect_host`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from innkeeper.errors import Conflict, Invalid
from innkeeper.hypervisors import introduction
from innkeeper.model.host import Host, HostState
from innkeeper.model.names import check_hostname
from innkeeper.operations import reconnect_host
from innkeeper.operations.context import Services
from innkeeper.operations.reconnect_host import Reconnect
from innkeeper.store import hosts, secrets, storage_pools
from innkeeper.store.database import Write


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is wanted of a host; None: not sent. `secret`: a trust token or password."""

    kind: str | None = None
    address: str | None = None
    project: str | None = None
    name: str | None = None
    zone_id: int | None = None
    pool_id: int | None = None
    tags: tuple[str, ...] | None = None
    cpu_ratio: float | None = None
    memory_ratio: float | None = None
    macvlan_mode: str | None = None  # "" : none
    default_pool: str | None = None
    storage_ratios: tuple[tuple[str, float], ...] = ()
    secret: str | None = None
    certificate: str | None = None
    key: str | None = None
    fingerprint: str = ""
    regenerate: bool = False
    schedulable: bool | None = None  # False: no new machines are placed on it
    closed_reason: str | None = None
    guest_address: str | None = None  # where its guests reach this server; "" : our end of the connection to it


_SENT_AS = {  # what a column is called by those who change it
    "tags_json": "tags",
    "zone_id": "zone",
    "pool_id": "pool",
    "cpu_ratio": "cpu_over_commit_ratio",
    "memory_ratio": "memory_over_commit_ratio",
    "macvlan_mode": "default_macvlan_mode",
    "default_pool": "default_storage_pool",
}


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What came of it: the names of what changed, and the operation that does the rest ("" : none is needed)."""

    changed: tuple[str, ...] = ()
    operation: str = ""


def apply(write: Write, services: Services, host_id: int, wanted: Changes, *, actor: str, request: str = "") -> Applied:
    """Write what changes, in the caller's transaction, and order what needs the host."""
    host = hosts.lock(write, host_id)
    _must_be_same(host, wanted)
    plain = _plain(write, host, wanted)
    ratios = _storage_ratios(write, host, wanted)
    if plain:
        hosts.update(write, host.id, **plain)
    fresh, redeem = _new_secret(write, services, host, wanted.secret)
    reconnect = _reconnect(write, services, host, wanted, redeem=redeem)
    operation = ""
    if reconnect is not None:
        operation = reconnect_host.submit(write, host, reconnect, actor=actor, request=request)
    named = (_SENT_AS.get(column, column) for column in plain)
    changed = (*named, *ratios, *(("password",) if fresh else ()), *(("connection",) if operation else ()))
    return Applied(changed=changed, operation=operation)


def _must_be_same(host: Host, wanted: Changes) -> None:
    for field, sent, stored in (("type", wanted.kind, host.kind), ("project", wanted.project, host.project)):
        if sent is not None and sent != stored:
            message = f"it is {stored!r} and cannot become {sent!r}; add the host again instead"
            raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})


def _plain(write: Write, host: Host, wanted: Changes) -> dict[str, Any]:
    """The columns whose values change."""
    found: dict[str, Any] = {}
    if wanted.name is not None and wanted.name != host.name:
        name = check_hostname(wanted.name, field="name")
        if hosts.named(write.sql, name):
            raise Conflict(f"There is a VM host named {name!r} already.")
        found["name"] = name
    if wanted.tags is not None and wanted.tags != host.tags:
        found["tags_json"] = msgspec.json.encode(wanted.tags).decode()
    if wanted.macvlan_mode is not None and (wanted.macvlan_mode or None) != host.default_macvlan_mode:
        found["macvlan_mode"] = wanted.macvlan_mode or None
    for column, sent, stored in (
        ("zone_id", wanted.zone_id, host.zone_id),
        ("pool_id", wanted.pool_id, host.pool_id),
        ("cpu_ratio", wanted.cpu_ratio, host.cpu_over_commit_ratio),
        ("memory_ratio", wanted.memory_ratio, host.memory_over_commit_ratio),
        ("default_pool", wanted.default_pool, host.default_storage_pool),
        ("schedulable", wanted.schedulable, host.schedulable),
        ("closed_reason", _closed_reason(host, wanted), host.closed_reason),
        ("guest_address", wanted.guest_address, host.guest_address),
    ):
        if sent is not None and sent != stored:
            found[column] = sent
    if "default_pool" in found:
        _must_have_pool(write, host, found["default_pool"], field="default_storage_pool")
    return found


def _closed_reason(host: Host, wanted: Changes) -> str | None:
    """Why the host takes no new machines; an open one has no reason."""
    opened = host.schedulable if wanted.schedulable is None else wanted.schedulable
    if opened and wanted.closed_reason:
        message = "the host is open to new machines; send it with schedulable=false"
        raise Invalid(f"Invalid closed_reason: {message}.", fields={"closed_reason": [message]})
    return "" if opened else wanted.closed_reason


def _must_have_pool(write: Write, host: Host, name: str, *, field: str) -> None:
    names = [row.name for row in storage_pools.listing(write.sql, [host.id])]
    if name not in names:
        message = f"{host.name} has no storage pool {name!r}; it has {', '.join(names) or 'none'}"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})


def _storage_ratios(write: Write, host: Host, wanted: Changes) -> tuple[str, ...]:
    before = {row.name: row.ratio for row in storage_pools.listing(write.sql, [host.id])}
    changed = []
    for name, ratio in wanted.storage_ratios:
        _must_have_pool(write, host, name, field="storage_over_commit_ratios")
        if before[name] != ratio:
            storage_pools.set_ratio(write, host_id=host.id, name=name, ratio=ratio)
            changed.append(f"ratio of {name}")
    return tuple(changed)


def _reconnect(write: Write, services: Services, host: Host, wanted: Changes, *, redeem: bool) -> Reconnect | None:
    """What needs the host itself; None when nothing does."""
    simulated = services.settings.simulated_hosts
    address = host.address
    if wanted.address is not None:
        address = introduction.normalise(kind=host.kind, address=wanted.address, simulated_hosts=simulated)
    certificate = _new_certificate(write, services, host, wanted)
    repin = bool(wanted.fingerprint) and wanted.fingerprint != host.fingerprint
    if address == host.address and not certificate and not redeem and not repin:
        return None
    return Reconnect(
        address=address,
        old_address=host.address,
        fingerprint=wanted.fingerprint,
        certificate=certificate,
        old_certificate=hosts.pins(write.sql, host.id)[0],
        old_server_certificate=hosts.pins(write.sql, host.id)[1],
        old_fingerprint=host.fingerprint,
        old_made_here=hosts.made_here(write.sql, host.id),
        made_here=wanted.regenerate,
        redeem=redeem,
    )


def _new_certificate(write: Write, services: Services, host: Host, wanted: Changes) -> str:
    """The client certificate to change to, its key being put aside; "" when it stays."""
    if wanted.regenerate:
        if wanted.certificate or wanted.key:
            message = "send a certificate or have one made, not both"
            raise Invalid("Invalid regenerate_certificate.", fields={"regenerate_certificate": [message]})
        fresh = introduction.make_credentials(name=f"{host.name}@{services.settings.name}")
    elif wanted.certificate or wanted.key:
        fresh = introduction.bring_credentials(certificate=wanted.certificate or "", key=wanted.key or "")
        if fresh.certificate == hosts.pins(write.sql, host.id)[0]:
            return ""
    else:
        return ""
    secrets.put(write, services.cipher, path=f"host/{host.id}/next-key", text=fresh.key)
    return fresh.certificate


def _new_secret(write: Write, services: Services, host: Host, secret: str | None) -> tuple[bool, bool]:
    """Store a token or password that is new: (whether it is, whether it is to be used). None is used twice."""
    if not secret:
        return False, False
    path = f"host/{host.id}"
    if services.cipher.fingerprint(secret) == secrets.get(write.sql, services.cipher, path=f"{path}/used"):
        return False, False
    fresh = secret != secrets.get(write.sql, services.cipher, path=f"{path}/password")
    if fresh:
        secrets.put(write, services.cipher, path=f"{path}/password", text=secret)
    return fresh, host.state in (HostState.WAITING, HostState.UNTRUSTED)


def credentials(write: Write, services: Services, host: Host) -> dict[str, str]:
    """How a host is reached, with its secrets: strings only, as Terraform insists."""
    path = f"host/{host.id}"
    password = secrets.get(write.sql, services.cipher, path=f"{path}/password")
    return {
        "power_address": host.address.removeprefix("https://"),
        "project": host.project,
        "certificate": hosts.pins(write.sql, host.id)[0],
        "key": secrets.get(write.sql, services.cipher, path=f"{path}/key"),
        "password": password,
        "power_pass": password,
        "power_user": "",
        "server_certificate_fingerprint": host.fingerprint,
    }
