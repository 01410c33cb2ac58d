"""The accounts: what the database says exists against what is on the hosts. Whatever differs is a leak or a loss."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from innkeeper.hypervisors.lxd import units
from innkeeper.hypervisors.lxd.marks import mark
from innkeeper.hypervisors.simulated import PREFIX
from innkeeper.hypervisors.simulated_world import world
from innkeeper.model.lifecycle import Status
from innkeeper.store import events, machines, operations
from innkeeper.store.database import Database
from innkeeper.store.figures import figures
from innkeeper.store.hosts import listing as host_listing
from innkeeper.store.tables import claim, claim_storage, disk, event, host, installation, interface, machine, operation
from tests.kit.lab import Lab


@dataclass(kw_only=True)
class Seen:
    """What carries this installation's mark on a host: thing → the machine in its mark. `busy`: what still runs."""

    instances: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)  # "pool/name"
    cores: int = 0  # of all instances
    shapes: dict[str, tuple[int, tuple[int, ...], int, bool]] = field(
        default_factory=dict
    )  # cores, pins, memory, huge pages
    busy: list[str] = field(default_factory=list)


def simulated(file: Path, uuid: str) -> Seen:
    """A simulated host."""
    with world(file) as state:
        ours = [one for one in state.instances.values() if one.tag("installation") == uuid]
        marked = {key: dict(one.tags) for key, one in state.volumes.items()}
        return Seen(
            instances={one.name: one.tag("machine") for one in ours},
            volumes={
                f"{key.split('/')[0]}/{key.split('/')[2]}": tags["machine"]
                for key, tags in marked.items()
                if tags.get("installation") == uuid
            },
            shapes={one.name: (one.cores, one.pinned, one.memory, one.huge_pages) for one in ours},
            cores=sum(one.cores for one in state.instances.values()),
            busy=list(state.making),
        )


def real(lab: Lab, uuid: str, *, project: str) -> Seen:
    """A real LXD, asked at its own socket. Of its operations those count that work on things of the project."""
    seen = Seen()
    for one in lab.query("/1.0/instances?recursion=1&all-projects=true"):
        seen.cores += int(one["expanded_config"].get("limits.cpu", "1"))
        if one["project"] == project and mark(one["config"], "installation") == uuid:
            seen.instances[one["name"]] = mark(one["config"], "machine")
            config = one["expanded_config"]
            cores, pinned = units.cpus(config["limits.cpu"]) or (0, ())
            memory = (units.size(config["limits.memory"]) or 0) // units.MIB
            seen.shapes[one["name"]] = (cores, pinned, memory, units.truth(config["limits.memory.hugepages"]))
    for pool in lab.query("/1.0/storage-pools?recursion=1"):
        for one in lab.query(f"/1.0/storage-pools/{pool['name']}/volumes?recursion=1&project={project}"):
            if one["type"] == "custom" and mark(one["config"], "installation") == uuid:
                seen.volumes[f"{pool['name']}/{one['name']}"] = mark(one["config"], "machine")
    told = lab.lxc("query", f"/1.0/operations?recursion=1&project={project}").strip()  # nothing at all for none
    running = json.loads(told or "{}").get("running", [])
    seen.busy = [one["description"] for one in running if one["resources"]]
    return seen


class Accounts:
    """Reads one installation's database, beside its processes."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def close(self) -> None:
        self.database.close()

    @property
    def uuid(self) -> str:
        return str(self.database.ask(lambda sql: sql.scalar(sa.select(installation.c.uuid))))

    def open(self) -> list[operations.Operation]:
        """The operations that have not ended."""
        return self.database.ask(operations.listing, open_only=True, limit=10_000)

    def of(self, kind: str) -> list[operations.Operation]:
        """All operations of a kind, newest first."""
        return [one for one in self.database.ask(operations.listing, limit=10_000) if one.kind == kind]

    def events(self) -> list[events.Event]:
        """All events, oldest first."""
        return self.database.ask(events.after, cursor=0, limit=100_000)

    def machines(self) -> list[Any]:
        """The composed machines' rows."""
        query = sa.select(machine).where(machine.c.origin == "composed")
        return list(self.database.ask(lambda sql: sql.execute(query).all()))

    def wrong(self, labs: Iterable[Lab] = ()) -> list[str]:
        """Everything that does not agree, in words. Empty: nothing lost, nothing leaked, each operation ended once."""
        with self.database.read() as sql:
            found = [*_operations(sql), *_records(sql), *_limits(sql)]
            for one in sql.execute(sa.select(host)).all():
                if one.address.startswith(PREFIX):
                    seen = simulated(Path(one.address.removeprefix(PREFIX)), self.uuid)
                else:
                    lab = next(lab for lab in labs if lab.address in one.address)
                    seen = real(lab, self.uuid, project=one.project)
                found += [f"{one.name}: {text}" for text in _host(sql, one.id, seen)]
        return found


def _operations(sql: sa.Connection) -> list[str]:
    """Every operation has ended, and has exactly one event that says so."""
    ends = Counter(
        sql.scalars(
            sa.select(event.c.operation).where(event.c.kind == "operation", event.c.state.in_(operations.ENDED))
        )
    )
    found = []
    for one in sql.execute(sa.select(operation)).all():
        if one.state in operations.OPEN:
            found.append(f"{one.kind} {one.id} is open at {one.step!r}: {one.trouble}")
        elif ends[one.id] != 1:
            found.append(f"{one.kind} {one.id} has {ends[one.id]} end events")
        if one.state not in operations.OPEN and one.owner is not None:
            found.append(f"{one.kind} {one.id} has ended and is owned")
    return found


def _records(sql: sa.Connection) -> list[str]:
    """The tables agree among each other."""
    found = []
    machines = {one.system_id: one for one in sql.execute(sa.select(machine)).all()}
    claims = {one.id: one for one in sql.execute(sa.select(claim)).all()}
    for table in (disk, interface):
        found += [
            f"a {table.name} of {id}, which is gone"
            for id in sql.scalars(sa.select(table.c.system_id))
            if id not in machines
        ]
    found += [
        f"storage of claim {id}, which is gone"
        for id in sql.scalars(sa.select(claim_storage.c.claim_id))
        if id not in claims
    ]
    held = Counter(one.system_id for one in claims.values())
    for one in machines.values():
        wanted = 1 if one.host_id is not None and one.status != Status.FAILED_COMMISSIONING else 0
        if held[one.system_id] != wanted:
            found.append(f"{one.hostname} ({one.system_id}) has {held[one.system_id]} claims, should have {wanted}")
    hosts = set(sql.scalars(sa.select(host.c.id)))
    found += [f"claim {one.instance} on a host that is gone" for one in claims.values() if one.host_id not in hosts]
    return found


def _limits(sql: sa.Connection) -> list[str]:
    found = []
    counted = figures(sql, host_listing(sql))
    for one in counted.values():
        for figure in (one.cores, one.memory, *(figure for _, figure in one.storage)):
            if figure is not None and figure.over:
                found.append(f"{figure.resource} over by {figure.over}")
    return found


def _host(sql: sa.Connection, host_id: int, seen: Seen) -> list[str]:
    """The machines of a host against what carries their marks on it; every claim against what is there."""
    found = [f"still busy: {one}" for one in seen.busy]
    rows = sql.execute(sa.select(machine).where(machine.c.host_id == host_id, machine.c.origin == "composed")).all()
    there = {one.instance: one.system_id for one in rows if one.status != Status.FAILED_COMMISSIONING}
    found += _differ("instance", there, seen.instances)
    shapes = {one.instance: (one.cores, machines.ints(one.pinned), one.memory, one.huge_pages) for one in rows}
    found += [
        f"{name} is {shape} on its host, {shapes[name]} in its record (cores, pins, memory, huge pages)"
        for name, shape in seen.shapes.items()
        if name in there and shape != shapes[name]
    ]
    ids = list(there.values())
    volumes = sa.select(disk).where(disk.c.volume != "", disk.c.system_id.in_(ids))
    found += _differ("volume", {f"{v.pool}/{v.volume}": v.system_id for v in sql.execute(volumes).all()}, seen.volumes)
    held: dict[str, int] = defaultdict(int)
    for one in sql.execute(sa.select(claim).where(claim.c.host_id == host_id)).all():
        held["cores"] += one.cores
        if not one.present:
            found.append(f"the claim of {one.instance} is not marked present")
    if held["cores"] != seen.cores:
        found.append(f"{held['cores']} cores are claimed, {seen.cores} are in use")
    return found


def _differ(what: str, told: dict[str, str], seen: dict[str, str]) -> list[str]:
    lost = [f"{what} {name} of {told[name]} is lost" for name in sorted(told.keys() - seen.keys())]
    leaked = [f"{what} {name} of {seen[name]} leaked" for name in sorted(seen.keys() - told.keys())]
    wrong = [
        f"{what} {name} is {seen[name]}'s, not {told[name]}'s"
        for name in sorted(told.keys() & seen.keys())
        if told[name] != seen[name]
    ]
    return lost + leaked + wrong
