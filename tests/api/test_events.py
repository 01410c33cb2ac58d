"""events?op=query: what happened, in pages, newest first, as MAAS's clients read it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from tests.api.facts import give, machine
from tests.kit.house import Inn


async def query(client: Any, **fields: Any) -> Any:
    return await client.get("events/", op="query", **fields)


async def test_the_shape(house: Inn) -> None:
    one = await machine(house, hostname="web1")
    page = await query(house.admin, id=one["system_id"])
    assert set(page) == {"count", "events", "next_uri", "prev_uri"}
    assert page["count"] == len(page["events"]) > 0
    for each in page["events"]:
        assert set(each) == {"id", "level", "type", "description", "created", "node", "hostname", "username"}
        assert (each["node"], each["hostname"]) == (one["system_id"], "web1")
        datetime.strptime(each["created"], "%a, %d %b. %Y %H:%M:%S")
    assert [each["id"] for each in page["events"]] == sorted((each["id"] for each in page["events"]), reverse=True)
    assert any(each["username"] == "admin" for each in page["events"])
    assert page["prev_uri"] is None  # there is nothing older


async def test_pages_lead_to_all_of_it(house: Inn) -> None:
    for number in range(4):
        await house.admin.post("zones/", name=f"z{number}")
    everything = (await query(house.admin, level="AUDIT", limit=1000))["events"]
    assert len(everything) >= 4
    page, back = await query(house.admin, level="AUDIT", limit=2), []
    last = page["next_uri"]
    while page["events"]:
        back += page["events"]
        if page["prev_uri"] is None:
            break
        assert "level=AUDIT" in page["prev_uri"]
        page = await house.admin.get(page["prev_uri"])
    assert back == everything
    # Forwards, from the oldest: each page is newest first, as every page is.
    page, there = await query(house.admin, level="AUDIT", limit=2, after=0), []
    while page["events"]:
        there = page["events"] + there
        page = await house.admin.get(page["next_uri"])
    assert there == everything
    assert (await house.admin.get(last))["events"] == []
    await house.admin.post("zones/", name="late")
    assert [each["description"] for each in (await house.admin.get(last))["events"]] == ["made the zone late"]


async def test_levels(house: Inn) -> None:
    host = await house.add_host()
    house.change("alpha", lambda state: state.faults.append(Fault(call="create", kind="refuse")))
    failed = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1")
    assert failed.status_code == 503
    levels = {level: {each["level"] for each in (await query(house.admin, level=level))["events"]} for level in LEVELS}
    assert levels["ERROR"] == {"ERROR"}
    assert levels["AUDIT"] == {"AUDIT"}
    assert levels["DEBUG"] > levels["INFO"] >= {"INFO", "WARNING", "ERROR"} > levels["WARNING"] >= {"ERROR"}
    assert levels["CRITICAL"] == set()


LEVELS = ("AUDIT", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


async def test_filters(house: Inn) -> None:
    one, two = await machine(house, hostname="web1"), await machine(house, hostname="web2")
    mac = one["interface_set"][0]["mac_address"]
    for filters in ({"hostname": "web1"}, {"mac_address": mac}, {"id": [one["system_id"]]}):
        assert {each["hostname"] for each in (await query(house.admin, **filters))["events"]} == {"web1"}
    assert (await query(house.admin, hostname="nobody"))["events"] == []
    assert (await query(house.admin, zone="nowhere"))["events"] == []
    assert {each["hostname"] for each in (await query(house.admin, zone="default"))["events"]} >= {"web1", "web2"}
    # A VM host's events are those of its record.
    of_host = (await query(house.admin, hostname="alpha"))["events"]
    assert "added" in str(of_host)
    assert {each["hostname"] for each in of_host} == {"alpha"}
    assert (await query(house.admin, owner="nobody"))["events"] == []
    page = await query(house.admin, hostname=["web1", "web2"], limit=1)
    assert re.findall("hostname=(\\w+)", page["prev_uri"]) == ["web1", "web2"]
    assert two["hostname"] == "web2"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"before": 1, "after": 2}, "before"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"level": "LOUD"}, "level"),
        ({"tags": "x"}, "tags"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_asked(house: Inn, fields: dict[str, Any], field: str) -> None:
    answer = await house.admin.call("GET", "events/", op="query", **fields)
    assert (answer.status_code, set(answer.json())) == (400, {field})


async def test_users_see_what_is_theirs(house: Inn) -> None:
    one, two = await machine(house, hostname="web1"), await machine(house, hostname="web2")
    ann, bob = house.client(username="ann"), house.client(username="bob")
    give(house, one["system_id"], ann)
    give(house, two["system_id"], bob)
    seen = {each["hostname"] for each in (await query(ann))["events"]}
    assert ("web1" in seen, "web2" in seen) == (True, False)
    answer = await ann.call("GET", "events/", op="query", level="AUDIT")
    assert (answer.status_code, answer.text) == (403, "Audit events are for administrators.")
