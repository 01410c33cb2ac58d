"""What hosts report of their networks, kept as fabrics, VLANs and subnets. Pure decisions: `model.discovery`.

What a person can edit is written when a thing is first made and never again: names, gateway, DNS servers, space, MTU.
`dhcp_on` follows a managed network's own DHCP when that changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from innkeeper.model.discovery import NewSubnet, Spot, match, networks, new_subnets
from innkeeper.model.host import Host, HostInterface
from innkeeper.model.network import HostLink, Vlan
from innkeeper.placement.reach import offers
from innkeeper.store import events, fabrics, host_interfaces, subnets, vlans
from innkeeper.store.database import NETWORKS_LOCK, Write
from innkeeper.store.events import Event


def see(write: Write, host: Host, interfaces: Sequence[HostInterface]) -> None:
    """Keep the interfaces of a host, and the networks they are on. The same told again writes nothing."""
    offered = [one for one in interfaces if offers(one)]
    known = host_interfaces.of_host(write.sql, host.id)
    spots, made = _decide(write.sql, offered, known)
    if made or any(fabric < 0 for fabric, _ in spots.values()):
        if not write.is_sqlite:  # one at a time: two hosts may be the first to tell of one network
            write.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(NETWORKS_LOCK)))
        spots, made = _decide(write.sql, offered, known)
    there = _make_vlans(write, offered, spots)
    for one in made:
        subnets.create(
            write,
            cidr=one.cidr,
            vlan_id=there[one.spot].id,
            gateway_ip=one.gateway_ip,
            dns_servers=one.dns_servers,
            managed=one.managed,
        )
        _tell(write, host, one, there[one.spot])
    places = {name: there[spot].id for name, spot in spots.items()}
    _write_links(write, host, offered, known, places)
    _follow_dhcp(write, offered, known, {name: there[spot] for name, spot in spots.items()})


def _decide(
    sql: sa.Connection, offered: Sequence[HostInterface], known: dict[str, HostLink]
) -> tuple[dict[str, Spot], list[NewSubnet]]:
    on = subnets.by_cidr(sql, {cidr for one in offered for cidr in networks(one)})
    ids = {one.vlan_id for one in known.values() if one.vlan_id is not None} | {one.vlan_id for one in on.values()}
    spot = {one.id: (one.fabric_id, one.vid) for one in vlans.of(sql, ids).values()}
    was = {name: spot[one.vlan_id] for name, one in known.items() if one.vlan_id is not None}
    where = {cidr: spot[one.vlan_id] for cidr, one in on.items()}
    found = match(offered, known=was, subnets=where)
    return found.spots, new_subnets(offered, where=found.subnets, known=where)


def _make_vlans(write: Write, offered: Sequence[HostInterface], spots: dict[str, Spot]) -> dict[Spot, Vlan]:
    """The VLAN of every spot; those that are not there yet are made, as the first interface on them is."""
    there: dict[Spot, Vlan] = {}
    fresh: dict[int, int] = {}
    for one in offered:
        spot = spots.get(one.name)
        if spot is None or spot in there:
            continue
        fabric, vid = spot
        if fabric < 0:
            fresh[fabric] = fresh.get(fabric) or fabrics.create(write).id
            fabric = fresh[fabric]
        vlan = vlans.at(write.sql, fabric_id=fabric, vid=vid)
        if vlan is None:
            vlan = vlans.create(write, fabric_id=fabric, vid=vid, mtu=one.mtu or 1500)
        elif spot[0] < 0 and one.mtu:
            vlan = vlans.update(write, id=vlan.id, mtu=one.mtu)
        there[spot] = vlan
    return there


def _write_links(
    write: Write,
    host: Host,
    offered: Sequence[HostInterface],
    known: dict[str, HostLink],
    places: dict[str, int],
) -> None:
    for one in offered:
        before, vlan_id = known.get(one.name), places.get(one.name)
        if before is None:
            host_interfaces.insert(write, host_id=host.id, told=one, vlan_id=vlan_id)
        else:
            host_interfaces.update(write, before, told=one, vlan_id=vlan_id)
    if gone := [one.id for name, one in known.items() if name not in {each.name for each in offered}]:
        host_interfaces.delete(write, gone)


def _follow_dhcp(
    write: Write, offered: Sequence[HostInterface], known: dict[str, HostLink], on: dict[str, Vlan]
) -> None:
    """A VLAN whose managed network began or ceased to give addresses says so. Who ceased may not have been alone."""
    for one in offered:
        before, vlan = known.get(one.name), on.get(one.name)
        if vlan is None or (before is not None and before.dhcp == one.dhcp and before.vlan_id == vlan.id):
            continue
        ceased = before is not None and before.dhcp and not one.dhcp and before.vlan_id == vlan.id
        ceased = ceased and not any(each.dhcp for each in host_interfaces.on(write.sql, vlan.id))
        if (one.dhcp or ceased) and vlan.dhcp_on != one.dhcp:
            vlans.update(write, id=vlan.id, dhcp_on=one.dhcp)


def _tell(write: Write, host: Host, one: NewSubnet, vlan: Vlan) -> None:
    where = f"VLAN {vlan.name} of fabric {fabrics.find(write.sql, vlan.fabric_id).name}"
    text = f"{host.name} is on a subnet that was not known: {one.cidr}, {where}"
    events.add(write, Event(kind="host", what="network", text=text, host_id=host.id))
