"""The smaller nouns: version, users, zones, resource pools, domains, settings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.facts import audits, composed, cursor
from tests.kit.client import oauth
from tests.kit.house import Inn

LONG = "x" * 300


async def test_version_is_for_everybody(house: Inn) -> None:
    found = await house.nobody.get("version/")
    assert (type(found["version"]), type(found["subversion"]), type(found["capabilities"])) == (str, str, list)
    assert "authenticate-api" in found["capabilities"]


async def test_describe(house: Inn) -> None:
    answer = await house.nobody.call("GET", "describe/")
    assert answer.headers["content-type"] == "application/json"  # exactly: the stock CLI compares it
    told = answer.json()
    assert answer.headers["x-maas-api-hash"] == told["hash"]
    paths = {one["auth"]["path"] for one in told["resources"] if one["auth"]}
    assert "/MAAS/api/2.0/vm-hosts/{id}/" in paths
    names = {one["name"] for one in told["resources"]}
    wanted = "Version Users User Zones Zone ResourcePools ResourcePool Domains Domain Maas VmHosts VmHost Pods Pod"
    assert {f"{one}Handler" for one in [*wanted.split(), "Machines", "Machine"]} <= names
    for one in told["resources"]:
        for action in (one["auth"] or one["anon"])["actions"]:
            assert action["restful"] is (action["op"] is None)
            assert action["doc"]


async def test_whoami(house: Inn) -> None:
    me = await house.admin.get("users/", op="whoami")
    assert (me["username"], me["is_superuser"], type(me["email"])) == ("admin", True, str)
    ann = house.client(username="ann")
    assert (await ann.get("users/", op="whoami"))["is_superuser"] is False


async def test_users(house: Inn) -> None:
    start = await cursor(house.admin)
    made = await house.admin.post("users/", username="ann@inn", email="a@b.c", password="long-secret", is_superuser=0)
    assert made == await house.admin.get("users/ann%40inn/")
    assert made["resource_uri"] == "/MAAS/api/2.0/users/ann%40inn/"
    assert [one["username"] for one in await house.admin.get("users/")] == ["admin", "ann@inn"]
    again = await house.admin.call("POST", "users/", username="ann@inn", password="x", is_superuser="true")
    assert (again.status_code, again.text) == (409, "There is a user 'ann@inn' already.")
    changed = await house.admin.call("PUT", made["resource_uri"], email="b@b.c")
    assert (changed.status_code, "transfer_resources_to=NEW" in changed.text) == (400, True)
    await house.admin.delete(made["resource_uri"])
    gone = await house.admin.call("GET", made["resource_uri"])
    assert (gone.status_code, gone.text) == (404, "No User matches the given query.")
    assert (await house.admin.call("DELETE", made["resource_uri"])).status_code == 404
    found = await audits(house.admin, after=start)
    assert found == ["made the user ann@inn", "deleted the user ann@inn"]


@pytest.mark.parametrize(
    ("noun", "fields", "field"),
    [
        ("users/", {"username": "", "password": "x", "is_superuser": "1"}, "username"),
        ("users/", {"username": "a/b", "password": "x", "is_superuser": "1"}, "username"),
        ("users/", {"username": LONG, "password": "x", "is_superuser": "1"}, "username"),
        ("users/", {"username": "ann", "password": "", "is_superuser": "1"}, "password"),
        ("users/", {"username": "ann", "password": "x"}, "is_superuser"),
        ("users/", {"username": "ann", "password": "x", "is_superuser": "maybe"}, "is_superuser"),
        ("users/", {"username": "ann", "password": "x", "is_superuser": "1", "email": LONG}, "email"),
        ("zones/", {}, "name"),
        ("zones/", {"name": "a/b"}, "name"),
        ("zones/", {"name": " a"}, "name"),
        ("zones/", {"name": LONG}, "name"),
        ("zones/", {"name": "x\0y"}, "name"),
        ("zones/", {"name": "x", "colour": "red"}, "colour"),
        ("resourcepools/", {"name": ""}, "name"),
        ("resourcepools/", {"name": "a?b"}, "name"),
    ],
)
async def test_refused_by_name(house: Inn, noun: str, fields: dict[str, str], field: str) -> None:
    before = await house.admin.get(noun)
    answer = await house.admin.call("POST", noun, **fields)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert await house.admin.get(noun) == before


@pytest.mark.parametrize(
    ("many", "one", "model", "noun", "key"),
    [
        ("zones/", "zones/{name}/", "Zone", "zone", "name"),
        ("resourcepools/", "resourcepool/{id}/", "ResourcePool", "resource pool", "id"),
    ],
)
async def test_zones_and_pools(house: Inn, many: str, one: str, model: str, noun: str, key: str) -> None:
    start = await cursor(house.admin)
    made = await house.admin.post(many, name="North 1", description="cold")
    path = one.format(**made)
    assert set(made) == {"id", "name", "description", "resource_uri"}
    assert await house.admin.get(made["resource_uri"]) == made
    assert await house.admin.get(many) == [*(await house.admin.get(many))[:1], made]
    twice = await house.admin.call("POST", many, name="North 1")
    assert (twice.status_code, twice.text) == (409, f"There is a {noun} 'North 1' already.")
    assert await house.admin.put(path, name="North 1", description="cold") == made
    changed = await house.admin.put(path, description="")
    assert (changed["description"], changed["name"]) == ("", "North 1")
    assert await audits(house.admin, after=start) == [f"made the {noun} North 1", f"changed the {noun} North 1"]
    # In use: named; then free, and gone.
    id = await house.add_host(**{noun.split(" ")[-1]: "North 1"})
    used = await house.admin.call("DELETE", path)
    assert (used.status_code, "VM host alpha" in used.text) == (409, True)
    await house.admin.delete(f"vm-hosts/{id}/")
    await house.admin.delete(path)
    for method in ("GET", "PUT", "DELETE"):
        gone = await house.admin.call(method, path)
        assert (gone.status_code, gone.text) == (404, f"No {model} matches the given query.")


@pytest.mark.parametrize("path", ["zones/default/", "resourcepool/0/", "resourcepool/default/"])
async def test_the_defaults_stay(house: Inn, path: str) -> None:
    for method, fields in (("DELETE", {}), ("PUT", {"name": "other"})):
        answer = await house.admin.call(method, path, **fields)
        assert (answer.status_code, "default" in answer.text) == (409, True)
    assert (await house.admin.get(path))["name"] == "default"


async def test_a_pool_by_name_and_by_id(house: Inn) -> None:
    made = await house.admin.post("resourcepools/", name="build")
    assert await house.admin.get("resourcepool/build/") == await house.admin.get(f"resourcepool/{made['id']}/") == made
    for wrong in ("nothing", "99", "9" * 40):
        answer = await house.admin.call("GET", f"resourcepool/{wrong}/")
        assert (answer.status_code, answer.text) == (404, "No ResourcePool matches the given query.")


async def test_domains(house: Inn) -> None:
    [one] = await house.admin.get("domains/")
    types: dict[str, Any] = {"id": int, "name": str, "authoritative": bool, "resource_record_count": int}
    assert {name: type(one[name]) for name in types} == types
    assert (one["ttl"], one["is_default"], one["resource_uri"]) == (None, True, "/MAAS/api/2.0/domains/0/")
    assert await house.admin.get("domains/0/") == one
    for wrong in ("7", "x"):
        answer = await house.admin.call("GET", f"domains/{wrong}/")
        assert (answer.status_code, answer.text) == (404, "No Domain matches the given query.")


async def test_get_config(house: Inn) -> None:
    for name, value in (("maas_name", '"innkeeper"'), ("default_osystem", '""'), ("default_distro_series", '""')):
        answer = await house.admin.call("GET", "maas/", op="get_config", name=name)
        assert (answer.text, answer.headers["content-type"]) == (value, "application/json; charset=utf-8")
    unknown = await house.admin.call("GET", "maas/", op="get_config", name="colour")
    assert (unknown.status_code, "known: maas_name" in unknown.json()["name"][0]) == (400, True)


async def test_domains_come_and_go(house: Inn) -> None:
    start = await cursor(house.admin)
    made = await house.admin.post("domains/", name="Lab.Example", authoritative="false", ttl=300)
    assert (made["name"], made["authoritative"], made["ttl"], made["is_default"]) == ("lab.example", False, 300, False)
    path = made["resource_uri"]
    # as Terraform does: a ttl that was not set is not sent
    changed = await house.admin.put(path, name="site.example", authoritative="true", ttl="")
    assert changed == made | {"name": "site.example", "authoritative": True, "ttl": None}
    machine = await composed(house, await house.add_host(), hostname="web", domain=made["id"])
    assert (machine["fqdn"], machine["domain"]["name"]) == ("web.site.example", "site.example")
    held = await house.admin.call("DELETE", path)
    assert (held.status_code, "in use by machine web" in held.text) == (409, True)
    assert (await house.admin.post(path, op="set_default"))["is_default"] is True
    assert (await house.admin.post(path, op="set_default"))["is_default"] is True
    assert [(one["id"], one["is_default"]) for one in await house.admin.get("domains/")] == [
        (0, False),
        (made["id"], True),
    ]
    other = await composed(house, 1, hostname="db")
    assert (other["fqdn"], other["domain"]["is_default"]) == ("db.site.example", True)
    held = await house.admin.call("DELETE", path)
    assert (held.status_code, held.text.startswith("The domain site.example is the default.")) == (409, True)
    await house.admin.post("domains/0/", op="set_default")
    for one in (machine, other):
        await house.admin.delete(one["resource_uri"])
    await house.admin.delete(path)
    told = [text for text in await audits(house.admin, after=start) if "domain " in text or text.endswith("domain")]
    assert told == [
        "made the domain lab.example",
        "changed the domain lab.example",
        "made site.example the default domain",
        "made maas the default domain",
        "deleted the domain site.example",
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "name"),
        ({"name": "a..b"}, "name"),
        ({"name": "-a.example"}, "name"),
        ({"name": "a_b.example"}, "name"),
        ({"name": "x." * 200 + "y"}, "name"),
        ({"name": "lab", "ttl": "0"}, "ttl"),
        ({"name": "lab", "forward_dns_servers": "9.9.9.9"}, "forward_dns_servers"),
    ],
)
async def test_domains_refused_by_name(house: Inn, fields: dict[str, str], field: str) -> None:
    answer = await house.admin.call("POST", "domains/", **fields)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert len(await house.admin.get("domains/")) == 1


@pytest.mark.parametrize("noun", ["dnsresources/", "dnsresourcerecords/", "reservedips/", "domains/?op=set_serial"])
async def test_names_and_leases_are_the_networks_own(house: Inn, noun: str) -> None:
    if noun.endswith("s/"):
        assert await house.admin.get(noun) == []
    answer = await house.admin.call("POST", noun, fqdn="web.maas", ip_addresses="10.0.0.7")
    assert (answer.status_code, "network's own" in answer.text) == (400, True)


async def test_what_is_not_there_is_404_in_the_words_that_juju_looks_for(house: Inn) -> None:
    answer = await house.admin.call("GET", "static-routs/")
    assert answer.status_code == 404
    assert "Unknown API endpoint:" in answer.text
    assert "/static-routs/" in answer.text


@pytest.mark.parametrize("encoding", ["form", "json"])
async def test_login_with_a_password(house: Inn, encoding: str) -> None:
    house.client(username="ann")
    url, start = "/MAAS/accounts/authenticate/", await cursor(house.admin)

    async def login(**fields: str) -> Any:
        if encoding == "json":
            return await house.admin.http.post(url, json=fields)
        return await house.admin.http.post(url, data=fields)

    answer = await login(username="ann", password="secret", consumer="ann@laptop")
    assert set(answer.json()) == {"consumer_key", "token_key", "token_secret"}
    key = ":".join(answer.json()[part] for part in ("consumer_key", "token_key", "token_secret"))
    who = await house.admin.http.get("/MAAS/api/2.0/users/?op=whoami", headers={"Authorization": oauth(key)})
    assert who.json()["username"] == "ann"
    assert await audits(house.admin, after=start) == ["logged in and got an API key for 'ann@laptop'"]
    for username, password in (("ann", "wrong"), ("nobody", "secret")):
        refused = await login(username=username, password=password, consumer="")
        assert (refused.status_code, refused.text) == (403, "Wrong user name or password.")
    assert (await login(username="ann")).status_code == 400
    assert (await login(username="a\0b", password="x")).status_code == 400
