"""The JSON of NICs: a machine's own, and those of the host that a host's record stands for.

A link's subnet and address are absent where there is none, never null: clients take a null for a broken answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_interface

import msgspec

from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.shapes import API, Json
from innkeeper.model.gateways import default_gateways
from innkeeper.model.machine import Interface
from innkeeper.model.network import HostLink, Link

_ENCODER = msgspec.json.Encoder()
_TYPES = {"bridge": "bridge", "bond": "bond", "vlan": "vlan"}  # all else is physical to MAAS's clients


def interface(one: Interface, system_id: str, wiring: Wiring) -> Json:
    """A NIC with what it hangs on at the host. `attachment.vlan`: the tag of its frames, 0 none."""
    return _ALWAYS | _own(one, system_id, wiring)


def text(one: Interface, system_id: str, wiring: Wiring) -> msgspec.Raw:
    """The same as JSON text: a list of thousands makes what is the same of every NIC once."""
    return msgspec.Raw(_ALWAYS_TEXT + _ENCODER.encode(_own(one, system_id, wiring))[1:])


def _own(one: Interface, system_id: str, wiring: Wiring) -> Json:
    known = one.vlan_id is not None and one.vlan_id in wiring.vlans
    return {
        **_named(one.id, one.name, system_id),
        "type": "physical",
        "mac_address": one.mac,
        "tags": list(one.tags),
        "vlan": wiring.vlan(one.vlan_id) if known and one.vlan_id is not None else None,
        "links": [link(each, wiring) for each in one.links],
        "parents": [],
        "effective_mtu": wiring.vlans[one.vlan_id].mtu if known and one.vlan_id is not None else 1500,
        "attachment": {
            "type": one.attach,
            "host_interface": one.parent,
            "mode": one.mode or None,
            "vlan": one.vlan,
        },
    }


def link(one: Link, wiring: Wiring) -> Json:
    """How a NIC is linked. `learnt`: the address was seen, and not given by us."""
    made: Json = {"id": one.id, "mode": str(one.mode), "learnt": one.learnt}
    if one.subnet_id is not None and one.subnet_id in wiring.subnets:
        made["subnet"] = wiring.subnet(one.subnet_id)
    if one.ip:
        made["ip_address"] = one.ip
    return made


def host_interface(one: HostLink, system_id: str, wiring: Wiring) -> Json:
    """An interface of a VM host, with its addresses as links. Its id is what `interfaces=…id=` means."""
    known = one.vlan_id is not None and one.vlan_id in wiring.vlans
    return {
        **_ALWAYS,
        **_named(one.id, one.name, system_id),
        "type": _TYPES.get(one.kind, "physical"),
        "mac_address": one.mac,
        "tags": list(one.tags),
        "vlan": wiring.vlan(one.vlan_id) if known and one.vlan_id is not None else None,
        "links": [_host_link(number, address, wiring) for number, address in enumerate(one.addresses, 1)],
        "parents": [],
        "effective_mtu": wiring.vlans[one.vlan_id].mtu if known and one.vlan_id is not None else 1500,
        "attachment": None,
    }


def _host_link(number: int, address: str, wiring: Wiring) -> Json:
    one = ip_interface(address)
    subnet = wiring.known.by_cidr.get(str(one.network))
    made: Json = {"id": number, "mode": "static", "learnt": True, "ip_address": str(one.ip)}
    return made | ({"subnet": wiring.subnet(subnet.id)} if subnet else {})


def addresses(nics: Sequence[Interface]) -> list[str]:
    """Every address of a machine, each once."""
    return list(dict.fromkeys(link.ip for nic in nics for link in nic.links if link.ip))


def gateways(nics: Sequence[Interface], wiring: Wiring) -> Json:
    """A machine's default gateways, with the links they are reached through."""
    found = default_gateways(nics, wiring.subnets)
    told: Json = {"ipv4": _NO_GATEWAY, "ipv6": _NO_GATEWAY}
    return told | {f"ipv{version}": {"gateway_ip": one.ip, "link_id": one.link_id} for version, one in found.items()}


def _named(id: int, name: str, system_id: str) -> Json:
    uri = f"{API}/nodes/{system_id}/interfaces/{id}/"
    return {"id": id, "system_id": system_id, "name": name, "resource_uri": uri}


_NO_GATEWAY: Json = {"gateway_ip": None, "link_id": None}
# What is the same of every interface.
_ALWAYS: Json = {
    "enabled": True,
    "children": [],
    "discovered": None,
    "params": "",
    "vendor": None,
    "product": None,
    "firmware_version": None,
    "link_connected": True,
    "link_speed": 0,
    "interface_speed": 0,
    "numa_node": 0,
    "sriov_max_vf": 0,
}
_ALWAYS_TEXT = _ENCODER.encode(_ALWAYS)[:-1] + b","
