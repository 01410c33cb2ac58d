"""Devices: names with NICs that are no machine of ours, such as the containers that Juju puts in machines."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.errors import Invalid
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.model.names import random_name
from innkeeper.store import domains, interfaces, machines, pools, zones
from innkeeper.store.database import Write
from innkeeper.store.tables import interface


def create(
    write: Write,
    *,
    macs: tuple[str, ...],
    hostname: str = "",
    description: str = "",
    domain_id: int | None = None,
    zone_id: int | None = None,
    parent: str = "",
    owner_id: int,
) -> Machine:
    """Make a device with a NIC for each MAC; without a hostname it gets a free one. Invalid for a MAC that is taken."""
    made_up = not hostname
    used = sa.select(interface.c.mac).where(interface.c.mac.in_(macs)).order_by(interface.c.mac)
    taken = [*write.sql.scalars(used), *sorted({mac for mac in macs if macs.count(mac) > 1})]
    if taken:
        message = f"in use already, or sent twice: {', '.join(taken)}"
        raise Invalid(f"Invalid mac_addresses: {message}.", fields={"mac_addresses": [message]})
    while not hostname or (made_up and machines.taken(write.sql, hostname)):
        hostname = random_name()
    system_id = machines.fresh_id(write.sql)
    machines.insert(
        write,
        system_id=system_id,
        hostname=hostname,
        description=description,
        domain_id=domains.default_id(write.sql) if domain_id is None else domain_id,
        zone_id=zones.find(write.sql, name=zones.DEFAULT).id if zone_id is None else zone_id,
        pool_id=pools.DEFAULT_ID,
        origin=Origin.DEVICE,
        status=int(Status.DEPLOYED),  # no move leads from it but Missing, and no watcher looks for a device
        architecture="",
        cores=0,
        memory=0,
        owner_id=owner_id,
        parent=parent,
    )
    for position, mac in enumerate(macs):
        interfaces.insert(
            write, system_id=system_id, position=position, name=f"eth{position}", mac=mac, attach="", parent=""
        )
    return machines.find(write.sql, system_id)
