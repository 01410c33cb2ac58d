"""Power: on; off gracefully, by force after a time limit, or by force at once. It holds no claim: nothing to undo."""

from __future__ import annotations

from innkeeper.errors import HostRefused
from innkeeper.model.machine import Machine, PowerState
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import events, hosts, machines, operations
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.tables import claim


def submit(write: Write, saga: Saga, machine: Machine, *, force: bool = False, actor: str, request: str = "") -> str:
    """Order a power change. Returns the operation."""
    if machine.host_id is not None:
        hosts.lock_for_work(write, machine.host_id)
    return operations.submit(
        write,
        kind=saga.kind,
        first_step=saga.first,
        host_id=machine.host_id,
        system_id=machine.system_id,
        arguments={"name": machine.instance, "force": force},
        actor=actor,
        request=request,
    )


async def start(work: Work) -> None:
    """It is noted before that it may have run: a start whose outcome is unknown may have been one."""
    await work.write(machines.use, work.operation.system_id)
    await (await work.host()).start(name=work.arguments["name"])


async def stop(work: Work) -> None:
    """A guest that does not hear the power button is stopped by force when its time is over."""
    host, name, grace = await work.host(), work.arguments["name"], work.services.settings.power_grace
    if not work.arguments["force"]:
        try:
            await host.stop(name=name, force=False, timeout=grace)
            return
        except HostRefused as refusal:
            text = f"{name} did not shut down within {grace:.0f} s and is stopped by force ({refusal.details})"
            await work.write(_note, work, text)
    await host.stop(name=name, force=True, timeout=grace)


def _note(write: Write, work: Work, text: str) -> None:
    events.add(
        write,
        Event(
            kind="machine",
            what="power",
            text=text,
            host_id=work.host_id,
            system_id=work.operation.system_id,
            operation=work.operation.id,
        ),
    )


def _record(write: Write, work: Work, state: PowerState) -> None:
    system_id = work.operation.system_id
    machines.update(write, system_id, power_state=state, settled_at=write.now())
    write.sql.execute(claim.update().where(claim.c.system_id == system_id).values(power_state=state))
    _note(write, work, f"{work.arguments['name']}: power is {state}")


def seen(write: Write, system_id: str, *, state: PowerState, asked_at: float) -> None:
    """Keep what a host just said of a machine's power, unless something newer was learnt since it was asked."""
    one = machines.find(write.sql, system_id)
    if machines.settled_at(write.sql, system_id) > asked_at or one.power_state == state:
        return
    machines.update(write, system_id, power_state=state)
    write.sql.execute(claim.update().where(claim.c.system_id == system_id).values(power_state=state))
    text = f"{one.hostname}: power is {state}"
    events.add(write, Event(kind="machine", what="power", text=text, host_id=one.host_id, system_id=system_id))


def is_on(write: Write, work: Work) -> None:
    _record(write, work, PowerState.ON)


def is_off(write: Write, work: Work) -> None:
    _record(write, work, PowerState.OFF)


POWER_ON = Saga("power_on", steps=(Step("start the instance", start),), finish=is_on)
POWER_OFF = Saga("power_off", steps=(Step("stop the instance", stop),), finish=is_off)
