"""What a guest's seed is made of, read: its owner's keys, and its NICs with the subnets they are linked to."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface, ip_network
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.model.machine import Interface, Machine
from innkeeper.model.network import Link, LinkMode
from innkeeper.model.seed import Guest, Leg, Nic, Route
from innkeeper.store import ssh_keys
from innkeeper.store.network_tables import static_route, subnet, vlan
from innkeeper.store.tables import domain

_SUBNETS = sa.select(subnet.c.id, subnet.c.cidr, subnet.c.gateway_ip, subnet.c.dns_json, subnet.c.vlan_id)
_MTUS = sa.select(vlan.c.id, vlan.c.mtu)
_ROUTES = sa.select(
    static_route.c.source_id, static_route.c.destination_id, static_route.c.gateway_ip, static_route.c.metric
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
    subnets = {row.id: row for row in sql.execute(_SUBNETS)}
    mtus = {row.id: row.mtu for row in sql.execute(_MTUS)}
    routes: dict[int, list[Route]] = {}
    for row in sql.execute(_ROUTES.order_by(static_route.c.id)):
        if row.destination_id in subnets:
            route = Route(to=subnets[row.destination_id].cidr, via=row.gateway_ip, metric=row.metric)
            routes.setdefault(row.source_id, []).append(route)
    found = tuple(_nic(one, subnets, mtus, routes) for one in machine.interfaces)
    chosen = {
        ip_network(subnets[one.subnet_id].cidr).version: one.subnet_id
        for nic in machine.interfaces
        for one in nic.links
        if one.gateway and one.subnet_id in subnets
    }
    gateways: dict[int, str] = {int(version): subnets[id].gateway_ip or "" for version, id in chosen.items()}
    return tuple(replace(nic, legs=tuple(_chosen(leg, gateways) for leg in nic.legs)) for nic in found)


def _chosen(leg: Leg, gateways: dict[int, str]) -> Leg:
    """Where a person chose the default gateway of an IP version, the others are none."""
    others = leg.version in gateways and leg.gateway != gateways[leg.version]
    return replace(leg, gateway="") if others else leg


def _nic(one: Interface, subnets: dict[int, Any], mtus: dict[int, int], routes: dict[int, list[Route]]) -> Nic:
    mtu = mtus.get(one.vlan_id, 1500) if one.vlan_id is not None else 1500
    asked = [link for link in one.links if not link.seen_only]
    if not asked:  # nothing is known of what it hangs on: whoever is there may give it an address
        return Nic(name=one.name, mac=one.mac, mtu=mtu, legs=(Leg(),))
    legs = [leg for link in asked if (leg := _leg(link, subnets, routes)) is not None]
    return Nic(name=one.name, mac=one.mac, mtu=mtu, legs=tuple(legs))


def _leg(link: Link, subnets: dict[int, Any], routes: dict[int, list[Route]]) -> Leg | None:
    """How a link is in the guest; None: it has no address."""
    known = subnets.get(link.subnet_id) if link.subnet_id is not None else None
    if link.mode == LinkMode.LINK_UP:
        return None
    fixed = link.ip if link.ip and not link.learnt and link.mode in (LinkMode.STATIC, LinkMode.AUTO) else ""
    if known is None:
        return Leg() if not fixed else Leg(address=str(ip_interface(fixed)))
    net = ip_network(known.cidr)
    if not fixed:
        return Leg(version=net.version)
    return Leg(
        address=f"{fixed}/{net.prefixlen}",
        version=net.version,
        gateway=known.gateway_ip or "",
        dns=tuple(msgspec.json.decode(known.dns_json)),
        routes=tuple(routes.get(known.id, ())),
    )
