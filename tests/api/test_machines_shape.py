"""The JSON of a machine, field by field as MAAS's clients insist on it."""

from __future__ import annotations

import ipaddress

from innkeeper.model.host import HostInterface
from tests.api.facts import machine, place, vm
from tests.kit.house import Inn

TEXTS = [
    "system_id",
    "hostname",
    "fqdn",
    "resource_uri",
    "status_name",
    "status_action",
    "power_state",
    "power_type",
    "osystem",
    "distro_series",
    "architecture",
    "description",
    "node_type_name",
]


NUMBERS = [
    "status",
    "memory",
    "cpu_count",
    "cpu_speed",
    "node_type",
    "cpu_test_status",
    "memory_test_status",
    "storage_test_status",
]


LISTS = [
    "tag_names",
    "ip_addresses",
    "interface_set",
    "blockdevice_set",
    "physicalblockdevice_set",
    "virtualblockdevice_set",
    "special_filesystems",
    "raids",
    "bcaches",
    "volume_groups",
    "cache_sets",
    "iscsiblockdevice_set",
    "numanode_set",
]


FLAGS = ["locked", "netboot", "disable_ipv4", "enable_hw_sync", "ephemeral_deploy"]


DICTS = [
    "owner_data",
    "workload_annotations",
    "zone",
    "pool",
    "domain",
    "pod",
    "default_gateways",
    "boot_interface",
    "boot_disk",
]


NULL_OR_TEXT = ["status_message", "owner", "hwe_kernel", "min_hwe_kernel", "last_sync", "next_sync"]


NULL_OR_NUMBER = ["swap_size", "address_ttl"]


async def test_every_field_has_its_type(house: Inn) -> None:
    office = HostInterface(name="br1", kind="bridge", subnets=("10.1.0.0/24",), addresses=("10.1.0.1/24",))
    house.change("alpha", lambda world: world.interfaces.append(office))
    await house.add_host()
    m = await machine(
        house, hostname="web1", storage="8,20(fast)", interfaces="eth0:name=br1,ip=10.1.0.5;eth1:name=br0"
    )
    for names, kind in ((TEXTS, str), (NUMBERS, int), (LISTS, list), (FLAGS, bool), (DICTS, dict)):
        assert {name: type(m[name]) for name in names} == dict.fromkeys(names, kind)
    assert all(m[name] is None or type(m[name]) is str for name in NULL_OR_TEXT)
    assert all(m[name] is None or type(m[name]) is int for name in NULL_OR_NUMBER)
    assert type(m["storage"]) is float
    assert m["storage"] == 28000.0  # MB
    assert (m["osystem"], m["distro_series"]) == ("", "")  # Juju: not null
    assert (m["fqdn"], m["resource_uri"]) == ("web1.maas", f"/MAAS/api/2.0/machines/{m['system_id']}/")
    assert (m["status"], m["status_name"], m["power_state"], m["power_type"]) == (4, "Ready", "off", "simulated")
    assert m["power_state"] in ("on", "off", "unknown", "error")
    assert m["boot_interface"] == m["interface_set"][0]
    assert m["boot_disk"] == m["blockdevice_set"][0]
    assert m["physicalblockdevice_set"] == m["blockdevice_set"]
    assert set(m["pod"]) == {"id", "name", "resource_uri"}
    assert m["pod"]["resource_uri"] == f"/MAAS/api/2.0/pods/{m['pod']['id']}/"
    assert m["ip_addresses"] == ["10.1.0.5"]
    [link] = m["interface_set"][1]["links"]
    assert m["default_gateways"] == {
        "ipv4": {"gateway_ip": "10.0.0.1", "link_id": link["id"]},
        "ipv6": {"gateway_ip": None, "link_id": None},
    }
    for group in ("zone", "pool"):
        assert set(m[group]) == {"id", "name", "description", "resource_uri"}
    assert {"id", "name", "authoritative", "resource_record_count", "ttl", "resource_uri"} <= set(m["domain"])
    assert type(m["domain"]["authoritative"]) is bool
    assert type(m["domain"]["resource_record_count"]) is int
    assert all(type(value) is str for value in (m["hardware_info"] or {}).values())
    for address in m["ip_addresses"]:
        ipaddress.ip_address(address)


async def test_a_nic(house: Inn) -> None:
    [nic] = (await machine(house))["interface_set"]
    types = {"id": int, "name": str, "type": str, "resource_uri": str, "enabled": bool, "tags": list, "links": list}
    types |= {"parents": list, "children": list, "effective_mtu": int, "system_id": str, "mac_address": str}
    types |= {"numa_node": int, "sriov_max_vf": int, "link_speed": int, "interface_speed": int}
    assert {name: type(nic[name]) for name in types} == types
    types = {"id": int, "vid": int, "name": str, "fabric": str, "mtu": int, "dhcp_on": bool, "resource_uri": str}
    assert {name: type(nic["vlan"][name]) for name in types} == types
    assert nic["discovered"] is None
    assert nic["params"] in ("", {})
    assert nic["mac_address"].startswith("00:16:3e:")
    assert nic["resource_uri"] == f"/MAAS/api/2.0/nodes/{nic['system_id']}/interfaces/{nic['id']}/"
    [link] = nic["links"]  # a null fails Juju where a missing key does not
    assert (set(link), link["mode"]) == ({"id", "mode", "subnet", "learnt"}, "auto")
    assert (link["subnet"]["cidr"], link["subnet"]["space"]) == ("10.0.0.0/24", "undefined")


async def test_a_disk(house: Inn) -> None:
    [disk] = (await machine(house))["blockdevice_set"]
    types = {"id": int, "name": str, "resource_uri": str, "uuid": str, "model": str, "id_path": str, "path": str}
    types |= {"used_for": str, "tags": list, "block_size": int, "used_size": int, "size": int, "partitions": list}
    types |= {"storage_pool": str, "numa_node": int, "type": str}
    assert {name: type(disk[name]) for name in types} == types
    assert disk["id_path"].startswith("/dev/disk/by-id/")
    assert disk["type"] in ("physical", "virtual")
    assert disk["filesystem"] is None
    assert min(disk["block_size"], disk["size"]) > 0


async def test_an_adopted_machine(house: Inn) -> None:
    place(house, "alpha", vm("old", cores=2, memory=4096))
    await house.add_host()
    [m] = await house.admin.get("machines/", pod="alpha")
    assert (m["status_name"], m["locked"], m["power_state"], m["owner"], m["origin"]) == (
        "Deployed",
        True,
        "on",
        None,
        "adopted",
    )
    assert (m["boot_disk"], m["boot_interface"], m["blockdevice_set"], m["interface_set"]) == (None, None, [], [])
    assert m["storage"] == 0.0
    assert type(m["storage"]) is float
