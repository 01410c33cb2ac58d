"""The JSON of NICs: a machine's own, and those of the host that a host's record stands for.

A link's subnet and address are absent where there is none, never null: clients take a null for a broken answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_interface

from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.shapes import API, Json
from innkeeper.model.gateways import default_gateways
from innkeeper.model.machine import Interface
from innkeeper.model.network import HostLink, Link

_TYPES = {"bridge": "bridge", "bond": "bond", "vlan": "vlan"}  # all else is physical to MAAS's clients


def interface(one: Interface, system_id: str, wiring: Wiring) -> Json:
    """A NIC with what it hangs on at the host. `attachment.vlan`: the tag of its frames, 0 none."""
    known = one.vlan_id is not None and one.vlan_id in wiring.vlans
    return {
        **_common(one.id, one.name, system_id),
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
        **_common(one.id, one.name, system_id),
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
    return {
        f"ipv{version}": {"gateway_ip": found[version].ip, "link_id": found[version].link_id}
        if version in found
        else {"gateway_ip": None, "link_id": None}
        for version in (4, 6)
    }


def _common(id: int, name: str, system_id: str) -> Json:
    return {
        "id": id,
        "system_id": system_id,
        "name": name,
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
        "resource_uri": f"{API}/nodes/{system_id}/interfaces/{id}/",
    }
