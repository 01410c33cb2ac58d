"""What a guest's seed is made of, read: its owner's keys, and its NICs with the subnets they are linked to."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_interface, ip_network

import sqlalchemy as sa

from innkeeper.model.gateways import default_gateways
from innkeeper.model.machine import Interface, Machine
from innkeeper.model.network import Link, LinkMode, Subnet
from innkeeper.model.seed import Guest, Leg, Nic, Route
from innkeeper.store import ssh_keys, subnets
from innkeeper.store.network_tables import static_route, subnet, vlan
from innkeeper.store.tables import domain

_MTUS = sa.select(vlan.c.id, vlan.c.mtu)
_ROUTES = (
    sa.select(static_route.c.source_id, static_route.c.gateway_ip, static_route.c.metric, subnet.c.cidr)
    .join(subnet, subnet.c.id == static_route.c.destination_id)
    .order_by(static_route.c.id)
)


def guest(sql: sa.Connection, machine: Machine, *, phone_home: str) -> Guest:
    """Who the guest is, and who may log in to it: the machine's owner."""
    keys = ssh_keys.of_user(sql, machine.owner_id) if machine.owner_id is not None else []
    name = sql.scalar(sa.select(domain.c.name).where(domain.c.id == machine.domain_id))
    return Guest(
        system_id=machine.system_id,
        hostname=machine.hostname,
        domain=str(name),
        keys=tuple(one.key for one in keys),
        phone_home=phone_home,
    )


def nics(sql: sa.Connection, machine: Machine) -> tuple[Nic, ...]:
    """A machine's NICs as its guest shall have them. Three queries."""
    on = subnets.of(sql, {link.subnet_id for nic in machine.interfaces for link in nic.links if link.subnet_id})
    mtus = {row.id: row.mtu for row in sql.execute(_MTUS)}
    routes: dict[int, list[Route]] = {}
    for row in sql.execute(_ROUTES):
        route = Route(to=row.cidr, via=row.gateway_ip, metric=row.metric)
        routes.setdefault(row.source_id, []).append(route)
    default = {version: one.link_id for version, one in default_gateways(machine.interfaces, on).items()}
    return tuple(_nic(one, on, mtus, routes, default) for one in machine.interfaces)


def _nic(
    one: Interface,
    on: Mapping[int, Subnet],
    mtus: Mapping[int, int],
    routes: Mapping[int, list[Route]],
    default: Mapping[int, int],
) -> Nic:
    mtu = mtus.get(one.vlan_id, 1500) if one.vlan_id is not None else 1500
    asked = [link for link in one.links if not link.seen_only]
    if not asked and one.vlan_id is None:  # nothing is known of it: whoever is there may give it an address
        return Nic(name=one.name, mac=one.mac, mtu=mtu, legs=(Leg(),))
    legs = [leg for link in asked if (leg := _leg(link, on, routes, default)) is not None]
    return Nic(name=one.name, mac=one.mac, mtu=mtu, legs=tuple(legs))


def _leg(
    link: Link, on: Mapping[int, Subnet], routes: Mapping[int, list[Route]], default: Mapping[int, int]
) -> Leg | None:
    """How a link is in the guest; None: it has no address. `default`: the link with the default gateway, by IP
    version."""
    known = on.get(link.subnet_id) if link.subnet_id is not None else None
    if link.mode == LinkMode.LINK_UP:
        return None
    fixed = link.ip if link.ip and not link.learnt and link.mode in (LinkMode.STATIC, LinkMode.AUTO) else ""
    if known is None:
        return Leg() if not fixed else Leg(address=str(ip_interface(fixed)))
    net = ip_network(known.cidr)
    elsewhere = default.get(net.version, link.id) != link.id
    if not fixed:
        return Leg(version=net.version, secondary=elsewhere)
    return Leg(
        address=f"{fixed}/{net.prefixlen}",
        version=net.version,
        gateway="" if elsewhere else known.gateway_ip or "",
        dns=known.dns_servers,
        routes=tuple(routes.get(known.id, ())),
    )
