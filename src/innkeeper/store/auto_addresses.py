"""Addresses of AUTO links: given at a deployment where the network gives none, given back at its end."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.model.addresses import RESERVED
from innkeeper.model.machine import Machine
from innkeeper.model.network import LinkMode
from innkeeper.store import addresses, links
from innkeeper.store.database import Write
from innkeeper.store.network_tables import ip_range, link, subnet, vlan
from innkeeper.store.tables import interface

# Subnets whose addresses others give: by the DHCP of a host's network, or of whoever manages them. Of those that others
# manage we give what is in the ranges that they reserved for us.
_OURS = sa.select(ip_range.c.id).where(ip_range.c.subnet_id == subnet.c.id, ip_range.c.kind == RESERVED).exists()
_GIVEN = (
    sa.select(subnet.c.id)
    .join(vlan, vlan.c.id == subnet.c.vlan_id)
    .where(sa.or_(vlan.c.dhcp_on, sa.and_(~subnet.c.managed, ~_OURS)))
)


def give(write: Write, machine: Machine) -> None:
    """Take an address for every AUTO link whose subnet is ours to give of. Conflict naming one that has none left.

    Subnets are served in the order of their ids, so that two deployments never wait for each other crosswise.
    """
    given = set(write.sql.scalars(_GIVEN))
    ours = [
        (one.subnet_id, one.id, nic.mac)
        for nic in machine.interfaces
        for one in nic.links
        if one.mode == LinkMode.AUTO and one.subnet_id is not None and one.subnet_id not in given
        if not one.ip or one.learnt
    ]
    for subnet_id, link_id, mac in sorted(ours):
        ip = addresses.take_free(write, subnet_id=subnet_id, link_id=link_id, hostname=machine.hostname, mac=mac)
        links.update(write, link_id, ip=ip, learnt=False)


def take_back(write: Write, system_id: str) -> None:
    """What a deployment was given, and what was seen on its NICs, is forgotten. STATIC addresses are the machine's."""
    nics = sa.select(interface.c.id).where(interface.c.system_id == system_id)
    mine = link.c.interface_id.in_(nics)
    given = list(write.sql.scalars(sa.select(link.c.id).where(mine, link.c.mode == LinkMode.AUTO, ~link.c.learnt)))
    addresses.release_links(write, given)
    write.sql.execute(sa.delete(link).where(mine, link.c.learnt, link.c.mode == LinkMode.LINK_UP))
    leaves = sa.or_(link.c.id.in_(given), link.c.learnt)
    write.sql.execute(sa.update(link).where(mine, leaves).values(ip="", learnt=False))
