"""Every call that some client of MAAS makes has a route: what it does, or the words in which it is refused."""

from __future__ import annotations

from innkeeper.api.app import ROUTES
from innkeeper.api.maas.routes import Table

HOST_OPS = "GET, PUT, DELETE, POST compose, GET parameters, POST refresh, POST add_tag, POST remove_tag"
MACHINE_OPS = (
    "GET, PUT, DELETE, POST deploy, POST release, POST set_owner_data, POST set_workload_annotations, "
    "POST commission, POST power_on, POST power_off, POST lock, POST unlock, POST abort, POST mark_broken, "
    "POST mark_fixed, POST rescue_mode, POST exit_rescue_mode, POST test, POST override_failed_testing, "
    "POST restore_networking_configuration, POST restore_storage_configuration, POST restore_default_configuration, "
    "GET power_parameters, GET query_power_state, GET get_curtin_config, GET details, GET get_token"
)
NIC_OPS = (
    "GET, PUT, DELETE, POST disconnect, POST link_subnet, POST unlink_subnet, POST set_default_gateway, "
    "POST add_tag, POST remove_tag"
)
CRUD = "GET, PUT, DELETE"
# By path, with a value in each place: what clients.md calls essential or used.
CALLS = {
    "version/": "GET",
    "describe/": "GET",
    "users/": "GET, GET whoami, POST",
    "users/ann/": CRUD,
    "account/": "POST create_authorisation_token, POST delete_authorisation_token, GET list_authorisation_tokens, "
    "POST update_token_name",
    "account/prefs/sshkeys/": "GET, POST, POST import",
    "account/prefs/sshkeys/1/": "GET, DELETE",
    "account/prefs/sslkeys/": "GET, POST",
    "zones/": "GET, POST",
    "zones/z/": CRUD,
    "resourcepools/": "GET, POST",
    "resourcepool/1/": CRUD,
    "domains/": "GET, POST",
    "domains/1/": f"{CRUD}, POST set_default",
    "spaces/": "GET, POST",
    "spaces/1/": CRUD,
    "fabrics/": "GET, POST",
    "fabrics/1/": CRUD,
    "fabrics/1/vlans/": "GET, POST",
    "fabrics/1/vlans/0/": CRUD,
    "vlans/1/": CRUD,
    "subnets/": "GET, POST",
    "subnets/1/": f"{CRUD}, GET ip_addresses, GET reserved_ip_ranges, GET unreserved_ip_ranges, GET statistics",
    "static-routes/": "GET, POST",
    "static-routes/1/": CRUD,
    "ipranges/": "GET, POST",
    "ipranges/1/": CRUD,
    "ipaddresses/": "GET, POST reserve, POST release",
    "reservedips/": "GET, POST",
    "dnsresources/": "GET, POST",
    "dnsresources/1/": CRUD,
    "dnsresourcerecords/": "GET, POST",
    "dnsresourcerecords/1/": CRUD,
    "devices/": "GET, POST",
    "devices/x/": CRUD,
    "tags/": "GET, POST",
    "tags/t/": f"{CRUD}, POST update_nodes, GET machines, GET nodes, GET devices, POST rebuild",
    "files/": "GET, GET get, GET get_by_key, POST",
    "files/f/": "GET, DELETE",
    "maas/": "GET get_config, POST set_config",
    "events/": "GET query",
    "boot-resources/": "GET, POST, POST import, GET is_importing, POST stop_import",
    "boot-resources/1/": "GET, DELETE",
    "boot-sources/": "GET, POST",
    "boot-sources/1/": CRUD,
    "boot-sources/1/selections/": "GET, POST",
    "boot-sources/1/selections/1/": CRUD,
    "vm-hosts/": "GET, POST",
    "vm-hosts/1/": HOST_OPS,
    "pods/": "GET, POST",
    "pods/1/": HOST_OPS,
    "vm-clusters/": "GET",
    "vm-clusters/1": "GET, PUT, DELETE",
    "virtual-machines/": "GET",
    "virtual-machines/1": "GET",
    "machines/": "GET, POST, POST allocate, POST release, POST accept, POST accept_all, POST add_chassis, POST clone, "
    "GET list_allocated, GET power_parameters, POST set_zone, GET is_registered",
    "machines/x/": MACHINE_OPS,
    "nodes/": "GET, GET is_registered, POST set_zone",
    "nodes/x/": "GET, DELETE",
    "nodes/x/interfaces/": "GET, POST create_physical, POST create_bond, POST create_bridge, POST create_vlan",
    "nodes/x/interfaces/1/": NIC_OPS,
    "nodes/x/blockdevices/": "GET, POST",
    "nodes/x/blockdevices/1/": "GET, PUT, DELETE, POST add_tag, POST remove_tag, POST format, POST unformat, "
    "POST mount, POST unmount, POST set_boot_disk",
    "nodes/x/blockdevices/1/partitions/": "GET, POST",
    "nodes/x/blockdevices/1/partition/1": "GET, DELETE, POST format, POST unformat, POST mount, POST unmount",
    "nodes/x/blockdevices/1/partitions/1": "GET, DELETE",
    "nodes/x/raids/": "GET, POST",
    "nodes/x/raid/1/": CRUD,
    "nodes/x/bcaches/": "GET, POST",
    "nodes/x/bcache/1/": CRUD,
    "nodes/x/bcache-cache-sets/": "GET, POST",
    "nodes/x/bcache-cache-set/1/": CRUD,
    "nodes/x/volume-groups/": "GET, POST",
    "nodes/x/volume-group/1/": f"{CRUD}, POST create_logical_volume, POST delete_logical_volume",
    "nodes/x/vmfs-datastores/": "GET, POST",
    "nodes/x/results/": "GET",
    "nodes/x/devices/": "GET",
    "discovery/": "GET, GET by_unknown_mac, GET by_unknown_ip, POST scan, POST clear",
    "rackcontrollers/": "GET, POST import_boot_images",
    "rackcontrollers/x/": CRUD,
    "regioncontrollers/": "GET",
    "regioncontrollers/x/": CRUD,
    "node-results/": "GET",
    "scripts/": "GET, POST",
    "scripts/s/": CRUD,
    "notifications/": "GET, POST",
    "notifications/1/": f"{CRUD}, POST dismiss",
    "package-repositories/": "GET, POST",
    "package-repositories/1/": CRUD,
    "license-keys/": "GET, POST",
    "license-key/windows/2022/": CRUD,
    "dhcp-snippets/": "GET, POST",
    "dhcp-snippets/1/": CRUD,
}


def test_every_call_of_every_client_has_a_route() -> None:
    table, missing = Table(ROUTES), []
    for path, calls in CALLS.items():
        found = table.find(path)
        if found is None:
            missing += [path] if path != "describe/" else []
            continue
        there = {f"{route.method} {route.op or ''}".strip() for route in found[0].routes.values()}
        missing += [f"{call} on {path}" for call in calls.split(", ") if call not in there]
    assert missing == []
