"""Remove a VM host: its composed machines if asked to, our images, our certificate, the records. VMs stay unless asked.

Machines that are adopted or locked are never destroyed: only their records go with the host.
"""

from __future__ import annotations

from dataclasses import asdict

from innkeeper.errors import Conflict, ErrorRecord, HostFailure
from innkeeper.model.host import HostState
from innkeeper.model.machine import Origin
from innkeeper.operations import forget_image
from innkeeper.operations.context import Work
from innkeeper.operations.decompose import Removal, removal_of, take_away
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import events, hosts, machines, operations, unfinished
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.machines import Filter


def submit(write: Write, host_id: int, *, decompose: bool, force: bool, actor: str, request: str = "") -> str:
    """Order the removal of a host. Conflict while operations run on it, unless `force` ends them. Returns the id."""
    host = hosts.lock(write, host_id)
    running = unfinished.of_host(write.sql, host_id)
    in_the_way = [one for one in running if one.kind != forget_image.FORGET_IMAGE.kind]  # images go in any case
    if in_the_way and not force:
        what = ", ".join(sorted({one.kind for one in in_the_way}))
        raise Conflict(
            f"VM host {host.name} has {len(in_the_way)} operations running or stopped ({what}).",
            resolution="Wait for them, cancel them, or remove the host with force=true.",
        )
    for one in running:
        by = "by force" if force else "with its images"
        operations.close_by_force(write, one, reason=f"VM host {host.name} was removed {by}")
    composed = machines.listing(write.sql, Filter(host_ids=(host_id,)))
    doomed = [one for one in composed if one.origin == Origin.COMPOSED and not one.locked] if decompose else []
    hosts.update(write, host_id, state=HostState.REMOVING, reason="")
    return operations.submit(
        write,
        kind=REMOVE_HOST.kind,
        first_step=REMOVE_HOST.first,
        host_id=host_id,
        arguments={
            "removals": [asdict(removal_of(one)) for one in doomed],
            "made_here": hosts.made_here(write.sql, host_id) and host.fingerprint != "",
            "force": force,
            "state": host.state,
            "reason": host.reason,
        },
        actor=actor,
        request=request,
    )


async def reach_host(work: Work) -> None:
    """With machines to destroy, a host that is down is found out before anything is destroyed."""
    if work.arguments["removals"] and not work.arguments["force"]:
        await (await work.host()).identify()


async def remove_machines(work: Work) -> None:
    for one in work.arguments["removals"]:
        await take_away(work, Removal(**one))


async def remove_images(work: Work) -> None:
    """What we gave the host to deploy from. A host that cannot be asked keeps it: that is said."""
    try:
        await forget_image.forget_all(work)
    except HostFailure as error:
        await work.write(_tell, work, f"our images could not be deleted on the host: {error}")


async def withdraw(work: Work) -> None:
    """Take the certificate we made out of the host's trust list. A host that cannot be asked keeps it: that is said."""
    if not work.arguments["made_here"]:
        return
    try:
        await (await work.host()).forget()
    except HostFailure as error:
        await work.write(_tell, work, f"our certificate could not be taken out of the host's trust list: {error}")


def _tell(write: Write, work: Work, text: str) -> None:
    events.add(write, Event(kind="host", what="removal", text=text, host_id=work.host_id, operation=work.operation.id))


def forget(write: Write, work: Work) -> None:
    host = hosts.find(write.sql, work.host_id)
    text = f"VM host {host.name} was removed, {len(work.arguments['removals'])} machines with it"
    events.add(write, Event(kind="host", what="removed", text=text, host_id=host.id, actor=work.operation.actor))
    hosts.delete_with_machines(write, host)


def keep(write: Write, work: Work, error: ErrorRecord) -> None:
    """The host stays as it was; the next look tells how it is."""
    host = hosts.find(write.sql, work.host_id)
    state, reason = HostState(work.arguments["state"]), work.arguments["reason"]
    if state in (HostState.ADDING, HostState.REMOVING):  # the operation that it was in was closed by force
        state, reason = HostState.UNREACHABLE, "it could not be removed"
    hosts.update(write, host.id, state=state, reason=reason)
    text = f"VM host {host.name} could not be removed: {error.brief}"
    events.add(write, Event(kind="host", what="removal", text=text, host_id=host.id, operation=work.operation.id))


REMOVE_HOST = Saga(
    "remove_host",
    steps=(
        Step("reach the host", reach_host),
        Step("remove its machines", remove_machines, persists=True),
        Step("remove our images", remove_images, persists=True),
        Step("withdraw our certificate", withdraw, persists=True),
    ),
    finish=forget,
    abandon=keep,
)
