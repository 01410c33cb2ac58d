"""Who may do what: every route of the REST API 2.0, as everybody, against the table of `permissions`."""

from __future__ import annotations

import re

import aiohttp
import pytest

from innkeeper.api.app import ROUTES
from tests.api.facts import give, live
from tests.api.permissions import IN, LIFE, OWN, SEEN, USERS, name
from tests.api.permissions import TABLE as DECIDED
from tests.kit.client import Client, oauth
from tests.kit.house import Inn

# Refused to everybody in the same words, whatever is sent: there is nothing to protect.
TABLE = DECIDED | {name(route): USERS for route in ROUTES if route.refused}
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
    ):
        assert (await owner.call(method, path, op=op, **fields)).is_success, (method, op)
    refused = await owner.call("DELETE", path)  # it was lent
    assert (refused.status_code, "Release it" in refused.text) == (403, True)
    assert list(house.see("alpha").instances) == ["default/web1"]
    await house.admin.delete(path)
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
    await live(house, id)
    ann = house.client(username="ann")
    assert await ann.get("vm-hosts/") == await house.admin.get("vm-hosts/")
    text = (await ann.call("GET", f"vm-hosts/{id}/")).text
    secrets = await house.admin.get(f"vm-hosts/{id}/", op="parameters")
    for field in ("key", "certificate", "password"):
        assert secrets[field].splitlines()[0] not in text


async def test_the_way_between_processes_takes_nobodys_key(house: Inn, address: str) -> None:
    """Whoever may watch is connected to `/console/live`, where it is checked; here only the installation's own pass."""
    system_id = await house.admin.compose(await house.add_host())
    owner = house.client(username="ann")
    give(house, system_id, owner)
    url = f"{address}/internal/consoles/{house.house.engine.me}/{system_id}"
    async with aiohttp.ClientSession() as session:
        for client in (house.nobody, house.client(username="bob"), owner, house.admin):
            headers = {"Authorization": oauth(client.key)} if client.key else {}
            with pytest.raises(aiohttp.WSServerHandshakeError) as answer:
                await session.ws_connect(url, headers=headers)
            assert answer.value.status == 401


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
