"""The collection takes fields by their keys: one that is missing is a KeyError."""

from __future__ import annotations

from tests.clients.contracts.shape import key, may, must, omit

named = {"id": must(int), "name": must(str)}  # a zone, a resource pool, a domain
vm_host = {
    "id": must(int),
    "name": must(str),
    "type": must(str),
    "zone": must(named),
    "pool": must(named),
    "tags": must([str]),
    "cpu_over_commit_ratio": must(float),
    "memory_over_commit_ratio": must(float),
    "default_macvlan_mode": key(str),
}
interface = {
    "id": must(int),
    "name": must(str),
    "mac_address": must(str),
    "enabled": must(bool),
    "tags": must([str]),
    "vlan": key(dict),
    "links": must([{"id": must(int), "mode": must(str), "subnet": omit({"cidr": must(str)})}]),
    "effective_mtu": must(int),
    "system_id": must(str),
}
machine = {
    "system_id": must(str),
    "hostname": must(str),
    "fqdn": must(str),
    "status_name": must(str),
    "power_type": must(str),
    "osystem": must(str),
    "distro_series": must(str),
    "hwe_kernel": key(str),
    "min_hwe_kernel": key(str),
    "architecture": must(str),
    "memory": must(int),
    "cpu_count": must(int),
    "tag_names": must([str]),
    "interface_set": must([interface]),
    "blockdevice_set": must([{"id": must(int), "name": must(str), "size": must(int)}]),
    "zone": must({"id": must(int)}),
    "pool": must({"id": must(int)}),
    "domain": must({"id": must(int)}),
    "pod": may({"name": must(str)}),
}
