"""The JSON of networks: fabrics, VLANs, spaces, subnets, routes, ranges, addresses, as MAAS's clients expect them.

A VLAN is told in full inside a subnet, and a subnet inside what is on it; `space` is always a name, "undefined" for a
VLAN without one. No field is missing, and only those are null that clients take null for.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from innkeeper.api.maas.shapes import API, Json
from innkeeper.model import addresses as decide
from innkeeper.model.addresses import Span
from innkeeper.model.network import UNDEFINED, UNDEFINED_ID, Fabric, IpRange, LinkMode, Space, StaticRoute, Subnet, Vlan
from innkeeper.model.network_names import Networks
from innkeeper.store.addresses import Address

_ALLOC = {None: (4, "User reserved"), LinkMode.STATIC: (1, "Sticky"), LinkMode.AUTO: (0, "Automatic")}
_DHCP = (5, "DHCP")
_BIGGEST = 2**63 - 1  # what the encoder takes as a number


class Wiring:
    """All networks that are known, by id, with the JSON of those that were asked for."""

    def __init__(self, known: Networks) -> None:
        self.known = known
        self.fabrics = {one.id: one for one in known.fabrics}
        self.spaces = {one.id: one for one in known.spaces}
        self.vlans = {one.id: one for one in known.vlans}
        self.subnets = {one.id: one for one in known.subnets}
        self._vlans: dict[int, msgspec.Raw] = {}
        self._subnets: dict[int, msgspec.Raw] = {}

    def space_of(self, one: Vlan) -> str:
        """The name of the space that a VLAN is in."""
        return self.spaces[one.space_id].name if one.space_id is not None else UNDEFINED

    def vlan(self, id: int) -> msgspec.Raw:
        """The JSON text of a VLAN, made once: a list of machines has it thousands of times."""
        if id not in self._vlans:
            self._vlans[id] = msgspec.Raw(msgspec.json.encode(self._vlan(self.vlans[id])))
        return self._vlans[id]

    def subnet(self, id: int) -> msgspec.Raw:
        """The JSON text of a subnet, made once."""
        if id not in self._subnets:
            self._subnets[id] = msgspec.Raw(msgspec.json.encode(self._subnet(self.subnets[id])))
        return self._subnets[id]

    def fabric(self, one: Fabric) -> Json:
        return {
            "id": one.id,
            "name": one.name,
            "description": one.description,
            "class_type": one.class_type,
            "vlans": [self.vlan(each.id) for each in self._in_fabric[one.id]],
            "resource_uri": f"{API}/fabrics/{one.id}/",
        }

    def space(self, one: Space) -> Json:
        return self._group(one, [each for each in self.known.vlans if each.space_id == one.id], f"{one.id}")

    def undefined(self) -> Json | None:
        """The pseudo space, when there is a VLAN without a space."""
        lost = [one for one in self.known.vlans if one.space_id is None]
        return self._group(Space(id=UNDEFINED_ID, name=UNDEFINED), lost, UNDEFINED) if lost else None

    def static_route(self, one: StaticRoute) -> Json:
        return {
            "id": one.id,
            "source": self.subnet(one.source_id),
            "destination": self.subnet(one.destination_id),
            "gateway_ip": one.gateway_ip,
            "metric": one.metric,
            "resource_uri": f"{API}/static-routes/{one.id}/",
        }

    def ip_range(self, one: IpRange, user: Json | None) -> Json:
        return {
            "id": one.id,
            "type": one.kind,
            "start_ip": one.start,
            "end_ip": one.end,
            "comment": one.comment,
            "user": user,
            "subnet": self.subnet(one.subnet_id),
            "resource_uri": f"{API}/ipranges/{one.id}/",
        }

    def address(self, one: Address, owner: Json | None) -> Json:
        """A taken address; `hostname` and `mac_address` are what it was reserved for."""
        kind, name = alloc(one)
        nic = {"system_id": one.system_id, "name": one.interface, "hostname": one.machine}
        return {
            "alloc_type": kind,
            "alloc_type_name": name,
            "ip": one.ip,
            "created": moment(one.created),
            "subnet": self.subnet(one.subnet_id),
            "interface_set": [nic] if one.system_id else [],
            "owner": owner,
            "hostname": one.hostname,
            "mac_address": one.mac or None,
            "resource_uri": f"{API}/ipaddresses/",
        }

    @cached_property
    def _in_fabric(self) -> dict[int, list[Vlan]]:
        found: dict[int, list[Vlan]] = defaultdict(list)
        for one in sorted(self.known.vlans, key=lambda one: one.vid):
            found[one.fabric_id].append(one)
        return found

    def _group(self, one: Space, vlans: list[Vlan], key: str) -> Json:
        ids = {each.id for each in vlans}
        return {
            "id": one.id,
            "name": one.name,
            "description": one.description,
            "vlans": [self.vlan(each.id) for each in vlans],
            "subnets": [self.subnet(each.id) for each in self.known.subnets if each.vlan_id in ids],
            "resource_uri": f"{API}/spaces/{key}/",
        }

    def _vlan(self, one: Vlan) -> Json:
        return {
            "id": one.id,
            "vid": one.vid,
            "name": one.name,
            "description": one.description,
            "fabric": self.fabrics[one.fabric_id].name,
            "fabric_id": one.fabric_id,
            "mtu": one.mtu,
            "dhcp_on": one.dhcp_on,
            "external_dhcp": None,
            "relay_vlan": None,
            "primary_rack": None,
            "secondary_rack": None,
            "space": self.space_of(one),
            "resource_uri": f"{API}/vlans/{one.id}/",
        }

    def _subnet(self, one: Subnet) -> Json:
        return {
            "id": one.id,
            "name": one.name,
            "description": one.description,
            "cidr": one.cidr,
            "vlan": self.vlan(one.vlan_id),
            "space": self.space_of(self.vlans[one.vlan_id]),
            "gateway_ip": one.gateway_ip,
            "dns_servers": list(one.dns_servers),
            "managed": one.managed,
            "allow_dns": one.allow_dns,
            "allow_proxy": one.allow_proxy,
            "active_discovery": one.active_discovery,
            "rdns_mode": one.rdns_mode,
            "disabled_boot_architectures": [],
            "resource_uri": f"{API}/subnets/{one.id}/",
        }


def alloc(one: Address) -> tuple[int, str]:
    """How an address was given: MAAS's number and word."""
    return _ALLOC.get(one.mode, _DHCP)


def spans(subnet: Subnet, pieces: Iterable[Span], *, purposes: bool) -> list[Json]:
    """Pieces of a subnet, with what they are used for."""
    return [
        {
            "start": decide.text(one.first, subnet.cidr),
            "end": decide.text(one.last, subnet.cidr),
            "num_addresses": number(one.count),
            **({"purpose": list(one.purposes) or ["unused"]} if purposes else {}),
        }
        for one in pieces
    ]


def statistics(subnet: Subnet, pieces: list[Span]) -> Json:
    """How full a subnet is; `pieces`: all of it. What has a purpose counts as used."""
    whole = decide.usable(subnet.cidr)
    free = [one.count for one in pieces if not one.purposes]
    used = (whole.count - sum(free)) / whole.count
    return {
        "num_available": number(sum(free)),
        "largest_available": number(max(free, default=0)),
        "num_unavailable": number(whole.count - sum(free)),
        "total_addresses": number(whole.count),
        "usage": used,
        "usage_string": f"{round(used * 100)}%",
        "available_string": f"{round((1 - used) * 100)}%",
        "first_address": decide.text(whole.first, subnet.cidr),
        "last_address": decide.text(whole.last, subnet.cidr),
        "ip_version": 6 if ":" in subnet.cidr else 4,
    }


def number(count: int) -> Any:
    """A count of addresses as JSON: IPv6 has more of them than 64 bits count."""
    return count if count <= _BIGGEST else msgspec.Raw(str(count).encode())


def moment(epoch: float) -> str:
    """A time as MAAS writes it, UTC; "" when it is not known (0)."""
    return "" if not epoch else time.strftime("%a, %d %b. %Y %H:%M:%S", time.gmtime(epoch))
