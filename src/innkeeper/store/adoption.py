"""An instance that nobody knew: a machine record for it, or only the note of what it holds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import InstanceFacts, Machine, Origin, PowerState
from innkeeper.model.names import as_hostname
from innkeeper.store import (
    disks,
    domains,
    events,
    holdings,
    host_interfaces,
    interfaces,
    leftovers,
    links,
    machines,
    unfinished,
)
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.recognition import Storage


def meet(write: Write, host: Host, facts: InstanceFacts, storage: Storage, *, uuid: str) -> None:
    """Claim what a new instance holds: adopted (tracked project), other use, or left by an operation of ours."""
    ours = facts.tag("installation") == uuid and _left(write.sql, facts)
    tracked = facts.project == host.project and not ours
    system_id = _adopt(write, host, facts) if tracked else None
    holdings.insert(
        write,
        host_id=host.id,
        project=facts.project,
        instance=facts.name,
        origin="adopted" if tracked else "leftover" if ours else "other",
        system_id=system_id,
        mark=facts.tag("machine"),
        cores=facts.cores,
        pinned=machines.text(facts.pinned),
        memory=facts.memory,
        huge_pages=facts.huge_pages,
        storage=storage,
        power_state=facts.power,
        location=facts.location,
        present=True,
    )


def _left(sql: sa.Connection, facts: InstanceFacts) -> bool:
    """Whether an instance with our marks was left by an operation: then the sweep takes it, and nobody adopts it."""
    if unfinished.undone(sql, facts.tag("operation")):
        return True
    machine = facts.tag("machine")
    return facts.power == PowerState.OFF and (machine, facts.name) in leftovers.removed(sql, system_ids={machine})


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
    write_devices(write, system_id, facts)
    text = f"{facts.name} was found on {host.name} and adopted as {hostname}: deployed and locked"
    events.add(write, Event(kind="machine", what="adopted", text=text, host_id=host.id, system_id=system_id))
    return system_id


def free_hostname(sql: sa.Connection, name: str, system_id: str) -> str:
    """A valid host name as near to `name` as possible that no machine has."""
    plain = as_hostname(name) or f"vm-{system_id}"
    return plain if not machines.taken(sql, plain) else f"{plain[:56].rstrip('-')}-{system_id}"


def write_devices(write: Write, system_id: str, facts: InstanceFacts) -> None:
    """A machine's disks and NICs as its host shows them. What is still there keeps its id, and what only we know."""
    before = machines.find(write.sql, system_id)
    known_disks = {one.device: one for one in before.disks}
    for position, disk in enumerate(one for one in facts.disks if one.pool):
        known = known_disks.pop(disk.device, None)
        same = known is not None and (known.pool, known.volume) == (disk.pool, disk.volume)
        size = disk.size or (known.size if known is not None and same else 0)
        values: dict[str, Any] = {
            "position": position,
            "device": disk.device,
            "size": size,
            "pool": disk.pool,
            "volume": disk.volume,
        }
        if known is None:
            disks.insert(write, system_id=system_id, **values)
        else:
            disks.update(write, known.id, **values, **({} if same else {"tags_json": "[]", "why": ""}))
    for gone in known_disks.values():
        disks.delete(write, gone.id)
    _write_nics(write, before, facts)


def _write_nics(write: Write, before: Machine, facts: InstanceFacts) -> None:
    """A NIC that has its MAC still is the same one, under whatever name it is in the guest from its next deployment
    on. Where it hangs says which VLAN it is on."""
    known = list(before.interfaces)
    uplinks = host_interfaces.of_host(write.sql, before.host_id) if before.host_id is not None else {}
    for position, nic in enumerate(facts.interfaces):
        mac = nic.mac.lower()
        same = next((one for one in known if mac and one.mac == mac), None)
        same = same or next((one for one in known if one.name == nic.device), None)
        seen: dict[str, Any] = {
            "position": position,
            "mac": mac,
            "attach": nic.attach,
            "parent": nic.parent,
            "vlan": nic.vlan,
        }
        uplink = uplinks.get(nic.parent)
        moved = same is None or (same.parent, same.vlan) != (nic.parent, nic.vlan)
        if moved or (same and same.vlan_id is None):  # a tag of somebody else's tells no VLAN that we know
            seen["vlan_id"] = uplink.vlan_id if uplink is not None and not nic.vlan else None
        if same is None:
            interfaces.insert(write, system_id=before.system_id, name=nic.device, **seen)
            continue
        known.remove(same)
        if moved:  # what it was linked to is not there
            links.delete(write, [one.id for one in same.links])
        interfaces.update(write, same.id, **seen)
    for left in known:
        interfaces.delete(write, left.id)
