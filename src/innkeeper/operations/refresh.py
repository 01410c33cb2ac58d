"""Read a host: its inventory and its instances, stored as they are now. Changes nothing on the host."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import sqlalchemy as sa
import structlog

from innkeeper.errors import HostFailure
from innkeeper.hypervisors.base import Hypervisor
from innkeeper.hypervisors.together import both
from innkeeper.model.capacity import MIB
from innkeeper.model.host import Host, HostInterface, HostState, Inventory
from innkeeper.model.machine import InstanceFacts
from innkeeper.operations.context import Services, Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import discovered_networks, events, hosts, learnt, operations, sightings, storage_pools, unfinished
from innkeeper.store.database import Write, now
from innkeeper.store.events import Event
from innkeeper.store.tables import machine as machine_table

log = structlog.get_logger(__name__)


async def read_host(services: Services, host_id: int, *, host: Hypervisor) -> None:
    """Read everything of a host and store it. Raises HostFailure when the host as a whole cannot be read."""
    listed_at = await services.database.patiently_reading(now)
    told = await both(host.describe(), host.instances())
    await services.database.patiently(store, host_id, *told, listed_at=listed_at, uuid=services.uuid)
    await read_leases(services, host_id, host=host)


async def read_leases(services: Services, host_id: int, *, host: Hypervisor) -> None:
    """Read what the networks of a host gave to guests (one request each), and show it on their NICs."""
    try:
        given = {one.network: one.given for one in await host.leases()}
    except HostFailure as error:  # how the host is, others find out
        log.warning("could not read leases", host=host_id, error=str(error))
        return
    if await services.database.patiently_reading(learnt.news, host_id, given):
        await services.database.patiently(learnt.of_host, host_id, given)


async def read_instances(services: Services, host_id: int, *, host: Hypervisor) -> None:
    """Read only the instances of a host (one request) and store what changed."""
    listed_at = await services.database.patiently_reading(now)
    instances = await host.instances()
    await services.database.patiently(
        sightings.see, host_id=host_id, instances=instances, listed_at=listed_at, uuid=services.uuid
    )


def store(
    write: Write,
    host_id: int,
    inventory: Inventory,
    instances: tuple[InstanceFacts, ...],
    *,
    listed_at: float,
    uuid: str,
) -> None:
    """Store what a host told, in one transaction. What it could not tell keeps its last numbers, marked stale."""
    before = hosts.lock(write, host_id)
    if listed_at < (before.refreshed_at or 0.0):
        return  # somebody has read it since
    faults = dict(inventory.faults)
    departing = unfinished.departing(write.sql, host_id, since=listed_at)
    storage_pools.see(
        write, host_id=host_id, pools=inventory.pools, faults=faults, project=before.project, departing=departing
    )
    merged = merge(hosts.inventory(write.sql, host_id), inventory)
    discovered_networks.see(write, before, merged.interfaces)  # before the VMs that hang on them
    sightings.see(write, host_id=host_id, instances=instances, listed_at=listed_at, uuid=uuid)
    storage_pools.recount(write, host_id=host_id, departing=departing)
    pools = storage_pools.listing(write.sql, [host_id])
    default_pool = _default_pool(before, [row.name for row in pools])
    if before.default_storage_pool and default_pool != before.default_storage_pool:
        text = f"{before.name} has no storage pool {before.default_storage_pool}, its default; "
        text += f"{default_pool} is it now" if default_pool else "it has none at all"
        events.add(write, Event(kind="host", what="default pool", text=text, host_id=host_id))
    state, reason = _state(faults, has_pools=bool(pools))
    huge = merged.huge_page_bytes // MIB
    values = {
        "version": merged.version,
        "architectures_json": msgspec.json.encode(merged.architectures).decode(),
        "cores": merged.cores,
        "memory": merged.memory // MIB if merged.memory is not None else None,
        "huge_pages": huge,
        "stale_json": msgspec.json.encode(sorted(faults)).decode(),
        "inventory_json": msgspec.json.encode(replace(merged, pools=(), faults=())).decode(),
        "default_pool": default_pool,
        "refreshed_at": listed_at,
    }
    if before.state != HostState.REMOVING:
        values |= {"state": state, "reason": reason}
        tell_state(write, before, state, reason)
    hosts.update(write, host_id, **values)
    if before.system_id and merged.cores:
        host_machine = machine_table.c.system_id == before.system_id
        facts = {
            "cores": merged.cores,
            "memory": values["memory"] or 0,
            "cpu_speed": merged.cpu_speed,
            "architecture": merged.architectures[0] if merged.architectures else "amd64/generic",
        }
        write.sql.execute(sa.update(machine_table).where(host_machine).values(facts))


def merge(old: Inventory, new: Inventory) -> Inventory:
    """The new inventory, with the old one's numbers for the parts that could not be read this time."""
    faults = dict(new.faults)
    kept: dict[str, object] = {}
    if "resources" in faults:
        kept |= {
            "numa_nodes": old.numa_nodes,
            "memory": old.memory,
            "cpu_model": old.cpu_model,
            "cpu_speed": old.cpu_speed,
        }
    if "projects" in faults:
        kept["projects"] = old.projects
    if "profiles" in faults:
        kept["profiles"] = old.profiles
    if "networks" in faults:
        kept["interfaces"] = old.interfaces
    else:
        kept["interfaces"] = tuple(_interface(one, old, faults) for one in new.interfaces)
    return replace(new, **kept)  # type: ignore[arg-type]


def _interface(one: HostInterface, old: Inventory, faults: dict[str, str]) -> HostInterface:
    if f"network {one.name}" not in faults:
        return one
    return next((before for before in old.interfaces if before.name == one.name), one)


def _state(faults: dict[str, str], *, has_pools: bool) -> tuple[HostState, str]:
    if faults:
        return HostState.DEGRADED, "; ".join(f"{part}: {words}" for part, words in sorted(faults.items()))
    if not has_pools:
        return HostState.DEGRADED, "it has no storage pool; make one, then refresh"
    return HostState.READY, ""


def _default_pool(host: Host, names: list[str]) -> str:
    """What a person chose while it exists, else the first."""
    if host.default_storage_pool in names:
        return host.default_storage_pool
    return names[0] if names else ""


def tell_state(write: Write, host: Host, state: HostState, reason: str) -> None:
    """An event when a host's state or reason changes; said once, not at each look."""
    if (host.state, host.reason) != (state, reason):
        text = f"{host.name} is {state}" + (f": {reason}" if reason else "")
        events.add(write, Event(kind="host", what="state", text=text, host_id=host.id, state=str(state)[:10]))


def submit(write: Write, host: Host, *, actor: str, request: str = "") -> str:
    """Order a full refresh. Returns the operation."""
    hosts.lock_for_work(write, host.id)
    return operations.submit(
        write, kind=REFRESH.kind, first_step=REFRESH.first, host_id=host.id, actor=actor, request=request
    )


async def look(work: Work) -> None:
    await read_host(work.services, work.host_id, host=await work.host())


REFRESH = Saga("refresh", steps=(Step("read the host", look),))
