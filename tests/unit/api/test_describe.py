"""The description: what the stock CLI needs of it, and python-libmaas loads it."""

from __future__ import annotations

import pytest
from maas.client.bones import SessionAPI
from maas.client.utils import parse_docstring

from innkeeper.api.auth import Who
from innkeeper.api.maas.describe import Description
from innkeeper.api.maas.routes import Route
from tests.unit.api.sample import ADMIN, ROUTES, client, echo, key


@pytest.fixture
async def description():
    async with client() as http:
        answer = await http.get("/describe/")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-maas-api-hash"] == answer.json()["hash"]
        return answer.json()


async def test_handler(description):
    [handler] = [handler for handler in description["handlers"] if handler["name"] == "VmHostHandler"]
    assert handler["path"] == "/MAAS/api/2.0/vm-hosts/{id}/"
    assert handler["uri"] == "http://inn:5240/MAAS/api/2.0/vm-hosts/{id}/"
    assert handler["params"] == ["id"]
    assert [(a["name"], a["method"], a["op"], a["restful"]) for a in handler["actions"]] == [
        ("read", "GET", None, True),
        ("delete", "DELETE", None, True),
        ("compose", "POST", "compose", False),
        ("parameters", "GET", "parameters", False),
    ]
    paths = {handler["path"] for handler in description["handlers"]}
    assert {"/MAAS/api/2.0/resourcepool/{id}/", "/MAAS/api/2.0/fabrics/{fabric_id}/vlans/{vid}/"} <= paths


async def test_params_are_where_the_cli_looks_for_them(description):
    docs = {
        (handler["name"], action["name"]): parse_docstring(action["doc"])
        for handler in description["handlers"]
        for action in handler["actions"]
    }
    compose = docs["VmHostHandler", "compose"]
    assert compose.title == "Compose a machine."
    assert ":param cores: Number of cores. (integer; at least 1; at most 512; for example 4)" in compose.body
    assert ":param power_pass: the same as password" in compose.body
    assert ":param skip_commissioning: Machines are always read back. (boolean; must be empty or true)" in compose.body
    assert "gpu" not in compose.body
    assert ":param name: (text; required)" in docs["VmHostsHandler", "create"].body
    assert ":param KEY:" in docs["MachineHandler", "set_owner_data"].body
    assert ":param" not in docs["VmHostHandler", "read"].body


async def test_anonymous_and_closed(description):
    resources = {resource["name"]: resource for resource in description["resources"]}
    assert resources["VersionHandler"]["auth"] is None
    assert resources["VersionHandler"]["anon"]["name"] == "VersionHandler"
    assert resources["VmHostsHandler"]["anon"] is None
    files = resources["FilesHandler"]
    assert (files["anon"]["name"], files["auth"]["name"]) == ("AnonFilesHandler", "FilesHandler")
    assert [action["name"] for action in files["anon"]["actions"]] == ["get_by_key"]
    assert len(files["auth"]["actions"]) == 3


async def test_hash_is_of_the_table_and_not_of_the_address(description):
    other = Description(ROUTES).document("https://elsewhere")
    assert other["hash"] == description["hash"]
    assert other["resources"] != description["resources"]
    assert Description(ROUTES[1:]).hash != description["hash"]
    assert len(description["hash"]) == 40


async def test_address_is_the_clients_own():
    async with client() as http:
        answer = await http.get("/describe/", headers={"Host": "[fd00::1]:80"})
    assert answer.json()["handlers"][0]["uri"].startswith("http://[fd00::1]:80/MAAS/api/2.0/")
    async with client() as http:
        for odd in ("[bad", "a b", "", "a/b", "é"):
            answer = await http.get("/describe/", headers={"Host": odd.encode()})
            assert answer.status_code == 200
            assert answer.json()["handlers"][0]["uri"].endswith("/MAAS/api/2.0/version/")


async def test_libmaas_loads_it(description):
    anonymous = SessionAPI(description)
    assert {name for name, _ in anonymous.handlers} == {"Version", "Files"}
    session = SessionAPI(description, ("c1", "t1", "s1"))
    names = {name for name, _ in session.handlers}
    assert names == {"Version", "VmHosts", "VmHost", "Pods", "Pod", "Files", "Machine", "ResourcePool", "Vlan"}
    assert session.Pod.params == {"id"}
    assert session.Pod.compose.op == "compose"
    # What it would send is what we understand.
    uri, body, headers = session.Pod.compose.bind(id=7).prepare({"cores": 4, "hostname": "é"})
    async with client() as http:
        answer = await http.post(uri, content=body, headers=headers)
    assert answer.json()["items"] == {"cores": ["4"], "hostname": ["é"]}
    assert answer.json()["path"] == {"id": "7"}


def test_handler_with_two_paths_is_a_mistake():
    routes = [
        Route(handler="A", method="GET", path=path, call=echo, who=Who.USER, doc="A.") for path in ("a/", "a/{id}/")
    ]
    with pytest.raises(ValueError, match="more than one path"):
        Description(routes)


async def test_docs_of_handlers():
    document = Description(ROUTES, docs={"VmHosts": "All the VM hosts."}).document("http://inn")
    docs = {handler["name"]: handler["doc"] for handler in document["handlers"]}
    assert docs["VmHostsHandler"] == "All the VM hosts."
    assert docs["VmHostHandler"] == "Calls on vm-hosts/{id}/."


async def test_key_is_no_hindrance():
    async with client(headers=key(ADMIN, oauth_signature="%26old")) as http:
        assert (await http.get("/describe/")).status_code == 200
