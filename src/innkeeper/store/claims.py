"""The one transaction that claims more of a host.

Composing locks the host's row, counts again with the same functions that placement
used, and writes machine, disks, NICs, claim, operation and event in one commit.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, HostChanged, HostUnreachable, HostUntrusted, Invalid, LimitsUnknown, OverLimit
from innkeeper.model.host import Host, HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.model.names import random_name
from innkeeper.model.request import Request
from innkeeper.placement.fit import Candidate, Fit, Unfit, fit
from innkeeper.store import (
    disks,
    domains,
    holdings,
    host_interfaces,
    hosts,
    interfaces,
    machines,
    networks,
    operations,
    storage_pools,
)
from innkeeper.store.database import Write
from innkeeper.store.figures import figures
from innkeeper.store.tables import claim

c = claim.c
MACS_LOCK = 0x3AC5  # advisory lock of PostgreSQL
USABLE = (HostState.READY, HostState.DEGRADED)
_AWAY = {
    HostState.UNREACHABLE: HostUnreachable,
    HostState.UNTRUSTED: HostUntrusted,
    HostState.CHANGED: HostChanged,
    HostState.REMOVING: Conflict,
}

_OF_HOST = c.host_id == sa.bindparam("host_id")
_PINNED = sa.select(c.instance, c.pinned).where(_OF_HOST, c.pinned != "")
_KNOWN = sa.select(c.id).where(_OF_HOST, c.project == sa.bindparam("project"), c.instance == sa.bindparam("instance"))


def candidate(sql: sa.Connection, host: Host) -> Candidate:
    """A host as placement sees it, now."""
    counted = figures(sql, [host])[host.id]
    pinned = sql.execute(_PINNED, {"host_id": host.id})
    return Candidate(
        host_id=host.id,
        name=host.name,
        inventory=hosts.inventory(sql, host.id),
        cores=counted.cores,
        memory=counted.memory,
        huge_pages=counted.huge_pages,
        storage=counted.storage,
        unmeasured=counted.unmeasured,
        default_pool=host.default_storage_pool,
        pinned_by={core: row.instance for row in pinned for core in machines.ints(row.pinned)},
        macvlan_mode=host.default_macvlan_mode or "",
        networks=host_interfaces.networks(sql, [host.id]).get(host.id, ()),
        known=networks.known(sql),
    )


def check(sql: sa.Connection, host: Host, request: Request) -> Fit:
    """How a request would be made on a host; OverLimit, LimitsUnknown, Conflict or Invalid saying why not.

    HostFailure when the host is known to be away, as if it had been called and found out just now.
    """
    if host.state not in USABLE:
        why = f" ({host.reason})" if host.reason else ""
        failure = _AWAY.get(host.state, LimitsUnknown)
        raise failure(f"VM host {host.name} cannot take machines now: it is {host.state}{why}.")
    verdict = fit(candidate(sql, host), request)
    if isinstance(verdict, Unfit):
        raise _refusal(verdict)
    return verdict


def _refusal(verdict: Unfit) -> Exception:
    text = "; ".join(one.text for one in verdict.reasons)
    brief = f"VM host {verdict.host} cannot hold this machine: {text}."
    if verdict.of("unknown"):
        return LimitsUnknown(brief, resolution="Refresh the host, or wait until it has been discovered.")
    if verdict.of("limit"):
        return OverLimit(brief)
    if verdict.of("conflict"):
        return Conflict(brief)
    return Invalid(brief)


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """What a compose claimed: the machine, and the operation that makes it (or made it: `repeated`)."""

    system_id: str
    operation: str
    repeated: bool = False


def compose(
    write: Write,
    *,
    host_id: int,
    request: Request,
    first_step: str,
    uuid: str,
    actor_id: int,
    actor: str,
    request_mark: str = "",
) -> Claimed:
    """Claim everything a machine needs on a host and order the work, in the caller's one transaction."""
    host = hosts.lock(write, host_id)
    if repeated := _repeated(write.sql, host=host, request=request, actor_id=actor_id):
        return repeated
    where = check(write.sql, host, request)
    hostname = _hostname(write.sql, request.hostname)
    system_id = machines.fresh_id(write.sql)
    _name_free(write.sql, host, hostname)
    _write_machine(
        write, host=host, where=where, request=request, hostname=hostname, system_id=system_id, owner=actor_id
    )
    operation = operations.submit(
        write,
        kind="compose",
        first_step=first_step,
        host_id=host.id,
        system_id=system_id,
        arguments={"installation": uuid, "name": hostname, "volumes": _own_volumes(where, system_id)},
        actor=actor,
        request=request_mark,
    )
    _write_interfaces(write, where=where, system_id=system_id)
    return Claimed(system_id=system_id, operation=operation)


def _repeated(sql: sa.Connection, *, host: Host, request: Request, actor_id: int) -> Claimed | None:
    """A caller that hung up before the answer and asks again for the same machine gets the same machine."""
    there = machines.named(sql, request.hostname) if request.hostname else None
    if there is None:
        return None
    before = operations.last_of(sql, system_id=there.system_id, kind="compose")
    same = there.host_id == host.id and there.digest == request.digest and there.composer_id == actor_id
    if same and before is not None and not before.answered:
        return Claimed(system_id=there.system_id, operation=before.id, repeated=True)
    message = f"there is a machine named {request.hostname!r} already"
    raise Invalid(f"Invalid hostname: {message}.", fields={"hostname": [message]})


def _hostname(sql: sa.Connection, wanted: str) -> str:
    """The name that is wanted, or a random one that is free."""
    name = wanted or random_name()
    while not wanted and machines.taken(sql, name):
        name = random_name()
    return name


def _name_free(sql: sa.Connection, host: Host, name: str) -> None:
    """Nothing of that name on the host that is not ours: asked of what we know, before any call."""
    where = f"on VM host {host.name}, project {host.project}"
    if sql.scalar(_KNOWN, {"host_id": host.id, "project": host.project, "instance": name}) is not None:
        raise Conflict(f"There is an instance {name!r} {where} already, which is not this machine.")
    for pool, found in storage_pools.volumes(sql, host_id=host.id).items():
        for volume in found:
            if volume.name == name and volume.project == host.project and volume.kind == "virtual-machine":
                raise Conflict(f"There is a volume {name!r} in the storage pool {pool} {where} already.")


def _write_machine(
    write: Write, *, host: Host, where: Fit, request: Request, hostname: str, system_id: str, owner: int
) -> None:
    machines.insert(
        write,
        system_id=system_id,
        hostname=hostname,
        domain_id=request.domain_id if request.domain_id is not None else domains.default_id(write.sql),
        zone_id=request.zone_id if request.zone_id is not None else host.zone_id,
        pool_id=request.pool_id if request.pool_id is not None else host.pool_id,
        origin=Origin.COMPOSED,
        status=int(Status.COMMISSIONING),
        power_state=PowerState.OFF,
        architecture=where.architecture,
        cores=where.cores,
        memory=where.memory,
        pinned=machines.text(where.pinned),
        huge_pages=where.huge_pages,
        host_id=host.id,
        project=host.project,
        instance=hostname,
        owner_id=owner or None,
        composer_id=owner or None,
        placement_json=msgspec.json.encode(where).decode(),
        digest=request.digest,
    )
    volumes = []
    for position, disk in enumerate(where.disks):
        volume = _volume(system_id, position)
        device = f"disk{position}" if position else "root"
        volumes.append((position, disk.pool, volume, disk.size))
        disks.insert(
            write,
            system_id=system_id,
            position=position,
            device=device,
            size=disk.size,
            pool=disk.pool,
            volume=volume,
            tags=disk.tags,
            why=disk.why,
        )
    holdings.insert(
        write,
        host_id=host.id,
        project=host.project,
        instance=hostname,
        origin="composed",
        system_id=system_id,
        mark=system_id,
        cores=where.cores,
        pinned=machines.text(where.pinned),
        memory=where.memory,
        huge_pages=where.huge_pages,
        storage=tuple(volumes),
    )


def _write_interfaces(write: Write, *, where: Fit, system_id: str) -> None:
    """NICs with MACs that nobody has. Near the commit: on PostgreSQL one at a time chooses, so that none is given
    to two."""
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(MACS_LOCK)))
    for position, nic in enumerate(where.interfaces):
        interfaces.insert(
            write,
            system_id=system_id,
            position=position,
            name=nic.device,
            mac=interfaces.fresh_mac(write.sql),
            attach=nic.attach,
            parent=nic.parent,
            mode=nic.mode,
        )


def _volume(system_id: str, position: int) -> str:
    """The name of a disk's own volume; "" for the root disk, which is the instance's."""
    return f"innkeeper-{system_id}-disk{position}" if position else ""


def _own_volumes(where: Fit, system_id: str) -> list[tuple[str, str]]:
    """(pool, volume) of every disk that is a volume of its own."""
    return [(disk.pool, _volume(system_id, position)) for position, disk in enumerate(where.disks) if position]
