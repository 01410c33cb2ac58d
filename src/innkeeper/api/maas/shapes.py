"""The JSON of the REST API 2.0: fields, types and units as MAAS's clients expect them (memory MiB, storage bytes)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host
from innkeeper.model.network import HostLink
from innkeeper.store.domains import Domain
from innkeeper.store.figures import Figures
from innkeeper.store.pools import Pool
from innkeeper.store.storage_pools import PoolRow
from innkeeper.store.users import User
from innkeeper.store.zones import Zone

if TYPE_CHECKING:
    from innkeeper.api.maas.network_shapes import Wiring

API = "/MAAS/api/2.0"
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Lookups:
    """What machines and hosts refer to by id, read once for a whole list."""

    zones: Mapping[int, Zone]
    pools: Mapping[int, Pool]
    domains: Mapping[int, Domain]
    hosts: Mapping[int, Host]
    networks: Callable[[], Wiring]
    host_links: Callable[[], Mapping[int, list[HostLink]]]

    @cached_property
    def zone_json(self) -> dict[int, msgspec.Raw]:
        """The JSON text of zones, made once for all machines of a list."""
        return {id: _text(zone(one)) for id, one in self.zones.items()}

    @cached_property
    def pool_json(self) -> dict[int, msgspec.Raw]:
        """The same of resource pools."""
        return {id: _text(pool(one)) for id, one in self.pools.items()}

    @cached_property
    def domain_json(self) -> dict[int, msgspec.Raw]:
        """The same of domains."""
        return {id: _text(domain(one)) for id, one in self.domains.items()}

    @cached_property
    def wiring(self) -> Wiring:
        """The networks, read when the first machine needs them."""
        return self.networks()

    def complete(self) -> Lookups:
        """Read at once what is else read when it is needed: the connection is for nothing else then."""
        assert self.wiring is not None
        assert self._links is not None
        return self

    def interfaces_of(self, system_id: str) -> list[HostLink]:
        """The interfaces of the host that a machine's record stands for."""
        host_id = self._host_of.get(system_id)
        return [] if host_id is None else self._links.get(host_id, [])

    @cached_property
    def _host_of(self) -> dict[str, int]:
        return {one.system_id: one.id for one in self.hosts.values() if one.system_id}

    @cached_property
    def _links(self) -> Mapping[int, list[HostLink]]:
        return self.host_links()


def _text(json: Json) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(json))


def zone(one: Zone) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "resource_uri": f"{API}/zones/{quote(one.name)}/",
    }


def pool(one: Pool) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "resource_uri": f"{API}/resourcepool/{one.id}/",
    }


def domain(one: Domain) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "authoritative": one.authoritative,
        "ttl": one.ttl,
        "is_default": one.is_default,
        "resource_record_count": 0,
        "resource_uri": f"{API}/domains/{one.id}/",
    }


def user(one: User) -> Json:
    return {
        "username": one.username,
        "email": one.email,
        "is_superuser": one.is_admin,
        "is_local": True,
        "resource_uri": f"{API}/users/{quote(one.username)}/",
    }


def figure(one: Figure | None) -> Json | None:
    """A figure with all its parts; null while it is not known."""
    if one is None:
        return None
    return {
        "physical": one.physical,
        "ratio": one.ratio,
        "limit": one.limit,
        "claimed": one.claimed,
        "others": one.others,
        "free": one.free,
        "over": one.over,
    }


def host(one: Host, counted: Figures, rows: list[PoolRow], about: Lookups) -> Json:
    """A VM host. Beyond MAAS's fields: state, its reason, and the figures that limits are checked with."""
    storage = dict(counted.storage)
    total = {
        "cores": one.cores or 0,
        "memory": one.memory or 0,
        "local_storage": sum(row.total or 0 for row in rows),
    }
    general = counted.memory.used if counted.memory else 0
    used = {
        "cores": counted.cores.used if counted.cores else 0,
        "memory": general + counted.huge_pages.used,
        "local_storage": sum(figure.used for figure in storage.values()),
    }
    return {
        "id": one.id,
        "name": one.name,
        "type": one.kind,
        "tags": list(one.tags),
        "architectures": list(one.architectures),
        "capabilities": ["composable", "dynamic_local_storage", "over_commit", "storage_pools"],
        "total": total,
        "used": used,
        "available": {key: total[key] - used[key] for key in total},
        "zone": zone(about.zones[one.zone_id]),
        "pool": pool(about.pools[one.pool_id]),
        "cpu_over_commit_ratio": float(one.cpu_over_commit_ratio),
        "memory_over_commit_ratio": float(one.memory_over_commit_ratio),
        "storage_pools": [_storage_pool(row, storage.get(row.name), one) for row in rows],
        "host": {"system_id": one.system_id, "__incomplete__": True},
        "default_macvlan_mode": one.default_macvlan_mode,
        "version": one.version,
        "project": one.project,
        "state": str(one.state),
        "state_reason": one.reason,
        "schedulable": one.schedulable,
        "closed_reason": one.closed_reason,
        "guest_address": one.guest_address,
        "live_events": one.live,
        "stale": list(one.stale),
        "certificate_fingerprint": one.fingerprint,
        "certificate_days_left": days_left(one.certificate_expires),
        "limits": {
            "cores": figure(counted.cores),
            "memory": figure(counted.memory),
            "huge_pages": figure(counted.huge_pages),
        },
        "resource_uri": f"{API}/vm-hosts/{one.id}/",
    }


def days_left(expires: float) -> int | None:
    """Whole days until our client certificate ends; null while it is not known."""
    return int((expires - time.time()) // 86400) if expires else None


def _storage_pool(row: PoolRow, counted: Figure | None, one: Host) -> Json:
    return {
        "id": row.name,
        "name": row.name,
        "type": row.driver,
        "path": row.path,
        "total": row.total or 0,
        "used": counted.used if counted else 0,
        "available": counted.free if counted else 0,
        "default": row.name == one.default_storage_pool,
        "over_commit_ratio": float(row.ratio),
        "allocated": (counted.claimed if counted else 0) + row.other_allocated,
        "written": row.written or 0,
        "foreign": row.foreign_bytes,
        "stale": row.stale,
    }
