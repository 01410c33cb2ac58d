"""Who may do what: every route of the REST API 2.0, as everybody, against the table written out here."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from innkeeper.api.app import ROUTES
from innkeeper.api.maas.routes import Route
from tests.api.facts import give
from tests.kit.client import Client
from tests.kit.house import Inn

IN, NO, HIDDEN, KEY = "in", 403, 404, 401


class Row(NamedTuple):
    """What each gets: in (past the door: whatever the values deserve), or the status of the refusal.

    `owner` and `other` are users, with a machine of `owner`'s as the target where the path names a machine.
    """

    anonymous: Any
    other: Any
    owner: Any
    admin: Any = IN


def name(route: Route) -> str:
    return " ".join(part for part in (route.method, route.path, route.op or "") if part)


ABSENT = Row(KEY, 404, 404, 404)
ANYBODY, USERS, ADMINS = Row(IN, IN, IN), Row(KEY, IN, IN), Row(KEY, NO, NO)
OWN, SEEN = Row(KEY, HIDDEN, IN), Row(KEY, HIDDEN, IN)
LIFE = ("release", "abort", "mark_broken", "mark_fixed", "commission")
HOSTS = {
    "GET {many}": USERS,
    "POST {many}": ADMINS,
    "GET {many}{{id}}/": USERS,
    "PUT {many}{{id}}/": ADMINS,
    "DELETE {many}{{id}}/": ADMINS,
    "POST {many}{{id}}/ compose": ADMINS,  # users get machines by allocate
    "POST {many}{{id}}/ refresh": ADMINS,
    "GET {many}{{id}}/ parameters": ADMINS,
    "POST {many}{{id}}/ add_tag": ADMINS,
    "POST {many}{{id}}/ remove_tag": ADMINS,
}
NETWORK = {"GET": USERS, "PUT": ADMINS, "DELETE": ADMINS}
TABLE = {
    "GET version/": ANYBODY,
    "GET describe/": ANYBODY,
    "GET users/": USERS,
    "GET users/ whoami": USERS,
    "POST users/": ADMINS,
    "GET users/{username}/": USERS,
    "DELETE users/{username}/": ADMINS,
    "GET zones/": USERS,
    "POST zones/": ADMINS,
    "GET zones/{name}/": USERS,
    "PUT zones/{name}/": ADMINS,
    "DELETE zones/{name}/": ADMINS,
    "GET resourcepools/": USERS,
    "POST resourcepools/": ADMINS,
    "GET resourcepool/{pool}/": USERS,
    "PUT resourcepool/{pool}/": ADMINS,
    "DELETE resourcepool/{pool}/": ADMINS,
    "GET domains/": USERS,
    "GET domains/{id}/": USERS,
    "POST domains/": ADMINS,
    "PUT domains/{id}/": ADMINS,
    "POST domains/{id}/ set_default": ADMINS,
    "DELETE domains/{id}/": ADMINS,
    "GET spaces/": USERS,
    "POST spaces/": ADMINS,
    "GET spaces/{id:text}/": USERS,
    "PUT spaces/{id:text}/": ADMINS,
    "DELETE spaces/{id:text}/": ADMINS,
    "GET fabrics/": USERS,
    "POST fabrics/": ADMINS,
    "GET fabrics/{id:text}/": USERS,
    "PUT fabrics/{id:text}/": ADMINS,
    "DELETE fabrics/{id:text}/": ADMINS,
    "GET fabrics/{fabric_id}/vlans/": USERS,
    "POST fabrics/{fabric_id}/vlans/": ADMINS,
    **{f"{method} fabrics/{{fabric_id}}/vlans/{{vid}}/": row for method, row in NETWORK.items()},
    **{f"{method} vlans/{{id}}/": row for method, row in NETWORK.items()},
    "GET subnets/": USERS,
    "POST subnets/": ADMINS,
    "GET subnets/{id:path}/": USERS,
    "PUT subnets/{id:path}/": ADMINS,
    "DELETE subnets/{id:path}/": ADMINS,
    "GET subnets/{id:path}/ ip_addresses": USERS,
    "GET subnets/{id:path}/ reserved_ip_ranges": USERS,
    "GET subnets/{id:path}/ unreserved_ip_ranges": USERS,
    "GET subnets/{id:path}/ statistics": USERS,
    "GET static-routes/": USERS,
    "POST static-routes/": ADMINS,
    "GET static-routes/{id}/": USERS,
    "PUT static-routes/{id}/": ADMINS,
    "DELETE static-routes/{id}/": ADMINS,
    "GET ipranges/": USERS,
    "POST ipranges/": USERS,  # dynamic ones: administrators
    "GET ipranges/{id}/": USERS,
    "PUT ipranges/{id}/": USERS,  # their own: tests/api/test_addresses.py
    "DELETE ipranges/{id}/": USERS,
    "GET ipaddresses/": USERS,
    "POST ipaddresses/ reserve": USERS,
    "POST ipaddresses/ release": USERS,  # their own
    "GET maas/ get_config": USERS,
    "GET boot-resources/": USERS,
    "POST boot-resources/": ADMINS,
    "POST boot-resources/ import": ADMINS,
    "GET boot-resources/ is_importing": USERS,
    "POST boot-resources/ stop_import": ADMINS,
    "GET boot-resources/{id}/": USERS,
    "POST boot-resources/{id}/ push": ADMINS,
    "DELETE boot-resources/{id}/": ADMINS,
    "PUT boot-resources/{id}/upload/{file_id:int}/": Row(KEY, NO, NO, 404),  # its body is a file, whatever is in it
    "GET boot-sources/": ADMINS,
    "POST boot-sources/": ADMINS,
    "GET boot-sources/{id}/": ADMINS,
    "PUT boot-sources/{id}/": ADMINS,
    "DELETE boot-sources/{id}/": ADMINS,
    "GET boot-sources/{boot_source_id:int}/selections/": ADMINS,
    "POST boot-sources/{boot_source_id:int}/selections/": ADMINS,
    "GET boot-sources/{boot_source_id:int}/selections/{id}/": ADMINS,
    "PUT boot-sources/{boot_source_id:int}/selections/{id}/": ADMINS,
    "DELETE boot-sources/{boot_source_id:int}/selections/{id}/": ADMINS,
    **{call.format(many="vm-hosts/"): row for call, row in HOSTS.items()},
    **{call.format(many="pods/"): row for call, row in HOSTS.items()},
    "GET machines/": USERS,
    "POST machines/ allocate": USERS,
    "PUT nodes/{system_id}/blockdevices/{id}/": OWN,
    "POST machines/ release": USERS,  # whose they are is looked at then
    **{f"POST machines/{{system_id}}/ {op}": OWN for op in LIFE},
    "GET machines/{system_id}/": SEEN,
    "GET machines/{system_id}/ query_power_state": SEEN,
    "GET machines/{system_id}/ power_parameters": ADMINS,
    "PUT machines/{system_id}/": OWN,
    "DELETE machines/{system_id}/": OWN,
    "POST machines/{system_id}/ deploy": OWN,
    "GET account/prefs/sshkeys/": USERS,
    "POST account/prefs/sshkeys/": USERS,
    "POST account/prefs/sshkeys/ import": USERS,
    "GET account/prefs/sshkeys/{id}/": USERS,
    "DELETE account/prefs/sshkeys/{id}/": USERS,
    "POST machines/{system_id}/ power_on": OWN,
    "POST machines/{system_id}/ power_off": OWN,
    "POST machines/{system_id}/ lock": OWN,
    "POST machines/{system_id}/ unlock": OWN,
    "POST machines/{system_id}/ set_owner_data": OWN,
    "POST machines/{system_id}/ set_workload_annotations": OWN,
    "GET tags/": USERS,
    "POST tags/": ADMINS,
    "GET tags/{name}/": USERS,
    "PUT tags/{name}/": ADMINS,
    "DELETE tags/{name}/": ADMINS,
    "POST tags/{name}/ update_nodes": ADMINS,
    "POST tags/{name}/ rebuild": ADMINS,
    "GET tags/{name}/ nodes": USERS,
    "GET tags/{name}/ machines": USERS,
    "GET tags/{name}/ devices": USERS,
    "GET tags/{name}/ rack_controllers": USERS,
    "GET tags/{name}/ region_controllers": USERS,
    "GET files/": USERS,
    "GET files/ get": USERS,
    "GET files/ get_by_key": ANYBODY,
    "POST files/": USERS,
    "GET files/{filename:path}/": USERS,
    "DELETE files/{filename:path}/": USERS,
    "POST account/ create_authorisation_token": USERS,
    "GET account/ list_authorisation_tokens": USERS,
    "POST account/ update_token_name": USERS,
    "POST account/ delete_authorisation_token": USERS,
    "POST maas/ set_config": ADMINS,
    "GET nodes/": USERS,
    "GET nodes/ is_registered": USERS,
    "POST nodes/ set_zone": ADMINS,
    "GET nodes/{system_id}/": SEEN,
    "GET machines/ list_allocated": USERS,
    "GET machines/ is_registered": USERS,
    "GET machines/ power_parameters": ADMINS,
    "POST machines/ set_zone": ADMINS,
    "POST devices/ set_zone": ADMINS,
    "GET devices/": USERS,
    "GET devices/ is_registered": USERS,
    "POST devices/": USERS,
    "GET nodes/{system_id}/interfaces/": SEEN,
    "POST nodes/{system_id}/interfaces/ create_physical": USERS,  # the owner's: tests/api/test_links.py
    "GET nodes/{system_id}/interfaces/{id}/": SEEN,
    "PUT nodes/{system_id}/interfaces/{id}/": OWN,
    "DELETE nodes/{system_id}/interfaces/{id}/": OWN,
    "POST nodes/{system_id}/interfaces/{id}/ add_tag": USERS,  # the owner's: tests/api/test_links.py
    "POST nodes/{system_id}/interfaces/{id}/ remove_tag": USERS,  # the owner's: tests/api/test_links.py
    "POST nodes/{system_id}/interfaces/{id}/ link_subnet": USERS,  # the owner's: tests/api/test_links.py
    "POST nodes/{system_id}/interfaces/{id}/ unlink_subnet": USERS,  # the owner's: tests/api/test_links.py
    "POST nodes/{system_id}/interfaces/{id}/ disconnect": OWN,
    "POST nodes/{system_id}/interfaces/{id}/ set_default_gateway": OWN,
    "GET nodes/{system_id}/blockdevices/": SEEN,
    "GET nodes/{system_id}/blockdevices/{id}/": SEEN,
    "POST nodes/{system_id}/blockdevices/{id}/ add_tag": USERS,  # the owner's: tests/api/test_block_devices.py
    "POST nodes/{system_id}/blockdevices/{id}/ remove_tag": USERS,
    "GET nodes/{system_id}/blockdevices/{id}/partitions/": SEEN,
    "GET nodes/{system_id}/blockdevices/{id}/partition/{partition:int}/": USERS,
    "GET events/ query": USERS,
    "GET virtual-machines/": USERS,
    "GET virtual-machines/{id}/": USERS,
    "GET devices/{system_id}/": USERS,
    "PUT devices/{system_id}/": USERS,  # their own: tests/api/test_devices.py
    "DELETE devices/{system_id}/": USERS,
    "POST devices/{system_id}/ set_owner_data": ABSENT,  # a machine is no device
    "POST devices/{system_id}/ set_workload_annotations": ABSENT,
    # What MAAS has and Innkeeper has not: empty lists, things that are never there.
    "GET notifications/": USERS,
    "GET notifications/{id}/": ABSENT,
    "GET dnsresources/": USERS,
    "GET dnsresources/{id}/": ABSENT,
    "GET dnsresourcerecords/": USERS,
    "GET dnsresourcerecords/{id}/": ABSENT,
    "GET reservedips/": USERS,
    "GET reservedips/{id}/": ABSENT,
    "GET discovery/": USERS,
    "GET discovery/ by_unknown_mac": USERS,
    "GET discovery/ by_unknown_ip": USERS,
    "GET discovery/ by_unknown_ip_and_mac": USERS,
    "GET discovery/{discovery_id}/": ABSENT,
    "GET rackcontrollers/": USERS,
    "GET rackcontrollers/ power_parameters": USERS,
    "GET rackcontrollers/ describe_power_types": USERS,
    "GET rackcontrollers/{system_id}/": ABSENT,
    "GET regioncontrollers/": USERS,
    "GET regioncontrollers/ power_parameters": USERS,
    "GET regioncontrollers/{system_id}/": ABSENT,
    "GET scripts/": USERS,
    "GET scripts/{name}/": ABSENT,
    "GET commissioning-scripts/": USERS,
    "GET commissioning-scripts/{name}/": ABSENT,
    "GET commissioning-results/": USERS,
    "GET installation-results/": USERS,
    "GET package-repositories/": USERS,
    "GET package-repositories/{id}/": ABSENT,
    "GET dhcp-snippets/": USERS,
    "GET dhcp-snippets/{id}/": ABSENT,
    "GET license-keys/": USERS,
    "GET license-key/{osystem}/{distro_series}/": ABSENT,
    "GET account/prefs/sslkeys/": USERS,
    "GET account/prefs/sslkeys/{id}/": ABSENT,
    "GET vm-clusters/": USERS,
    "GET vm-clusters/{id}/": ABSENT,
    "GET nodes/{system_id}/raids/": SEEN,
    "GET nodes/{system_id}/raid/{id}/": ABSENT,
    "GET nodes/{system_id}/volume-groups/": SEEN,
    "GET nodes/{system_id}/volume-group/{id}/": ABSENT,
    "GET nodes/{system_id}/bcaches/": SEEN,
    "GET nodes/{system_id}/bcache/{id}/": ABSENT,
    "GET nodes/{system_id}/bcache-cache-sets/": SEEN,
    "GET nodes/{system_id}/bcache-cache-set/{id}/": ABSENT,
    "GET nodes/{system_id}/vmfs-datastores/": SEEN,
    "GET nodes/{system_id}/vmfs-datastore/{id}/": ABSENT,
    "GET nodes/{system_id}/results/": SEEN,
    "GET nodes/{system_id}/results/{id}/": ABSENT,
    "GET nodes/{system_id}/devices/": SEEN,
    "GET nodes/{system_id}/devices/{id:text}/": ABSENT,
}
# Refused to everybody in the same words, whatever is sent: there is nothing to protect.
TABLE |= {name(route): USERS for route in ROUTES if route.refused}
# A value that is refused past the door, so that knocking at it changes nothing. A machine's owner is known after it.
SPOIL = {"no-such-parameter": "x"}


def test_every_route_is_in_the_table() -> None:
    routes = {name(route) for route in ROUTES} | {"GET describe/"}
    assert routes - set(TABLE) == set(), "routes that nobody decided about"
    assert set(TABLE) - routes == set(), "rows without a route"


async def test_everybody_at_every_route(house: Inn) -> None:
    host = await house.add_host()
    system_id = await house.admin.compose(host)
    owner, other = house.client(username="ann"), house.client(username="bob")
    give(house, system_id, owner)
    who = {"anonymous": house.nobody, "other": other, "owner": owner, "admin": house.admin}
    absent = dict.fromkeys(("filename", "discovery_id", "osystem", "distro_series"), "x") | {"partition": "1"}
    disk = str((await house.admin.get(f"machines/{system_id}/"))["blockdevice_set"][0]["id"])
    names = absent | {"id": "0", "username": "ann", "name": "default", "pool": "0", "system_id": system_id}
    names |= {"fabric_id": "0", "vid": "0", "boot_source_id": "0", "file_id": "0"}
    ids = {"vm-hosts": {"id": str(host)}, "pods": {"id": str(host)}, "nodes": {"id": disk}}
    wrong = []
    for call, row in TABLE.items():
        method, path, *op = call.split(" ")
        where = re.sub(r":\w+}", "}", path).format(**(names | ids.get(path.split("/")[0], {})))
        for role, client in who.items():
            lasting = method == "DELETE" or (op and op[0] in LIFE)
            harmless = row in (SEEN, OWN) and not (role in ("owner", "admin") and lasting)
            got = await _knock(client, method, where, op[0] if op else None, {} if harmless else SPOIL)
            if got != getattr(row, role):
                wrong.append(f"{call} as {role}: {got}, expected {getattr(row, role)}")
    assert wrong == []
    assert (await house.admin.get(f"machines/{system_id}/"))["locked"] is False


async def _knock(client: Client, method: str, path: str, op: str | None, fields: dict[str, str]) -> object:
    """The refusal, or "in" when the door let pass (200, or 400 for a value that cannot be)."""
    answer = await client.call(method, path, op=op, **fields)
    if answer.status_code in (401, 403, 404):
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
        return answer.status_code
    assert answer.status_code in (200, 400), answer.text
    return IN


async def test_what_the_owner_check_hides_is_checked_with_right_values_too(house: Inn) -> None:
    """Past the values: a non-owner's calls on a machine that is not theirs change nothing, one by one."""
    host = await house.add_host()
    system_id = await house.admin.compose(host, hostname="web1")
    owner, other = house.client(username="ann"), house.client(username="bob")
    path, before = f"machines/{system_id}/", await house.admin.get(f"machines/{system_id}/")
    calls = [("PUT", None), ("DELETE", None)]
    calls += [("POST", op) for op in ("power_on", "power_off", "lock", "unlock", "set_owner_data")]
    for method, op in calls:  # nobody's yet: seen, and its composer's to act on
        assert (await other.call(method, path, op=op)).status_code == 403, (method, op)
    give(house, system_id, owner)
    for method, op in calls:
        assert (await other.call(method, path, op=op)).status_code == 404, (method, op)
    assert await house.admin.get(path) == before | {"owner": "ann"}
    for method, op, fields in (
        ("PUT", None, {"description": "mine"}),
        ("POST", "set_owner_data", {"a": "1"}),
        ("POST", "power_on", {}),
        ("POST", "power_off", {}),
        ("POST", "lock", {}),
        ("POST", "unlock", {}),
        ("DELETE", None, {}),
    ):
        assert (await owner.call(method, path, op=op, **fields)).is_success, (method, op)
    assert house.see("alpha").instances == {}


async def test_an_unowned_machine_is_seen_and_not_touched(house: Inn) -> None:
    host = await house.add_host()
    record = (await house.admin.get(f"vm-hosts/{host}/"))["host"]["system_id"]
    ann = house.client(username="ann")
    assert (await ann.get(f"machines/{record}/"))["hostname"] == "alpha"
    for method, op in (("PUT", None), ("DELETE", None), ("POST", "lock"), ("POST", "power_off")):
        answer = await ann.call(method, f"machines/{record}/", op=op)
        assert (answer.status_code, "Only the owner or an administrator" in answer.text) == (403, True)


async def test_a_user_reads_hosts_without_credentials(house: Inn) -> None:
    id = await house.add_host(password="token")
    ann = house.client(username="ann")
    assert await ann.get("vm-hosts/") == await house.admin.get("vm-hosts/")
    text = (await ann.call("GET", f"vm-hosts/{id}/")).text
    secrets = await house.admin.get(f"vm-hosts/{id}/", op="parameters")
    for field in ("key", "certificate", "password"):
        assert secrets[field].splitlines()[0] not in text


async def test_keys_that_are_not_known(house: Inn) -> None:
    for key in ("a:b:c", house.admin.key.rsplit(":", 1)[0] + ":wrong"):  # type: ignore[union-attr]
        answer = await Client(house.admin.http, key).call("GET", "vm-hosts/")
        assert (answer.status_code, answer.text) == (401, "Authorization Error: Invalid API key.")
        assert answer.headers["www-authenticate"].startswith("OAuth")


async def test_the_key_of_a_deleted_user(house: Inn) -> None:
    ann = house.client(username="ann")
    system_id = await house.admin.compose(await house.add_host())
    give(house, system_id, ann)
    await house.admin.delete("users/ann/", transfer_resources_to="admin")
    assert (await ann.call("GET", "users/", op="whoami")).status_code == 401
    assert (await house.admin.get(f"machines/{system_id}/"))["owner"] == "admin"
