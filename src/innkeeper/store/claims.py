"""The one transaction that claims more of a host.

Composing locks the host's row, counts again with the same functions that placement
used, and writes machine, disks, NICs, claim, operation and event in one commit.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import Conflict, HostChanged, HostUnreachable, HostUntrusted, Invalid, LimitsUnknown, OverLimit
from innkeeper.model.allocation import Wish
from innkeeper.model.host import Host, HostState
from innkeeper.model.interface_constraints import bad
from innkeeper.model.names import random_name
from innkeeper.model.network_names import Networks
from innkeeper.model.request import Request
from innkeeper.placement.decide import Decision, Verdict, headroom, verdict
from innkeeper.placement.fit import Candidate, Fit, Unfit, fit
from innkeeper.placement.reach import nowhere
from innkeeper.store import (
    candidates,
    hosts,
    machines,
    new_machines,
    operations,
    placements,
    storage_pools,
)
from innkeeper.store.database import Write
from innkeeper.store.fleet import Around
from innkeeper.store.tables import claim

c = claim.c
_AWAY = {
    HostState.UNREACHABLE: HostUnreachable,
    HostState.UNTRUSTED: HostUntrusted,
    HostState.CHANGED: HostChanged,
    HostState.REMOVING: Conflict,
}

_OF_HOST = c.host_id == sa.bindparam("host_id")
_KNOWN = sa.select(c.id).where(_OF_HOST, c.project == sa.bindparam("project"), c.instance == sa.bindparam("instance"))


class Lost(Conflict):
    """A host that was decided on does not fit any more: others were quicker, or it has changed. Decide again."""


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
        raise senseless(request, candidate.known) or _refusal(found)
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
        raise Lost(str(_refusal(Unfit(host_id=host.id, host=host.name, reasons=again.reasons))))
    return again.fit, allotment.verdicts


def senseless(request: Request, known: Networks) -> Invalid | None:
    """The refusal of a NIC that no host could have; what only this host lacks, another may have."""
    for nic in request.interfaces:
        if nowhere(nic.conditions, known):
            what = " and ".join(one.text for one in nic.conditions)
            return bad(f"{nic.label}: no VLAN that is known is all of {what}")
    return None


def _refusal(found: Unfit) -> Exception:
    """What stands against it on this host: a Conflict, with which a client asks the next host (Juju does).

    Invalid for a core that is not there: who names cores knows the host, and means no other.
    """
    text = "; ".join(one.text for one in found.reasons)
    brief = f"VM host {found.host} cannot hold this machine: {text}."
    if any((one.kind, one.about) == ("mismatch", "pinned cores") for one in found.reasons):
        return Invalid(brief)
    if found.of("unknown"):
        return LimitsUnknown(brief, resolution="Refresh the host, or wait until it has been discovered.")
    if found.of("limit"):
        return OverLimit(brief)
    return Conflict(brief)


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
    hostname: str
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
    image_id: int | None = None,
) -> Claimed:
    """Claim everything a machine needs on a host and order the work, in the caller's one transaction.

    With an allotment the machine is made for its caller (dynamic): it is Allocated when it is there. With an image it
    is deployed then. Lost when the host does not fit any more; any other refusal is of the wish itself, and lasts.
    """
    host = hosts.lock(write, host_id)
    if repeated := _repeated(write.sql, host=host, request=request, actor_id=actor_id):
        return repeated
    where, verdicts = _decided(write.sql, host, request, allotment)
    hostname = _hostname(write.sql, host, request.hostname)
    system_id = machines.fresh_id(write.sql)
    new_machines.write_machine(
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
        arguments={
            "installation": uuid,
            "name": hostname,
            "volumes": new_machines.own_volumes(where, system_id),
            **({"image": image_id} if image_id is not None else {}),
        },
        actor=actor,
        request=request_mark,
    )
    new_machines.write_interfaces(write, where=where, system_id=system_id, hostname=hostname)
    return Claimed(system_id=system_id, hostname=hostname, operation=operation)


def _repeated(sql: sa.Connection, *, host: Host, request: Request, actor_id: int) -> Claimed | None:
    """A caller that hung up before the answer and asks again for the same machine gets the same machine."""
    there = machines.named(sql, request.hostname) if request.hostname else None
    if there is None:
        return None
    before = operations.last_of(sql, system_id=there.system_id, kind="compose")
    same = there.host_id == host.id and there.digest == request.digest and there.composer_id == actor_id
    if same and before is not None and not before.answered:
        return Claimed(system_id=there.system_id, hostname=there.hostname, operation=before.id, repeated=True)
    message = f"there is a machine named {request.hostname!r} already"
    raise Invalid(f"Invalid hostname: {message}.", fields={"hostname": [message]})


def _hostname(sql: sa.Connection, host: Host, wanted: str) -> str:
    """The name that is wanted (Conflict when its host has something of that name), or a random one that is free."""
    if wanted:
        if there := _there(sql, host, wanted):
            raise Conflict(there)
        return wanted
    name = random_name()
    while machines.taken(sql, name) or _there(sql, host, name):
        name = random_name()
    return name


def _there(sql: sa.Connection, host: Host, name: str) -> str:
    """What of that name is on the host and not ours, in words; "" nothing. Asked of what we know, before any call."""
    where = f"on VM host {host.name}, project {host.project}"
    if sql.scalar(_KNOWN, {"host_id": host.id, "project": host.project, "instance": name}) is not None:
        return f"There is an instance {name!r} {where} already, which is not this machine."
    for pool, found in storage_pools.volumes(sql, host_id=host.id).items():
        for volume in found:
            if volume.name == name and volume.project == host.project and volume.kind == "virtual-machine":
                return f"There is a volume {name!r} in the storage pool {pool} {where} already."
    return ""
