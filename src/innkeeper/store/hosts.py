"""VM hosts: the rows, their inventory, their pools' settings. Host rows are what claims lock."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.hypervisors.base import Credentials, Target
from innkeeper.model.host import Host, HostState, Inventory
from innkeeper.store import secrets, stamps
from innkeeper.store.database import NOW, Write
from innkeeper.store.deployment_tables import deployment
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import claim, host, machine

_COLUMNS = [column for column in host.c if column.name not in ("inventory_json", "server_certificate", "certificate")]
_ONE = host.c.id == sa.bindparam("id")
_FIND = sa.select(*_COLUMNS).where(_ONE)
_LOCK = _FIND.with_for_update()
_RESTLESS = frozenset({"revision", "live", "watcher", "refreshed_at", "listed_at", "stale_json"})  # no placement asks
_HOLD = sa.select(host.c.id).where(_ONE).with_for_update()
_INVENTORY = sa.select(host.c.inventory_json).where(_ONE)
# Made here, once: msgspec's first look at a type is not safe among threads.
_DECODER = msgspec.json.Decoder(Inventory)


def _from_row(row: Any) -> Host:
    return Host(
        id=row.id,
        kind=row.kind,
        name=row.name,
        address=row.address,
        project=row.project,
        state=HostState(row.state),
        reason=row.reason,
        zone_id=row.zone_id,
        pool_id=row.pool_id,
        tags=tuple(msgspec.json.decode(row.tags_json)),
        cpu_over_commit_ratio=row.cpu_ratio,
        memory_over_commit_ratio=row.memory_ratio,
        default_macvlan_mode=row.macvlan_mode,
        default_storage_pool=row.default_pool,
        fingerprint=row.fingerprint,
        system_id=row.system_id or "",
        revision=row.revision,
        live=row.live,
        refreshed_at=row.refreshed_at,
        stale=tuple(msgspec.json.decode(row.stale_json)),
        certificate_expires=row.certificate_expires,
        version=row.version,
        architectures=tuple(msgspec.json.decode(row.architectures_json)),
        cores=row.cores,
        memory=row.memory,
        huge_pages=row.huge_pages,
        schedulable=row.schedulable,
        closed_reason=row.closed_reason,
        guest_address=row.guest_address,
        state_since=row.state_since,
    )


def listing(sql: sa.Connection) -> list[Host]:
    """All VM hosts, by id."""
    return [_from_row(row) for row in sql.execute(sa.select(*_COLUMNS).order_by(host.c.id))]


def some(sql: sa.Connection, *, ids: Collection[int], system_ids: Collection[str]) -> list[Host]:
    """The VM hosts of those ids, and those that these machine records stand for."""
    which = sa.or_(host.c.id.in_(ids), host.c.system_id.in_(system_ids))
    return [_from_row(row) for row in sql.execute(sa.select(*_COLUMNS).where(which).order_by(host.c.id))]


def find(sql: sa.Connection, id: int) -> Host:
    """One VM host; NotFound in the words that clients know."""
    row = sql.execute(_FIND, {"id": id}).first()
    if row is None:
        raise NotFound("No Pod matches the given query.")
    return _from_row(row)


def exists(sql: sa.Connection, id: int) -> bool:
    """Whether there is a VM host of that id."""
    return sql.execute(sa.select(host.c.id).where(host.c.id == id)).first() is not None


def named(sql: sa.Connection, name: str) -> Host | None:
    """The VM host of that name."""
    row = sql.execute(sa.select(*_COLUMNS).where(host.c.name == name)).first()
    return _from_row(row) if row else None


def ids_of(sql: sa.Connection, names: Collection[str]) -> tuple[int, ...]:
    """The ids of the VM hosts of those names."""
    return tuple(sql.scalars(sa.select(host.c.id).where(host.c.name.in_(names)).order_by(host.c.id)))


def names(sql: sa.Connection, *, limit: int) -> tuple[str, ...]:
    """The names of the first so many VM hosts, in their order."""
    return tuple(sql.scalars(sa.select(host.c.name).order_by(host.c.name).limit(limit)))


def of_server(sql: sa.Connection, *, fingerprint: str, project: str, except_id: int = 0) -> Host | None:
    """The VM host that is this server (by its pinned certificate) and project."""
    query = sa.select(*_COLUMNS).where(
        host.c.fingerprint == fingerprint, host.c.project == project, host.c.id != except_id
    )
    row = sql.execute(query).first()
    return _from_row(row) if row else None


def lock(write: Write, id: int) -> Host:
    """One VM host, locked until the transaction ends (SQLite: the whole database is)."""
    row = write.sql.execute(_LOCK, {"id": id}).first()
    if row is None:
        raise NotFound("No Pod matches the given query.")
    write.held.add(id)
    return _from_row(row)


def lock_for_work(write: Write, id: int) -> Host:
    """One VM host, locked, to order work on it; Conflict when it is being removed."""
    one = lock(write, id)
    if one.state == HostState.REMOVING:
        raise Conflict(f"VM host {one.name} is being removed.")
    return one


def hold(write: Write, id: int) -> None:
    """Lock a VM host's row if it is still there: who changes claims takes this lock first."""
    if write.sql.scalar(_HOLD, {"id": id}) is not None:
        write.held.add(id)


def inventory(sql: sa.Connection, id: int) -> Inventory:
    """What a host told last (without pools: they have a table of their own); empty before discovery."""
    text = sql.scalar(_INVENTORY, {"id": id})
    return _DECODER.decode(text) if text else Inventory()


def certificate(sql: sa.Connection, *, name: str) -> str | None:
    """The public client certificate (PEM) that we show to the host of that name."""
    return sql.scalar(sa.select(host.c.certificate).where(host.c.name == name)) or None


def insert(write: Write, **values: Any) -> int:
    """Make a host row; Conflict when the name is taken. Returns its id."""
    if named(write.sql, values["name"]):
        raise Conflict(f"There is a VM host named {values['name']!r} already.")
    defaults: dict[str, Any] = {
        "fingerprint": "",
        "server_certificate": "",
        "certificate": "",
        "made_here": False,
        "certificate_expires": 0.0,
        "reason": "",
        "tags_json": "[]",
        "cpu_ratio": 1.0,
        "memory_ratio": 1.0,
        "macvlan_mode": None,
        "default_pool": "",
        "revision": 1,
        "live": False,
        "listed_at": 0.0,
        "stale_json": "[]",
        "inventory_json": "",
        "version": "",
        "architectures_json": "[]",
        "huge_pages": 0,
        "power_user": "",
        "schedulable": True,
        "closed_reason": "",
        "guest_address": "",
    }
    statement = (
        sa.insert(host).values(created=NOW, updated=NOW, state_since=NOW, **(defaults | values)).returning(host.c.id)
    )
    id = int(write.sql.scalar(statement) or 0)
    stamps.move(write.sql, id)
    return id


def update(write: Write, id: int, **values: Any) -> None:
    """Change columns of a host."""
    told = [host.c[name] for name in values.keys() - _RESTLESS]
    before = write.sql.execute(sa.select(*told).where(host.c.id == id)).first() if told else None
    if before is not None and before._mapping.get("state", values.get("state")) != values.get("state"):
        values = values | {"state_since": NOW}
    write.sql.execute(sa.update(host).where(host.c.id == id).values(updated=NOW, **values))
    if before is not None and any(before._mapping[column.name] != values[column.name] for column in told):
        stamps.move(write.sql, id)


def reconnect(write: Write, id: int) -> None:
    """Have every process take new connections to a host (its address or credentials changed)."""
    update(write, id, revision=host.c.revision + 1)


def target(sql: sa.Connection, cipher: Cipher, id: int) -> tuple[str, Target]:
    """The kind of a host, and where and how it is spoken to."""
    columns = (host.c.kind, host.c.address, host.c.project, host.c.certificate, host.c.server_certificate)
    row = sql.execute(sa.select(*columns).where(host.c.id == id)).first()
    if row is None:
        raise NotFound("No Pod matches the given query.")
    key = secrets.get(sql, cipher, path=f"host/{id}/key")
    return row.kind, Target(
        address=row.address,
        project=row.project,
        credentials=Credentials(certificate=row.certificate, key=key),
        server_certificate=row.server_certificate,
    )


def pins(sql: sa.Connection, id: int) -> tuple[str, str]:
    """(client certificate, pinned server certificate), PEM."""
    row = sql.execute(sa.select(host.c.certificate, host.c.server_certificate).where(host.c.id == id)).one()
    return row.certificate, row.server_certificate


def delete(write: Write, id: int) -> None:
    """Delete a host's row, its pools, claims and secrets (machines must be gone before)."""
    secrets.forget(write, path=f"host/{id}")
    write.sql.execute(sa.delete(host).where(host.c.id == id))
    stamps.forget(write.sql, id)
    write.held.discard(id)


def is_shown(sql: sa.Connection, *, certificate: str) -> bool:
    """Whether a client certificate (PEM) is shown to any VM host."""
    return sql.execute(sa.select(host.c.id).where(host.c.certificate == certificate).limit(1)).first() is not None


def made_here(sql: sa.Connection, id: int) -> bool:
    """Whether we made the client certificate that this host trusts (it was not brought by a person)."""
    return bool(sql.scalar(sa.select(host.c.made_here).where(host.c.id == id)))


def delete_with_machines(write: Write, one: Host) -> None:
    """Delete a host with the records of its machines and the record that stands for it. Nothing on the host changes."""
    write.sql.execute(sa.delete(claim).where(claim.c.host_id == one.id))
    deployed = sa.select(deployment.c.system_id).join(machine, machine.c.system_id == deployment.c.system_id)
    for system_id in write.sql.scalars(deployed.where(machine.c.host_id == one.id)).all():
        secrets.forget(write, path=f"machine/{system_id}")
    write.sql.execute(sa.delete(machine).where(machine.c.host_id == one.id))
    delete(write, one.id)
    if one.system_id:
        write.sql.execute(sa.delete(machine).where(machine.c.system_id == one.system_id))


def set_tags(write: Write, id: int, tags: list[str]) -> None:
    """Write a host's tags."""
    update(write, id, tags_json=msgspec.json.encode(tags).decode())
