"""What was seen on a host, written down: reality moves, and claims and machines follow it.

An instance nobody knew is adopted (tracked project) or noted as other use. A known one that changed changes its
claim, over the limit if need be. A composed one that is not there is Missing, and found again if it returns.
Nothing here touches the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.model.host import Host, Volume
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import InstanceFacts, Origin, PowerState
from innkeeper.model.names import as_hostname
from innkeeper.store import claims, domains, events, figures, hosts, machines, operations, storage_pools
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.tables import claim, claim_storage, machine, operation
from innkeeper.store.tables import host as host_table

c = claim.c
Storage = tuple[tuple[int, str, str, int], ...]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """One claim row with its storage and the machine behind it."""

    id: int
    project: str
    instance: str
    origin: str
    system_id: str | None
    mark: str
    values: tuple[Any, ...]  # cores, pinned, memory, huge_pages, power_state, location, present
    storage: Storage
    status: int | None
    settled_at: float


def see(write: Write, *, host_id: int, instances: tuple[InstanceFacts, ...], listed_at: float, uuid: str) -> bool:
    """Bring claims and machines in line with a listing begun at `listed_at` (database clock). False: it is too old."""
    host = hosts.lock(write, host_id)
    latest = write.sql.scalar(sa.select(host_table.c.listed_at).where(host_table.c.id == host_id)) or 0.0
    if listed_at < latest:
        return False
    write.sql.execute(sa.update(host_table).where(host_table.c.id == host_id).values(listed_at=listed_at))
    known = _known(write.sql, host_id)
    busy = _busy(write.sql, host_id)
    volumes = storage_pools.volumes(write.sql, host_id=host_id)
    by_key = {(one.project, one.instance): one for one in known}
    by_mark = {one.mark: one for one in known if one.mark and one.system_id}
    seen: set[int] = set()
    for facts in instances:
        one = by_key.get(facts.key)
        if one is None and facts.tag("installation") == uuid:
            one = by_mark.get(facts.tag("machine"))  # renamed behind our back: our mark went with it
        storage = _storage(facts, volumes)
        if one is None:
            _meet(write, host, facts, storage, uuid=uuid)
        elif one.origin == "composed" and facts.tag("machine") != one.mark:
            continue  # somebody put another instance in its place: ours is not there
        else:
            seen.add(one.id)
            _follow(write, host, one, facts, storage, busy=busy)
    for one in known:
        if one.id not in seen:
            _miss(write, host, one, busy=busy, listed_at=listed_at)
    return True


def _known(sql: sa.Connection, host_id: int) -> list[_Known]:
    storage: dict[int, list[tuple[int, str, str, int]]] = {}
    held = sa.select(claim_storage).join(claim).where(c.host_id == host_id)
    for row in sql.execute(held.order_by(claim_storage.c.claim_id, claim_storage.c.position)):
        storage.setdefault(row.claim_id, []).append((row.position, row.pool, row.volume, row.size))
    query = sa.select(claim, machine.c.status, machine.c.settled_at)
    query = query.outerjoin(machine, machine.c.system_id == c.system_id).where(c.host_id == host_id)
    return [
        _Known(
            id=row.id,
            project=row.project,
            instance=row.instance,
            origin=row.origin,
            system_id=row.system_id,
            mark=row.mark,
            values=(row.cores, row.pinned, row.memory, row.huge_pages, row.power_state, row.location, row.present),
            storage=tuple(storage.get(row.id, ())),
            status=row.status,
            settled_at=row.settled_at or 0.0,
        )
        for row in sql.execute(query)
    ]


def _busy(sql: sa.Connection, host_id: int) -> set[str]:
    """Machines that an open operation is working on: what is seen of them now is not the last word."""
    op = operation.c
    rows = sql.scalars(sa.select(op.system_id).where(op.host_id == host_id, op.state.in_(operations.OPEN)))
    return {system_id for system_id in rows if system_id}


def _storage(facts: InstanceFacts, volumes: Mapping[str, tuple[Volume, ...]]) -> Storage:
    """What an instance allocates of pools. A custom volume's size is the volume's own, as its pool lists it."""
    held = []
    for position, disk in enumerate(one for one in facts.disks if one.pool):
        size = disk.size
        if disk.volume:
            listed = (v.size for v in volumes.get(disk.pool, ()) if v.name == disk.volume and v.kind == "custom")
            size = next((one for one in listed if one is not None), size)
        held.append((position, disk.pool, disk.volume, size or 0))
    return tuple(held)


def _meet(write: Write, host: Host, facts: InstanceFacts, storage: Storage, *, uuid: str) -> None:
    """An instance that nobody knew: other use, adopted, or ours and on its way out."""
    if facts.tag("installation") == uuid and _on_its_way_out(write.sql, facts.tag("machine")):
        return
    tracked = facts.project == host.project
    system_id = _adopt(write, host, facts) if tracked else None
    claims.insert(
        write,
        host_id=host.id,
        project=facts.project,
        instance=facts.name,
        origin="adopted" if tracked else "other",
        system_id=system_id,
        cores=facts.cores,
        pinned=machines.text(facts.pinned),
        memory=facts.memory,
        huge_pages=facts.huge_pages,
        storage=storage,
        power_state=facts.power,
        location=facts.location,
        present=True,
    )


def _on_its_way_out(sql: sa.Connection, system_id: str) -> bool:
    """Whether an instance with our mark and no record is one that an operation removed, removes or undid."""
    op = operation.c
    removed = sa.and_(op.kind == "decompose", op.state != operations.State.FAILED)
    undone = sa.and_(op.kind == "compose", op.state != operations.State.DONE)
    query = sa.select(op.id).where(op.system_id == system_id, sa.or_(removed, undone)).limit(1)
    return bool(system_id) and sql.execute(query).first() is not None


def _adopt(write: Write, host: Host, facts: InstanceFacts) -> str:
    """A machine record for a VM that was there: Deployed and locked, so that nothing powers or deletes it."""
    system_id = machines.fresh_id(write.sql)
    hostname = free_hostname(write.sql, facts.name, system_id)
    machines.insert(
        write,
        system_id=system_id,
        hostname=hostname,
        domain_id=domains.default_id(write.sql),
        zone_id=host.zone_id,
        pool_id=host.pool_id,
        origin=Origin.ADOPTED,
        status=int(Status.DEPLOYED),
        power_state=facts.power,
        architecture=facts.architecture,
        cores=facts.cores,
        memory=facts.memory,
        pinned=machines.text(facts.pinned),
        huge_pages=facts.huge_pages,
        host_id=host.id,
        project=facts.project,
        instance=facts.name,
        locked=True,
    )
    _write_devices(write, system_id, facts)
    text = f"{facts.name} was found on {host.name} and adopted as {hostname}: deployed and locked"
    events.add(write, Event(kind="machine", what="adopted", text=text, host_id=host.id, system_id=system_id))
    return system_id


def free_hostname(sql: sa.Connection, name: str, system_id: str) -> str:
    """A valid host name as near to `name` as possible that no machine has."""
    plain = as_hostname(name) or f"vm-{system_id}"
    return plain if not machines.taken(sql, plain) else f"{plain[:56].rstrip('-')}-{system_id}"


def _write_devices(write: Write, system_id: str, facts: InstanceFacts) -> None:
    machines.clear_devices(write, system_id=system_id)
    for position, disk in enumerate(one for one in facts.disks if one.pool):
        machines.insert_disk(
            write,
            system_id=system_id,
            position=position,
            device=disk.device,
            size=disk.size or 0,
            pool=disk.pool,
            volume=disk.volume,
        )
    for position, nic in enumerate(facts.interfaces):
        machines.insert_interface(
            write,
            system_id=system_id,
            position=position,
            name=nic.device,
            mac=nic.mac.lower(),
            attach=nic.attach,
            parent=nic.parent,
            vlan=nic.vlan,
        )


def _follow(write: Write, host: Host, one: _Known, facts: InstanceFacts, storage: Storage, *, busy: set[str]) -> None:
    """A known instance: its claim is what it is now."""
    if one.system_id in busy:
        return
    if one.project == facts.project and one.instance != facts.name:
        _renamed(write, host, one, facts.name)
    pinned = machines.text(facts.pinned)
    now = (facts.cores, pinned, facts.memory, facts.huge_pages, str(facts.power), facts.location, True)
    if now != one.values:
        names = ("cores", "pinned", "memory", "huge_pages", "power_state", "location", "present")
        write.sql.execute(sa.update(claim).where(c.id == one.id).values(dict(zip(names, now, strict=True))))
    if storage != one.storage:
        claims.write_storage(write, claim_id=one.id, storage=storage)
    if one.system_id is None:
        return
    if one.status == Status.MISSING:
        _found_again(write, host, one)
    if now[:4] != one.values[:4] or storage != one.storage:
        _changed(write, host, one, facts, before=one.values)
    if now[4] != one.values[4]:
        machines.update(write, one.system_id, power_state=str(facts.power))
        text = f"{facts.name}: power is {facts.power}"
        events.add(write, Event(kind="machine", what="power", text=text, host_id=host.id, system_id=one.system_id))


def _renamed(write: Write, host: Host, one: _Known, name: str) -> None:
    write.sql.execute(sa.update(claim).where(c.id == one.id).values(instance=name))
    if one.system_id:
        machines.update(write, one.system_id, instance=name)
        text = f"the instance {one.instance} was renamed to {name} on {host.name}"
        events.add(write, Event(kind="machine", what="renamed", text=text, host_id=host.id, system_id=one.system_id))


def _changed(write: Write, host: Host, one: _Known, facts: InstanceFacts, *, before: tuple[Any, ...]) -> None:
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
    _write_devices(write, one.system_id, facts)
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


def _found_again(write: Write, host: Host, one: _Known) -> None:
    assert one.system_id is not None
    back = Status.DEPLOYED if one.origin == "adopted" else Status.READY
    machines.set_status(write, one.system_id, back, message="")
    text = f"{one.instance} is back on {host.name}"
    events.add(write, Event(kind="machine", what="found", text=text, host_id=host.id, system_id=one.system_id))


def _miss(write: Write, host: Host, one: _Known, *, busy: set[str], listed_at: float) -> None:
    """A claim whose instance was not in the listing."""
    if one.mark in busy or one.system_id in busy or one.settled_at >= listed_at:
        return
    if one.origin == "composed" and one.system_id:
        if one.status in (Status.MISSING, Status.FAILED_COMMISSIONING):
            return
        write.sql.execute(sa.update(claim).where(c.id == one.id).values(present=False))
        message = f"the instance {one.instance} is not on {host.name} any more"
        machines.set_status(write, one.system_id, Status.MISSING, message=message)
        machines.update(write, one.system_id, power_state=PowerState.UNKNOWN)
        return
    write.sql.execute(sa.delete(claim).where(c.id == one.id))
    if one.system_id:
        machines.delete(write, one.system_id)
        text = f"{one.instance}, which was adopted, was deleted on {host.name}; its record went too"
        events.add(write, Event(kind="machine", what="gone", text=text, host_id=host.id, system_id=one.system_id))
