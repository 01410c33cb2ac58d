"""gomaasapi checks every answer against a schema; what Juju reads of it is in there."""

from __future__ import annotations

from tests.clients.contracts.shape import Address, DeviceUri, Texts, Uri, may, must, omit

_ZONE = {"name": must(str), "description": must(str), "resource_uri": must(Uri)}
version = {"version": must(str), "subversion": must(str), "capabilities": must([str])}
zone = _ZONE
pool = {"name": must(str), "description": must(str), "resource_uri": must(Uri)}
domain = {
    "authoritative": must(bool),
    "resource_record_count": must(int),
    "ttl": may(int),
    "resource_uri": must(Uri),
    "id": must(int),
    "name": must(str),
}
vlan = {
    "id": must(int),
    "resource_uri": must(Uri),
    "name": may(str),
    "fabric": must(str),
    "vid": must(int),
    "mtu": must(int),
    "dhcp_on": must(bool),
    "primary_rack": may(str),
    "secondary_rack": may(str),
}
subnet = {
    "resource_uri": must(Uri),
    "id": must(int),
    "name": must(str),
    "space": must(str),
    "gateway_ip": may(str),
    "cidr": must(str),
    "vlan": must(vlan),
    "dns_servers": may([str]),
}
fabric = {
    "resource_uri": must(Uri),
    "id": must(int),
    "name": must(str),
    "class_type": may(str),
    "vlans": must([vlan]),
}
space = {"resource_uri": must(Uri), "id": must(int), "name": must(str), "subnets": must([subnet])}
link = {"id": must(int), "mode": must(str), "subnet": omit(subnet), "ip_address": omit(Address)}
interface = {
    "resource_uri": must(Uri),
    "id": must(int),
    "name": must(str),
    "type": must(str),
    "enabled": must(bool),
    "tags": may([str]),
    "vlan": may(vlan),
    "links": must([link]),
    "mac_address": may(str),
    "effective_mtu": must(int),
    "parents": must([str]),
    "children": must([str]),
    "discovered": may(list),
}
filesystem = {"fstype": must(str), "uuid": must(str), "mount_point": may(str), "label": may(str)}
disk = {
    "resource_uri": must(Uri),
    "id": must(int),
    "uuid": may(str),
    "name": must(str),
    "model": may(str),
    "id_path": may(str),
    "path": must(str),
    "used_for": must(str),
    "tags": must([str]),
    "block_size": must(int),
    "used_size": must(int),
    "size": must(int),
    "filesystem": may(filesystem),
    "partitions": must(list),
}
machine = {
    "resource_uri": must(Uri),
    "system_id": must(str),
    "hostname": must(str),
    "fqdn": must(str),
    "tag_names": must([str]),
    "owner_data": must(Texts),
    "osystem": must(str),
    "distro_series": must(str),
    "architecture": must(str),
    "memory": must(int),
    "cpu_count": must(int),
    "hardware_info": may(Texts),
    "ip_addresses": must([Address]),
    "power_state": must(str),
    "status_name": must(str),
    "status_message": may(str),
    "boot_interface": may(interface),
    "interface_set": must([interface]),
    "zone": must(_ZONE),
    "pool": may(pool),
    "physicalblockdevice_set": must([disk]),
    "blockdevice_set": must([disk]),
}
allocated = machine | {"constraints_by_type": must({"interfaces": omit(dict), "storage": omit(dict)})}
vm_host = {
    "resource_uri": must(Uri),
    "id": must(int),
    "name": must(str),
    "type": omit(str),
    "zone": omit(_ZONE),
    "pool": omit(pool),
}
device = {
    "resource_uri": must(DeviceUri),
    "system_id": must(str),
    "hostname": must(str),
    "fqdn": must(str),
    "parent": may(str),
    "owner": may(str),
    "ip_addresses": must([Address]),
    "interface_set": must([interface]),
    "zone": must(_ZONE),
    "pool": may(pool),
}
file = {"resource_uri": must(Uri), "filename": must(str), "anon_resource_uri": must(str), "content": omit(str)}
boot_resource = {
    "resource_uri": must(Uri),
    "id": must(int),
    "name": must(str),
    "type": must(str),
    "architecture": must(str),
    "subarches": omit(str),
    "kflavor": omit(str),
}
static_route = {
    "resource_uri": must(Uri),
    "id": must(int),
    "source": must(subnet),
    "destination": must(subnet),
    "gateway_ip": must(str),
    "metric": must(int),
}
