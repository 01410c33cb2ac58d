"""What MAAS has and Innkeeper has not: lists are empty, changes are refused in words; no 500, no 404 in JSON."""

from __future__ import annotations

import pytest

from innkeeper.api.app import ROUTES
from innkeeper.api.maas import refused
from innkeeper.api.maas.describe import Description
from tests.api.facts import give, machine
from tests.kit.house import Inn


async def test_every_list_is_empty_and_every_thing_absent(house: Inn) -> None:
    one = await machine(house)
    names = {"system_id": one["system_id"], "id": "1", "name": "x", "discovery_id": "x", "osystem": "x"}
    for route in refused.ROUTES:
        path = route.path.replace(":text", "").format(**names, distro_series="x")
        answer = await house.admin.call(route.method, path, op=route.op, hostname="x")
        where = f"{route.method} {path} {route.op}"
        if route.method != "GET":
            assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8"), where
            assert answer.text == f"{route.doc} {route.refused}", where
        elif route.model:
            assert (answer.status_code, answer.text) == (404, f"No {route.model} matches the given query."), where
        else:
            assert (answer.status_code, answer.json()) == (200, []), where


async def test_lists_of_a_machine_that_is_not_there(house: Inn) -> None:
    answer = await house.admin.call("GET", "nodes/nobody/raids/")
    assert (answer.status_code, answer.text) == (404, "No Node matches the given query.")


async def test_partitions_under_both_their_names(house: Inn) -> None:
    one = await machine(house)
    disk = one["blockdevice_set"][0]["resource_uri"]
    for word in ("partition/1", "partitions/1", "partition/1/", "partitions/1/"):
        answer = await house.admin.call("GET", f"{disk}{word}")
        assert (answer.status_code, answer.text) == (404, "No Partition matches the given query.")


@pytest.mark.parametrize("path", ["virtual-machines/99999", "vm-clusters/3", "virtual-machines/99999/"])
async def test_without_the_final_slash_where_maas_has_none(house: Inn, path: str) -> None:
    answer = await house.admin.call("GET", path)
    assert (answer.status_code, answer.text.startswith("No V")) == (404, True)


async def test_whatever_is_sent_the_refusal_is_the_same(house: Inn) -> None:
    """Repeated keys and files too: nobody should mend parameters of a call that is refused anyway."""
    for fields in ({}, {"a": ["1", "2"]}, {"op": ""}):
        answer = await house.admin.call("POST", "scripts/", **fields)
        assert (answer.status_code, "user data" in answer.text) == (400, True)


def test_the_command_line_can_send_something_to_what_is_refused() -> None:
    """The stock CLI takes arguments only for a call whose text has :param, and the words are the server's to say."""
    told = Description(ROUTES).document("http://inn")
    actions = [each for one in told["handlers"] if one["name"] == "ScriptsHandler" for each in one["actions"]]
    assert [":param" in each["doc"] for each in actions] == [True, True]


async def test_virtual_machines(house: Inn) -> None:
    one = await machine(house, hostname="web1", cores=3, memory=4096)
    two = await machine(house, hostname="web2", pinned_cores=[1, 2])
    found = await house.admin.get("virtual-machines/")
    assert [(each["identifier"], each["unpinned_cores"], each["pinned_cores"]) for each in found] == [
        ("web1", 3, []),
        ("web2", 0, [1, 2]),
    ]
    assert found[0] == {
        "id": found[0]["id"],
        "identifier": "web1",
        "project": "default",
        "pinned_cores": [],
        "unpinned_cores": 3,
        "memory": 4096,
        "hugepages_backed": False,
        "machine_id": found[0]["id"],
        "system_id": one["system_id"],
        "bmc_id": two["pod"]["id"],
        "resource_uri": f"/MAAS/api/2.0/virtual-machines/{found[0]['id']}/",
    }
    for path in (found[0]["resource_uri"], f"virtual-machines/{found[0]['id']}"):
        assert await house.admin.get(path) == found[0]


@pytest.mark.parametrize("path", ["/MAAS/api/2.0/fabrics/a%0Ab/vlans/", "/MAAS/api/3.0/machines/", "/MAAS/rpc/"])
async def test_a_path_that_nobody_knows_is_a_404_in_text(house: Inn, path: str) -> None:
    answer = await house.admin.call("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text.startswith("Unknown API endpoint: /MAAS/")


async def test_older_and_native_paths(house: Inn) -> None:
    old = await house.admin.call("GET", "/MAAS/api/1.0/nodes/")
    assert (old.status_code, "2.0" in old.text) == (410, True)
    native = await house.admin.call("GET", "/api/v1/nothing")
    assert (native.status_code, native.json()["name"]) == (404, "NotFound")


async def test_a_vm_that_is_somebody_elses_is_not_there(house: Inn) -> None:
    one = await machine(house, hostname="web1")
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, one["system_id"], ann)
    [mine] = await ann.get("virtual-machines/")
    assert await ann.get(mine["resource_uri"]) == mine
    assert await bob.get("virtual-machines/") == []
    assert (await bob.call("GET", mine["resource_uri"])).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "op", "words"),
    [
        ("POST", "devices/{id}/", "restore_networking_configuration", "link_subnet"),
        ("POST", "devices/{id}/", "restore_default_configuration", "link_subnet"),
        ("GET", "nodes/{id}/", "power_parameters", "machines/{system_id}/?op=power_parameters"),
        ("GET", "nodes/{id}/", "details", "machines/{system_id}/"),
    ],
)
async def test_what_nodes_and_devices_do_not_names_another_way(
    house: Inn, method: str, path: str, op: str, words: str
) -> None:
    answer = await house.admin.call(method, path.format(id="abc"), op=op)
    assert (answer.status_code, words in answer.text) == (400, True), answer.text


async def test_results_of_all_nodes_are_none(house: Inn) -> None:
    """As MAAS's command asks, with filters; no script is run anywhere."""
    assert await house.admin.get("node-results/") == []
    assert await house.admin.get("node-results/", system_id="abc", type="testing") == []
