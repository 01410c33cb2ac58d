"""What was seen on a host, written down: reality moves, and claims and machines follow it.

An instance nobody knew is adopted (tracked project) or noted as other use. A known one that changed changes its
claim, over the limit if need be. A composed one that is not there is Missing, and found again if it returns.
Nothing here touches the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from innkeeper.model.host import Host, Volume
from innkeeper.model.lifecycle import Status, found_again
from innkeeper.model.machine import InstanceFacts, PowerState
from innkeeper.store import adoption, events, figures, holdings, hosts, machines, storage_pools, unfinished
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.recognition import Known, Storage, recognise
from innkeeper.store.tables import claim, claim_storage, machine
from innkeeper.store.tables import host as host_table

c = claim.c
_SEEN = ("cores", "pinned", "memory", "huge_pages", "power_state", "location", "present")


def see(write: Write, *, host_id: int, instances: tuple[InstanceFacts, ...], listed_at: float, uuid: str) -> bool:
    """Bring claims and machines in line with a listing begun at `listed_at` (database clock). False: it is too old."""
    host = hosts.lock(write, host_id)
    latest = write.sql.scalar(sa.select(host_table.c.listed_at).where(host_table.c.id == host_id)) or 0.0
    if listed_at < latest:
        return False
    write.sql.execute(sa.update(host_table).where(host_table.c.id == host_id).values(listed_at=listed_at))
    known = _known(write.sql, host_id)
    # What is being worked on, or was settled after the listing began, is not judged by it.
    busy = unfinished.busy(write.sql, host_id)
    departing = unfinished.departing(write.sql, host_id, since=listed_at)
    volumes = storage_pools.volumes(write.sql, host_id=host_id)
    judged = [
        one
        for one in known
        if not {one.system_id, one.mark if one.origin == "leftover" else None} & busy  # a copy's mark is another's
        and one.settled_at < listed_at
        and not (one.origin == "leftover" and departing.holds(one.instance, one.mark))
    ]
    found = recognise(known, instances, uuid=uuid)
    there = [one for one in judged if one.id in found.same]
    missing = [one for one in judged if one.id not in found.same]
    fresh = list(found.fresh)
    for one in missing:
        posing = found.posing.get(one.id)
        if one.origin == "composed":
            _miss(write, host, one, posing, volumes)
        else:
            _forget(write, host, one)
            fresh += [posing] if posing else []
    _rename(write, host, known, [(one, found.same[one.id].name) for one in there])
    for one in there:
        facts = found.same[one.id]
        if one.origin == "leftover":  # nobody removes it any more: it is met anew
            write.sql.execute(sa.delete(claim).where(c.id == one.id))
            fresh.append(facts)
        else:
            _follow(write, host, one, facts, _storage(facts, volumes, before=one.storage))
    for facts in fresh:
        if facts.project != host.project or not departing.holds(facts.name, facts.tag("machine")):
            adoption.meet(write, host, facts, _storage(facts, volumes), uuid=uuid)
    return True


def follow(write: Write, *, host_id: int, system_id: str, facts: InstanceFacts) -> bool:
    """Bring one machine in line with what its host said of its instance just now, whatever works on it. False: it
    holds nothing there."""
    host = hosts.lock(write, host_id)
    one = next((one for one in _known(write.sql, host_id) if one.system_id == system_id), None)
    if one is None:
        return False
    volumes = storage_pools.volumes(write.sql, host_id=host_id)
    _follow(write, host, one, facts, _storage(facts, volumes, before=one.storage))
    return True


def _known(sql: sa.Connection, host_id: int) -> list[Known]:
    storage: dict[int, list[tuple[int, str, str, int]]] = {}
    held = sa.select(claim_storage).join(claim).where(c.host_id == host_id)
    for row in sql.execute(held.order_by(claim_storage.c.claim_id, claim_storage.c.position)):
        storage.setdefault(row.claim_id, []).append((row.position, row.pool, row.volume, row.size))
    query = sa.select(claim, machine.c.status, machine.c.status_before, machine.c.settled_at)
    query = query.outerjoin(machine, machine.c.system_id == c.system_id).where(c.host_id == host_id)
    return [
        Known(
            id=row.id,
            project=row.project,
            instance=row.instance,
            origin=row.origin,
            system_id=row.system_id,
            mark=row.mark,
            values=tuple(getattr(row, name) for name in _SEEN),
            storage=tuple(storage.get(row.id, ())),
            status=row.status,
            settled_at=row.settled_at or 0.0,
            status_before=-1 if row.status_before is None else row.status_before,
        )
        for row in sql.execute(query.order_by(c.id))
    ]


def _storage(facts: InstanceFacts, volumes: Mapping[str, tuple[Volume, ...]], *, before: Storage = ()) -> Storage:
    """What an instance allocates of pools. A custom volume's size is the volume's own, as its pool lists it; a size
    that the host cannot tell now is what it was `before`."""
    last = {(pool, volume): size for _, pool, volume, size in before}
    held = []
    for position, disk in enumerate(one for one in facts.disks if one.pool):
        size = disk.size
        if disk.volume:
            listed = (v.size for v in volumes.get(disk.pool, ()) if v.name == disk.volume and v.kind == "custom")
            size = next((one for one in listed if one is not None), size)
        if size is None:
            size = last.get((disk.pool, disk.volume), 0)
        held.append((position, disk.pool, disk.volume, size))
    return tuple(held)


def _rename(write: Write, host: Host, known: list[Known], pairs: list[tuple[Known, str]]) -> None:
    """Instances renamed behind our back. All let go of their names first: one may have taken another's. A name that
    a claim holds whose instance is not there to be judged stays that claim's."""
    renamed = [(one, name) for one, name in pairs if one.instance != name]
    leaving = {one.id for one, _ in renamed}
    rows = write.sql.execute(sa.select(c.id, c.project, c.instance).where(c.id.in_([one.id for one in known])))
    held = {(row.project, row.instance) for row in rows if row.id not in leaving}
    renamed = [(one, name) for one, name in renamed if (one.project, name) not in held]
    for one, _ in renamed:
        write.sql.execute(sa.update(claim).where(c.id == one.id).values(instance=f"/{one.id}"))
    for one, name in renamed:
        write.sql.execute(sa.update(claim).where(c.id == one.id).values(instance=name))
        assert one.system_id is not None  # only a composed machine is known by its mark
        machines.update(write, one.system_id, instance=name)
        text = f"the instance {one.instance} was renamed to {name} on {host.name}"
        events.add(write, Event(kind="machine", what="renamed", text=text, host_id=host.id, system_id=one.system_id))


def _claim_as_seen(
    write: Write, one: Known, facts: InstanceFacts, storage: Storage, *, present: bool
) -> tuple[Any, ...]:
    """The claim holds what the instance holds now, over a limit if need be. Returns the new values."""
    pinned = machines.text(facts.pinned)
    now = (facts.cores, pinned, facts.memory, facts.huge_pages, str(facts.power), facts.location, present)
    if now != one.values:
        write.sql.execute(sa.update(claim).where(c.id == one.id).values(dict(zip(_SEEN, now, strict=True))))
    if storage != one.storage:
        holdings.write_storage(write, claim_id=one.id, storage=storage)
    return now


def _follow(write: Write, host: Host, one: Known, facts: InstanceFacts, storage: Storage) -> None:
    """A known instance: its claim is what it is now."""
    now = _claim_as_seen(write, one, facts, storage, present=True)
    if one.system_id is None:
        return
    if one.status == Status.MISSING:
        _found_again(write, host, one)
    if now[:4] != one.values[:4] or storage != one.storage:
        _changed(write, host, one, facts, before=one.values)
    if now[4] != one.values[4] or one.status == Status.MISSING:  # nothing was known of a missing one's power
        machines.update(write, one.system_id, power_state=str(facts.power))
        text = f"{facts.name}: power is {facts.power}"
        events.add(write, Event(kind="machine", what="power", text=text, host_id=host.id, system_id=one.system_id))


def _changed(write: Write, host: Host, one: Known, facts: InstanceFacts, *, before: tuple[Any, ...]) -> None:
    """A VM changed outside: the record follows, and says so; over a limit is said too."""
    assert one.system_id is not None
    machines.update(
        write,
        one.system_id,
        cores=facts.cores,
        memory=facts.memory,
        pinned=machines.text(facts.pinned),
        huge_pages=facts.huge_pages,
    )
    adoption.write_devices(write, one.system_id, facts)
    over = ""
    counted = figures.figures(write.sql, [host])[host.id]
    for figure in (counted.cores, counted.memory, *(figure for _, figure in counted.storage)):
        if figure is not None and figure.over:
            over += f"; {figure.resource} of {host.name} over by {figure.over} {figure.unit}"
    text = (
        f"{facts.name} was changed on {host.name}: {before[0]} cores, {before[2]} MiB → "
        f"{facts.cores} cores, {facts.memory} MiB{over}"
    )
    events.add(write, Event(kind="machine", what="changed", text=text, host_id=host.id, system_id=one.system_id))


def _found_again(write: Write, host: Host, one: Known) -> None:
    assert one.system_id is not None
    back = found_again(Status(one.status_before) if one.status_before >= 0 else None)
    machines.set_status(write, one.system_id, back, message="")
    text = f"{one.instance} is back on {host.name}"
    events.add(write, Event(kind="machine", what="found", text=text, host_id=host.id, system_id=one.system_id))


def _miss(
    write: Write, host: Host, one: Known, posing: InstanceFacts | None, volumes: Mapping[str, tuple[Volume, ...]]
) -> None:
    """A composed machine whose instance is not there. Another in its place (`posing`) holds what it holds."""
    assert one.system_id is not None
    if posing is not None:
        _claim_as_seen(write, one, posing, _storage(posing, volumes), present=False)
    if one.status in (Status.MISSING, Status.FAILED_COMMISSIONING):
        return
    write.sql.execute(sa.update(claim).where(c.id == one.id).values(present=False))
    message = f"the instance {one.instance} is not on {host.name} any more"
    machines.set_status(write, one.system_id, Status.MISSING, message=message)
    machines.update(write, one.system_id, power_state=PowerState.UNKNOWN)


def _forget(write: Write, host: Host, one: Known) -> None:
    """What we did not make is gone: so is its claim, and its record."""
    write.sql.execute(sa.delete(claim).where(c.id == one.id))
    if one.system_id:
        machines.delete(write, one.system_id)
        text = f"{one.instance}, which was adopted, was deleted on {host.name}; its record went too"
        events.add(write, Event(kind="machine", what="gone", text=text, host_id=host.id, system_id=one.system_id))
