"""The contracts are no rubber stamps: what breaks a client is a fault."""

from __future__ import annotations

import pytest

from tests.clients.contracts.shape import Address, DeviceUri, Table, Texts, Uri, faults, key, may, must, omit

TABLE: Table = {
    "id": must(int),
    "ratio": must(float),
    "mode": key(str),
    "ip": omit(Address),
    "ttl": may(int),
    "data": must(Texts),
    "links": must([{"id": must(int), "ip": omit(Address)}]),
}
RIGHT = {"id": 1, "ratio": 1.0, "mode": None, "data": {"a": "b"}, "links": [{"id": 2, "ip": "fe80::1"}], "other": 7}


def test_what_a_client_takes() -> None:
    assert faults(RIGHT, TABLE) == []
    assert faults(RIGHT | {"ttl": None, "ip": "10.0.0.1", "mode": "bridge"}, TABLE) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": None}, "id is null"),
        ({"id": "1"}, "id is '1', no int"),
        ({"id": True}, "id is True, no int"),
        ({"ratio": 1}, "ratio is 1, no float"),
        ({"ip": None}, "ip is null"),
        ({"ip": "10.0.0"}, "ip is '10.0.0', no address"),
        ({"ttl": "x"}, "ttl is 'x', no int"),
        ({"data": {"a": 1}}, "data is {'a': 1}, no object of texts"),
        ({"links": {}}, "links is {}, no list"),
        ({"links": [{"id": 1, "ip": None}]}, "links[0].ip is null"),
        ({"links": ["x"]}, "links[0] is 'x', no object"),
    ],
)
def test_what_breaks_it(change: dict[str, object], fault: str) -> None:
    assert faults(RIGHT | change, TABLE) == [fault]


def test_what_is_missing() -> None:
    assert faults({name: value for name, value in RIGHT.items() if name != "mode"}, TABLE) == ["mode is missing"]
    assert faults([], TABLE) == ["the answer is [], no object"]


@pytest.mark.parametrize("uri", ["devices/x/", "/MAAS/api/2.0/devices/x", "http://inn/MAAS/api/2.0/devices/x/", 1])
def test_an_address_that_leads_nowhere(uri: object) -> None:
    assert faults({"resource_uri": uri}, {"resource_uri": must(Uri)}) != []


def test_a_device_is_among_the_devices() -> None:
    table = {"resource_uri": must(DeviceUri)}
    assert faults({"resource_uri": "/MAAS/api/2.0/devices/x/"}, table) == []
    assert faults({"resource_uri": "/MAAS/api/2.0/nodes/x/"}, table) != []
