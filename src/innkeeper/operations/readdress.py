"""Tell the DHCP of a host's networks which addresses a machine's NICs get, after a link was changed.

A deployment tells it anew in any case. This keeps what the host holds for a machine that is there already in line: an
address that the record gave back must not stay reserved on the host, where the next machine that gets it would be
refused.
"""

from __future__ import annotations

from innkeeper.errors import HostRefused
from innkeeper.model.machine import Machine, Origin
from innkeeper.operations.compose import read_spec
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import events, hosts, machines, operations
from innkeeper.store.database import Write
from innkeeper.store.events import Event


def submit(write: Write, before: Machine, *, actor: str, request: str = "") -> str:
    """Order it where the host (locked for work) holds other addresses than it should now; `before`: the machine as it
    was. Returns the operation, "" when there is nothing to tell."""
    if before.host_id is None or before.origin != Origin.COMPOSED:
        return ""
    fixed = {one.name: one.fixed for one in hosts.inventory(write.sql, before.host_id).interfaces if one.managed}
    after = machines.find(write.sql, before.system_id)
    if _told(before, fixed) == _told(after, fixed):
        return ""
    return operations.submit(
        write,
        kind=READDRESS.kind,
        first_step=READDRESS.first,
        host_id=before.host_id,
        system_id=before.system_id,
        arguments={"name": before.instance},
        actor=actor,
        request=request,
    )


def _told(machine: Machine, fixed: dict[str, tuple[int, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    nics = [nic for nic in machine.interfaces if nic.attach == "network"]
    return [(nic.mac, nic.fixed_addresses(fixed.get(nic.parent, ()))) for nic in nics]


async def tell(work: Work) -> None:
    """What the host refuses, also when it is asked again, is said and left at that: nothing of the machine depends on
    it, for a deployment tells everything anew."""
    if await work.read(machines.gone, work.operation.system_id):
        return
    spec = await work.read(read_spec, work)  # as it is now, not when the work began
    host = await work.host()
    await host.settle(name=spec.name)
    wanted = tuple((nic.mac, nic.addresses) for nic in spec.interfaces if nic.attach == "network")
    for last in (False, True):
        try:
            await host.readdress(name=spec.name, machine=work.operation.system_id, addresses=wanted)
            return
        except HostRefused as refused:
            if last:
                text = f"the host was not told the addresses of {spec.name}: {refused.details or refused.brief}"
                await work.write(_note, work, text)
        await host.settle(name=spec.name)  # it may have been busy with it


def _note(write: Write, work: Work, text: str) -> None:
    events.add(
        write,
        Event(
            kind="machine",
            what="addresses",
            text=text,
            host_id=work.host_id,
            system_id=work.operation.system_id,
            operation=work.operation.id,
        ),
    )


READDRESS = Saga("readdress", steps=(Step("tell the host", tell, persists=True),))
