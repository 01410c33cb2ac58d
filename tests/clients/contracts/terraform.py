"""gomaasclient reads into Go's structures: fields may be missing, a wrong type ends the plan."""

from __future__ import annotations

from tests.clients.contracts.shape import Address, Texts, key, may, must

_FIGURES = {"cores": may(int), "memory": may(int), "local_storage": may(int)}
_NAMED = {"id": may(int), "name": may(str), "description": may(str), "resource_uri": may(str)}
named = _NAMED  # a zone, a resource pool
domain = {
    "id": may(int),
    "name": may(str),
    "authoritative": may(bool),
    "ttl": may(int),
    "resource_record_count": may(int),
    "resource_uri": may(str),
}
storage_pool = {
    "id": may(str),
    "name": may(str),
    "type": may(str),
    "path": may(str),
    "total": may(int),
    "used": may(int),
    "available": may(int),
    "default": may(bool),
}
vm_host = {
    "id": may(int),
    "name": may(str),
    "type": may(str),
    "resource_uri": must(str),
    "zone": may(_NAMED),
    "pool": may(_NAMED),
    "tags": may([str]),
    "architectures": may([str]),
    "capabilities": may([str]),
    "total": may(_FIGURES),
    "used": may(_FIGURES),
    "available": may(_FIGURES),
    "cpu_over_commit_ratio": may(float),
    "memory_over_commit_ratio": may(float),
    "default_macvlan_mode": may(str),
    "host": must({"system_id": must(str)}),
    "storage_pools": may([storage_pool]),
}
vlan = {
    "id": may(int),
    "vid": may(int),
    "mtu": may(int),
    "dhcp_on": may(bool),
    "fabric": may(str),
    "fabric_id": may(int),
    "name": may(str),
    "primary_rack": may(str),
    "secondary_rack": may(str),
    "relay_vlan": may(dict),
    "space": may(str),
    "resource_uri": may(str),
}
subnet = {
    "id": may(int),
    "name": may(str),
    "cidr": may(str),
    "space": may(str),
    "gateway_ip": may(str),
    "dns_servers": may([str]),
    "vlan": may(vlan),
    "managed": may(bool),
    "allow_dns": may(bool),
    "allow_proxy": may(bool),
    "active_discovery": may(bool),
    "rdns_mode": may(int),
    "resource_uri": may(str),
}
link = {"id": may(int), "mode": may(str), "subnet": may(subnet), "ip_address": may(Address)}
interface = {
    "id": may(int),
    "name": may(str),
    "type": may(str),
    "mac_address": may(str),
    "enabled": may(bool),
    "tags": may([str]),
    "vlan": may(vlan),
    "links": may([link]),
    "parents": may([str]),
    "children": may([str]),
    "effective_mtu": may(int),
    "system_id": may(str),
    "discovered": may(list),
    "numa_node": may(int),
    "sriov_max_vf": may(int),
    "link_speed": may(int),
    "interface_speed": may(int),
    "resource_uri": may(str),
}
disk = {
    "id": may(int),
    "uuid": may(str),
    "name": may(str),
    "model": may(str),
    "serial": may(str),
    "id_path": may(str),
    "path": may(str),
    "used_for": may(str),
    "tags": may([str]),
    "block_size": may(int),
    "used_size": may(int),
    "available_size": may(int),
    "size": may(int),
    "filesystem": may(dict),
    "partitions": may(list),
    "type": may(str),
    "storage_pool": may(str),
    "numa_node": may(int),
    "resource_uri": may(str),
}
_gateway = {"gateway_ip": may(str), "link_id": may(int)}
_node = {
    "index": may(int),
    "memory": may(int),
    "cores": may([int]),
    "hugepages_set": may([{"page_size": may(int), "total": may(int)}]),
}
machine = {
    "system_id": may(str),
    "hostname": may(str),
    "fqdn": may(str),
    "resource_uri": must(str),
    "status_name": must(str),
    "status": may(int),
    "status_message": may(str),
    "status_action": may(str),
    "power_state": may(str),
    "power_type": may(str),
    "osystem": may(str),
    "distro_series": may(str),
    "hwe_kernel": may(str),
    "min_hwe_kernel": may(str),
    "architecture": may(str),
    "memory": may(int),
    "cpu_count": may(int),
    "storage": may(float),
    **dict.fromkeys(("cpu_speed", "swap_size", "address_ttl", "node_type"), may(int)),
    # The structure has them, so they are there: a table of what may be missing would not see them go.
    **{f"{part}_test_status": key(int) for part in ("cpu", "memory", "network", "other", "storage")},
    "iscsiblockdevice_set": key(list),
    "tag_names": may([str]),
    "owner": may(str),
    "workload_annotations": may(Texts),
    "hardware_info": may(Texts),
    "ip_addresses": may([Address]),
    "interface_set": may([interface]),
    "boot_interface": may(interface),
    "blockdevice_set": may([disk]),
    "physicalblockdevice_set": may([disk]),
    **dict.fromkeys(
        ("virtualblockdevice_set", "special_filesystems", "raids", "bcaches", "volume_groups", "cache_sets"),
        may(list),
    ),
    "boot_disk": may(disk),
    "zone": may(_NAMED),
    "pool": may(_NAMED),
    "domain": may(domain),
    "pod": may({"id": may(int), "name": may(str), "resource_uri": may(str)}),
    "default_gateways": may({"ipv4": may(_gateway), "ipv6": may(_gateway)}),
    "numanode_set": may([_node]),
    "last_sync": may(str),
    "next_sync": may(str),
    **dict.fromkeys(("locked", "netboot", "disable_ipv4", "enable_hw_sync", "ephemeral_deploy"), may(bool)),
}
fabric = {"id": may(int), "name": may(str), "class_type": may(str), "vlans": may([vlan]), "resource_uri": may(str)}
user = {"username": must(str), "email": may(str), "is_superuser": may(bool), "resource_uri": may(str)}
tag = {"name": may(str), "comment": may(str), "definition": may(str), "kernel_opts": may(str)}
