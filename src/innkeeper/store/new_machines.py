"""The rows of a machine that is new: its record, its disks and NICs with their addresses, and its claim."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.model.network import LinkMode
from innkeeper.model.request import Request
from innkeeper.placement.fit import Fit
from innkeeper.placement.interfaces import PlacedInterface
from innkeeper.store import disks, domains, holdings, interfaces, links, machines
from innkeeper.store.database import Write

MACS_LOCK = 0x3AC5  # advisory lock of PostgreSQL


def write_machine(
    write: Write, *, host: Host, where: Fit, request: Request, hostname: str, system_id: str, owner: int
) -> None:
    """The record, the disks and the claim of a machine that is to be made so."""
    machines.insert(
        write,
        system_id=system_id,
        hostname=hostname,
        domain_id=request.domain_id if request.domain_id is not None else domains.default_id(write.sql),
        zone_id=request.zone_id if request.zone_id is not None else host.zone_id,
        pool_id=request.pool_id if request.pool_id is not None else host.pool_id,
        origin=Origin.COMPOSED,
        status=int(Status.COMMISSIONING),
        power_state=PowerState.OFF,
        architecture=where.architecture,
        cores=where.cores,
        memory=where.memory,
        pinned=machines.text(where.pinned),
        huge_pages=where.huge_pages,
        host_id=host.id,
        project=host.project,
        instance=hostname,
        owner_id=owner or None,
        composer_id=owner or None,
        placement_json=msgspec.json.encode(where).decode(),
        digest=request.digest,
        anti_affinity=request.anti_affinity,
    )
    volumes = []
    for position, disk in enumerate(where.disks):
        volume = _volume(system_id, position)
        device = f"disk{position}" if position else "root"
        volumes.append((position, disk.pool, volume, disk.size))
        disks.insert(
            write,
            system_id=system_id,
            position=position,
            device=device,
            size=disk.size,
            pool=disk.pool,
            volume=volume,
            tags=disk.tags,
            why=disk.why,
        )
    holdings.insert(
        write,
        host_id=host.id,
        project=host.project,
        instance=hostname,
        origin="composed",
        system_id=system_id,
        mark=system_id,
        cores=where.cores,
        pinned=machines.text(where.pinned),
        memory=where.memory,
        huge_pages=where.huge_pages,
        storage=tuple(volumes),
    )


def write_interfaces(write: Write, *, where: Fit, system_id: str, hostname: str) -> None:
    """NICs with MACs that nobody has, and their addresses. Near the commit: on PostgreSQL one at a time chooses, so
    that none is given to two."""
    if not write.is_sqlite:
        write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(MACS_LOCK)))
    wanted: list[links.Wanted] = []
    for position, nic in enumerate(where.interfaces):
        id = interfaces.insert(
            write,
            system_id=system_id,
            position=position,
            name=nic.device,
            mac=interfaces.fresh_mac(write.sql),
            attach=nic.attach,
            parent=nic.parent,
            mode=nic.mode,
            vlan=nic.tag,
            vlan_id=nic.vlan_id,
        )
        wanted += _write_links(write, id, nic)
    links.take(write, wanted, hostname=hostname)


def _write_links(write: Write, interface_id: int, nic: PlacedInterface) -> list[links.Wanted]:
    """How a NIC gets its address: those that were asked for; else by the network, or one of ours when it is deployed;
    by DHCP where no subnet is known; none if its guest does that itself. Returns what is to be taken."""
    mode = LinkMode.LINK_UP if nic.unconfigured else LinkMode.STATIC if nic.addresses else LinkMode.AUTO
    if not nic.addresses:
        mode = LinkMode.DHCP if nic.subnet_id is None and not nic.unconfigured else mode
        links.insert(write, interface_id=interface_id, mode=mode, subnet_id=nic.subnet_id)
        return []
    return [
        links.Wanted(
            link_id=links.insert(write, interface_id=interface_id, mode=mode, subnet_id=one.subnet_id, ip=one.ip),
            ip=one.ip,
            subnet_id=one.subnet_id,
            label=nic.label,
        )
        for one in nic.addresses
    ]


def _volume(system_id: str, position: int) -> str:
    """The name of a disk's own volume; "" for the root disk, which is the instance's."""
    return f"innkeeper-{system_id}-disk{position}" if position else ""


def own_volumes(where: Fit, system_id: str) -> list[tuple[str, str]]:
    """(pool, volume) of every disk that is a volume of its own."""
    return [(disk.pool, _volume(system_id, position)) for position, disk in enumerate(where.disks) if position]
