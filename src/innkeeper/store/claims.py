"""The one transaction that claims more of a host.

Composing locks the host's row, counts again with the same functions that placement
used, and writes machine, disks, NICs, claim, operation and event in one commit.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, HostChanged, HostUnreachable, HostUntrusted, Invalid, LimitsUnknown, OverLimit
from innkeeper.model.allocation import Wish
from innkeeper.model.host import Host, HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.model.names import random_name
from innkeeper.model.network import LinkMode
from innkeeper.model.request import Request
from innkeeper.placement.decide import Decision, Verdict, headroom, verdict
from innkeeper.placement.fit import Candidate, Fit, Unfit, fit
from innkeeper.placement.interfaces import PlacedInterface
from innkeeper.store import (
    candidates,
    disks,
    domains,
    holdings,
    hosts,
    interfaces,
    links,
    machines,
    operations,
    placements,
    storage_pools,
)
from innkeeper.store.database import Write
from innkeeper.store.fleet import Around
from innkeeper.store.tables import claim

c = claim.c
MACS_LOCK = 0x3AC5  # advisory lock of PostgreSQL
_AWAY = {
    HostState.UNREACHABLE: HostUnreachable,
    HostState.UNTRUSTED: HostUntrusted,
    HostState.CHANGED: HostChanged,
    HostState.REMOVING: Conflict,
}

_OF_HOST = c.host_id == sa.bindparam("host_id")
_KNOWN = sa.select(c.id).where(_OF_HOST, c.project == sa.bindparam("project"), c.instance == sa.bindparam("instance"))


def check(sql: sa.Connection, host: Host, request: Request) -> Fit:
    """How a request would be made on a host; OverLimit, LimitsUnknown, Conflict or Invalid saying why not.

    HostFailure when the host is known to be away, as if it had been called and found out just now.
    """
    return _checked(sql, host, request)[1]


def must_be_there(host: Host) -> None:
    """HostFailure (Conflict while it is being removed) when a host is known to be of no use now."""
    if why := candidates.away(host):
        raise _AWAY.get(host.state, LimitsUnknown)(f"VM host {host.name} cannot take machines now: {why}.")


def _checked(sql: sa.Connection, host: Host, request: Request) -> tuple[Candidate, Fit]:
    must_be_there(host)
    candidate = candidates.candidates(sql, [host])[0]
    found = fit(candidate, request)
    if isinstance(found, Unfit):
        raise _refusal(found)
    return candidate, found


def _decided(sql: sa.Connection, host: Host, request: Request, allotment: Allotment | None) -> tuple[Fit, str]:
    """How the request is made on this host, looked at again now that it is locked; and the verdicts to be kept."""
    if allotment is None:
        candidate, found = _checked(sql, host, request)
        only = Verdict(host_id=host.id, host=host.name, score=round(headroom(candidate, found), 6), fit=found)
        return found, placements.pack(Decision(verdicts=(only,), best=only))
    known = allotment.around.still(sql) if allotment.around else None
    again = verdict(candidates.standings(sql, [host], known=known)[0], allotment.wish, request)
    if again.fit is None:
        raise _refusal(Unfit(host_id=host.id, host=host.name, reasons=again.reasons))
    return again.fit, allotment.verdicts


def _refusal(found: Unfit) -> Exception:
    text = "; ".join(one.text for one in found.reasons)
    brief = f"VM host {found.host} cannot hold this machine: {text}."
    if found.of("unknown"):
        return LimitsUnknown(brief, resolution="Refresh the host, or wait until it has been discovered.")
    if found.of("limit"):
        return OverLimit(brief)
    if found.of("conflict"):
        return Conflict(brief)
    return Invalid(brief)


@dataclass(frozen=True, kw_only=True)
class Allotment:
    """What an allocate adds to a compose: its wish, which the host must still meet, and what is kept of it.

    `verdicts`: of the whole fleet, as of `placements.pack`.
    """

    wish: Wish
    agent_name: str = ""
    verdicts: str = ""
    around: Around | None = None  # the networks that were decided by: not read again while they are the same


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
    allotment: Allotment | None = None,
) -> Claimed:
    """Claim everything a machine needs on a host and order the work, in the caller's one transaction.

    With an allotment the machine is made for its caller (dynamic): it is Allocated when it is there.
    """
    host = hosts.lock(write, host_id)
    if repeated := _repeated(write.sql, host=host, request=request, actor_id=actor_id):
        return repeated
    where, verdicts = _decided(write.sql, host, request, allotment)
    hostname = _hostname(write.sql, request.hostname)
    system_id = machines.fresh_id(write.sql)
    _name_free(write.sql, host, hostname)
    _write_machine(
        write, host=host, where=where, request=request, hostname=hostname, system_id=system_id, owner=actor_id
    )
    if allotment is not None:
        machines.update(write, system_id, dynamic=True, agent_name=allotment.agent_name)
    placements.insert(write, system_id=system_id, packed=verdicts)
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
    _write_interfaces(write, where=where, system_id=system_id, hostname=hostname)
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
        anti_affinity=request.anti_affinity,
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


def _write_interfaces(write: Write, *, where: Fit, system_id: str, hostname: str) -> None:
    """NICs with MACs that nobody has, and their addresses. Near the commit: on PostgreSQL one at a time chooses, so
    that none is given to two."""
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(MACS_LOCK)))
    wanted: list[links.Wanted] = []
    for position, nic in enumerate(where.interfaces):
        id = interfaces.insert(
            write,
            system_id=system_id,
            position=position,
            name=nic.device,
            mac=interfaces.fresh_mac(write.sql),
            attach=nic.attach,
            parent=nic.parent,
            mode=nic.mode,
            vlan=nic.tag,
            vlan_id=nic.vlan_id,
        )
        wanted += _write_links(write, id, nic)
    links.take(write, wanted, hostname=hostname)


def _write_links(write: Write, interface_id: int, nic: PlacedInterface) -> list[links.Wanted]:
    """How a NIC gets its address: those that were asked for; else by the network, or one of ours when it is deployed;
    by DHCP where no subnet is known; none if its guest does that itself. Returns what is to be taken."""
    mode = LinkMode.LINK_UP if nic.unconfigured else LinkMode.STATIC if nic.addresses else LinkMode.AUTO
    if not nic.addresses:
        mode = LinkMode.DHCP if nic.subnet_id is None and not nic.unconfigured else mode
        links.insert(write, interface_id=interface_id, mode=mode, subnet_id=nic.subnet_id)
        return []
    return [
        links.Wanted(
            link_id=links.insert(write, interface_id=interface_id, mode=mode, subnet_id=one.subnet_id, ip=one.ip),
            ip=one.ip,
            subnet_id=one.subnet_id,
            label=nic.label,
        )
        for one in nic.addresses
    ]


def _volume(system_id: str, position: int) -> str:
    """The name of a disk's own volume; "" for the root disk, which is the instance's."""
    return f"innkeeper-{system_id}-disk{position}" if position else ""


def _own_volumes(where: Fit, system_id: str) -> list[tuple[str, str]]:
    """(pool, volume) of every disk that is a volume of its own."""
    return [(disk.pool, _volume(system_id, position)) for position, disk in enumerate(where.disks) if position]
