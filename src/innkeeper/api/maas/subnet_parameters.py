"""What can be said about a subnet, and how it becomes columns: every address is checked against its network."""

from __future__ import annotations

import ipaddress
from typing import Any

from innkeeper.api.maas import network_lookups as lookups
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.values import Values
from innkeeper.model.network import UNTAGGED, Subnet
from innkeeper.model.network_names import Networks
from innkeeper.store import fabrics, networks, vlans
from innkeeper.store.database import Write

_COMMON = (
    Param("name", "text", "The subnet's name. Default: its CIDR.", longest=256),
    Param("description", "text", "What it is for."),
    Param("vlan", "text", "The id of the VLAN that it is on. Default: the one of `fabric` and `vid`."),
    Param("fabric", "text", "The fabric of its VLAN, by name or id. Default: the first one."),
    Param("vid", "integer", "The tag of its VLAN in that fabric. Default: untagged.", minimum=0, maximum=4094),
    Param("gateway_ip", "text", "Where guests reach other networks."),
    Param("dns_servers", "csv", "The DNS servers that guests use.", repeated=True, example="9.9.9.9,1.1.1.1"),
    Param("managed", "boolean", "Whether its addresses are ours to give; if not, only those of reserved ranges are."),
    Param("allow_dns", "boolean", "Kept for clients; nothing is answered by Innkeeper itself."),
    Param("allow_proxy", "boolean", "Kept for clients; there is no proxy."),
    Param("active_discovery", "boolean", "Kept for clients; nobody probes the network."),
    Param("rdns_mode", "integer", "Kept for clients; the network's own DNS answers.", minimum=0, maximum=2),
    Param("disabled_boot_architectures", "text", "Nothing boots over the network here.", must_equal=()),
)
CREATE = (Param("cidr", "text", "The network.", required=True, example="10.0.0.0/24"), *_COMMON)
UPDATE = (Param("cidr", "text", "Another network, that all taken addresses are in."), *_COMMON)
_FLAGS = ("managed", "allow_dns", "allow_proxy", "active_discovery")


def columns(values: Values, cidr: str, *, before: Subnet | None = None) -> dict[str, Any]:
    """The columns that were sent, beside the VLAN. Raises Invalid."""
    found: dict[str, Any] = {name: values.text(name) for name in ("name", "description") if values.text(name)}
    if values.empty("description"):
        found["description"] = ""
    found |= {name: values.boolean(name) for name in _FLAGS if values.boolean(name) is not None}
    if values.integer("rdns_mode") is not None:
        found["rdns_mode"] = values.integer("rdns_mode")
    if "gateway_ip" in values.sent:
        found["gateway_ip"] = _gateway(values.text("gateway_ip"), cidr)
    elif before is not None and before.cidr != cidr and before.gateway_ip:
        _gateway(before.gateway_ip, cidr)
    if "dns_servers" in values.sent:
        servers = [each for text in values.texts("dns_servers") for each in text.split()]
        found["dns_servers"] = tuple(lookups.address_sent(each, field="dns_servers") for each in servers)
    return found


def vlan_id(write: Write, values: Values, *, before: Subnet | None = None) -> int:
    """The VLAN that is meant: by its id, by fabric and vid, else `before`'s, else the untagged one of the first fabric,
    which is made when there is none. Raises Invalid."""
    known = networks.known(write.sql)
    fabric = lookups.fabric_sent(known, values.text("fabric")) if values.text("fabric") else None
    vid = values.integer("vid")
    if values.text("vlan"):
        one = lookups.vlan_sent(known, values.text("vlan"))
        if fabric is not None and one.fabric_id != fabric.id:
            raise lookups.refused("vlan", f"the VLAN {one.id} is not in the fabric {fabric.name}")
        if vid is not None and one.vid != vid:
            raise lookups.refused("vid", f"the VLAN {one.id} has the vid {one.vid}")
        return one.id
    if before is not None and fabric is None and vid is None:
        return before.vlan_id
    fabric_id = fabric.id if fabric else _default_fabric(write, known, before)
    there = vlans.at(write.sql, fabric_id=fabric_id, vid=vid or UNTAGGED)
    if there is None:
        raise lookups.refused("vid", f"the fabric {fabric_id} has no VLAN with vid {vid}; make it first")
    return there.id


def _default_fabric(write: Write, known: Networks, before: Subnet | None) -> int:
    if before is not None:
        return next(one.fabric_id for one in known.vlans if one.id == before.vlan_id)
    return known.fabrics[0].id if known.fabrics else fabrics.create(write).id


def _gateway(text: str, cidr: str) -> str | None:
    """A gateway in the subnet, or (IPv6) a link-local one; None for ""."""
    if not text.strip():
        return None
    ip = lookups.address_sent(text, field="gateway_ip")
    address, network = ipaddress.ip_address(ip), ipaddress.ip_network(cidr)
    if address not in network and not (network.version == 6 and address.version == 6 and address.is_link_local):
        raise lookups.refused("gateway_ip", f"{ip} is not in {cidr}: guests could not reach it")
    return ip
