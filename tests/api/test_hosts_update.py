"""Changing VM hosts: only what is sent changes, and what is sent unchanged changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.facts import asked, audits, cursor, events, live, revision
from tests.kit.house import Inn
from tests.kit.until import until

TERRAFORM = {
    "type": "simulated",
    "power_address": "alpha",
    "power_user": "",
    "name": "alpha",
    "zone": "default",
    "pool": "default",
    "tags": "one,two",
    "cpu_over_commit_ratio": "1.500000",
    "memory_over_commit_ratio": "2.000000",
    "default_macvlan_mode": "",
}


async def changed_by(house: Inn, id: int, **fields: Any) -> dict[str, tuple[Any, Any]]:
    """What a PUT changes in the host's JSON: {field: (before, after)}."""
    before = await house.admin.get(f"vm-hosts/{id}/")
    after = await house.admin.put(f"vm-hosts/{id}/", **fields)
    changed = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    changed.pop("live_events", None)  # the watcher's own time
    return changed


@pytest.mark.parametrize(
    ("field", "sent", "path", "becomes"),
    [
        ("name", "beta", ("name",), "beta"),
        ("zone", "north", ("zone", "name"), "north"),
        ("pool", "build", ("pool", "name"), "build"),
        ("tags", "c,a", ("tags",), ["c", "a"]),
        ("tags", "", ("tags",), []),
        ("cpu_over_commit_ratio", "2", ("cpu_over_commit_ratio",), 2.0),
        ("memory_over_commit_ratio", "0", ("memory_over_commit_ratio",), 0.0),
        ("default_macvlan_mode", "vepa", ("default_macvlan_mode",), "vepa"),
        ("default_macvlan_mode", "", ("default_macvlan_mode",), None),
        ("default_storage_pool", "slow", ("storage_pools", 1, "default"), True),
        ("storage_over_commit_ratios", "slow:2.5", ("storage_pools", 1, "over_commit_ratio"), 2.5),
    ],
)
async def test_T18_only_what_is_sent_changes(
    house: Inn, field: str, sent: str, path: tuple[Any, ...], becomes: object
) -> None:
    house.change("alpha", lambda world: world.pools.update({"default": 10**12, "slow": 10**12}))
    await house.admin.post("zones/", name="north")
    await house.admin.post("resourcepools/", name="build")
    id = await house.add_host(tags="one", cpu_over_commit_ratio="1.5", default_macvlan_mode="bridge")
    calls, start = asked(house, "alpha"), await cursor(house.admin)
    changed = await changed_by(house, id, **{field: sent})
    allowed = {path[0], "limits"} if "ratio" in field else {path[0]}
    assert path[0] in changed
    assert set(changed) <= allowed
    value: Any = (await house.admin.get(f"vm-hosts/{id}/"))[path[0]]
    for step in path[1:]:
        value = value[step]
    assert value == becomes
    assert asked(house, "alpha") == calls  # a setting of ours: the host is not asked
    assert len(await audits(house.admin, after=start)) == 1


async def test_T18_only_the_name(house: Inn) -> None:
    id = await house.add_host(tags="one,two", cpu_over_commit_ratio=3, zone="default")
    secrets = await house.admin.get(f"vm-hosts/{id}/", op="parameters")
    assert set(await changed_by(house, id, name="omega")) == {"name"}
    assert await house.admin.get(f"vm-hosts/{id}/", op="parameters") == secrets
    assert (await house.nobody.call("GET", "/MAAS/vmhost-certificate/omega")).status_code == 200


async def test_put_answers_an_object_with_its_resource_uri(house: Inn) -> None:
    id = await house.add_host()
    assert (await house.admin.put(f"pods/{id}/", name="beta"))["resource_uri"] == f"/MAAS/api/2.0/vm-hosts/{id}/"


async def test_terraform_creates_and_then_puts_the_same(house: Inn) -> None:
    """No conflict, no event, no revision, no call; and a second plan is empty: all reads back as it was written."""
    made = await house.admin.post("pods/", op="", **TERRAFORM, power_pass="token")
    await live(house, made["id"])
    id, start, calls = made["id"], await cursor(house.admin), asked(house, "alpha")
    before = revision(house, id)
    put = await house.admin.put(f"pods/{id}/", **TERRAFORM, power_pass="token")
    assert put == await house.admin.get(f"pods/{id}/")
    assert (revision(house, id), asked(house, "alpha")) == (before, calls)
    assert await events(house.admin, after=start) == []
    assert (put["cpu_over_commit_ratio"], put["memory_over_commit_ratio"], put["tags"]) == (1.5, 2.0, ["one", "two"])
    assert (put["zone"]["name"], put["pool"]["name"], put["default_macvlan_mode"]) == ("default", "default", None)


@pytest.mark.parametrize("token", ["", "token"])
async def test_put_of_the_same_while_waiting_for_trust(swift: Inn, token: str) -> None:
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    made = await swift.admin.post("pods/", **TERRAFORM)
    assert made["state"] == "waiting for trust"
    id, start, before = made["id"], await cursor(swift.admin), revision(swift, made["id"])
    put = await swift.admin.put(f"pods/{id}/", **TERRAFORM)
    assert (put["state"], put["id"], revision(swift, id)) == ("waiting for trust", id, before)
    assert await events(swift.admin, after=start) == []
    assert swift.see("alpha").calls.get("redeem") is None
    if token:  # a token at last: used once, and never again
        assert (await swift.admin.put(f"pods/{id}/", **TERRAFORM, power_pass=token))["state"] == "ready"
        calls, start = asked(swift, "alpha"), await cursor(swift.admin)
        await swift.admin.put(f"pods/{id}/", **TERRAFORM, power_pass=token)
        assert swift.see("alpha").calls["redeem"] == 1
        assert asked(swift, "alpha") == calls
        assert await audits(swift.admin, after=start) == []


async def test_a_one_time_token_is_used_once(house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    made = await house.admin.post("pods/", **TERRAFORM, password="token")
    assert made["state"] == "ready"
    for name in ("password", "power_pass"):
        await house.admin.put(f"pods/{made['id']}/", **TERRAFORM, **{name: "token"})
    assert house.see("alpha").calls["redeem"] == 1


async def test_a_token_that_could_not_be_used_is_tried_again(swift: Inn) -> None:
    """A PUT that failed may be repeated as it is; silence would look like success."""
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await swift.add_host()
    wrong = await swift.admin.call("PUT", f"vm-hosts/{id}/", password="used-up")
    assert (wrong.status_code, "does not accept this token" in wrong.text) == (503, True)
    again = await swift.admin.call("PUT", f"vm-hosts/{id}/", password="used-up")
    assert again.status_code == 503
    assert (await swift.admin.put(f"vm-hosts/{id}/", password="token"))["state"] == "ready"
    assert swift.see("alpha").calls["redeem"] == 3


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"type": "lxd"}, 400, "cannot become 'lxd'"),
        ({"project": "other"}, 400, "cannot become 'other'"),
        ({"power_user": "root"}, 400, "power_user"),
        ({"name": "-x"}, 400, "not a valid host name"),
        ({"name": "beta"}, 409, "There is a VM host named 'beta' already."),
        ({"zone": "nowhere"}, 400, "zone"),
        ({"default_storage_pool": "fast"}, 400, "has no storage pool 'fast'; it has default"),
        ({"storage_over_commit_ratios": "default:11"}, 400, "from 0 to 10"),
        ({"storage_over_commit_ratios": "default"}, 400, "POOL:RATIO"),
        ({"storage_over_commit_ratios": "fast:1"}, 400, "has no storage pool 'fast'"),
        ({"cpu_over_commit_ratio": "11"}, 400, "cpu_over_commit_ratio"),
        ({"colour": "red"}, 400, "unknown parameter"),
        ({"certificate": "x"}, 400, "key"),
        ({"regenerate_certificate": "true", "certificate": "x", "key": "y"}, 400, "not both"),
        ({"certificate_fingerprint": "zz"}, 400, "SHA-256"),
    ],
)
async def test_refusals_change_nothing(house: Inn, fields: dict[str, str], status: int, says: str) -> None:
    id = await house.add_host()
    await house.add_host("beta")
    await live(house, id)
    before, calls = await house.admin.get(f"vm-hosts/{id}/"), asked(house, "alpha")
    answer = await house.admin.call("PUT", f"vm-hosts/{id}/", tags="new", **fields)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert await house.admin.get(f"vm-hosts/{id}/") == before
    assert asked(house, "alpha") == calls


async def test_parameters_are_strings_only(swift: Inn) -> None:
    swift.change("alpha", lambda world: setattr(world, "trusting", False))
    id = await swift.add_host(password="token")
    found = await swift.admin.get(f"vm-hosts/{id}/", op="parameters")
    assert {type(value) for value in found.values()} == {str}
    assert (found["power_pass"], found["password"], found["power_user"], found["project"]) == (
        "token",
        "token",
        "",
        "default",
    )
    assert "BEGIN CERTIFICATE" in found["certificate"]
    assert "PRIVATE KEY" in found["key"]


async def test_each_read_of_parameters_is_an_audit_event(house: Inn) -> None:
    id = await house.add_host()
    start = await cursor(house.admin)
    for _ in range(2):
        await house.admin.get(f"vm-hosts/{id}/", op="parameters")
    assert await audits(house.admin, after=start) == ["read the credentials of the VM host alpha"] * 2


async def test_tags_one_by_one(house: Inn) -> None:
    id = await house.add_host(tags="a")
    start = await cursor(house.admin)
    assert (await house.admin.post(f"vm-hosts/{id}/", op="add_tag", tag="b"))["tags"] == ["a", "b"]
    assert (await house.admin.post(f"vm-hosts/{id}/", op="add_tag", tag="b"))["tags"] == ["a", "b"]
    assert (await house.admin.post(f"vm-hosts/{id}/", op="remove_tag", tag="a"))["tags"] == ["b"]
    assert (await house.admin.post(f"vm-hosts/{id}/", op="remove_tag", tag="a"))["tags"] == ["b"]
    assert await audits(house.admin, after=start) == ["added the tag b", "removed the tag a"]
    for tag in ("", " ", "a,b", "x" * 257):
        answer = await house.admin.call("POST", f"vm-hosts/{id}/", op="add_tag", tag=tag)
        assert (answer.status_code, "tag" in answer.json()) == (400, True)
    answer = await house.admin.call("PUT", f"vm-hosts/{id}/", tags=f"a,{'x' * 257}")
    assert (answer.status_code, "256 characters" in answer.json()["tags"][0]) == (400, True)


async def test_K06_ratios_come_as_2_and_as_1_5(house: Inn) -> None:
    id = await house.add_host(cpu_over_commit_ratio=2, memory_over_commit_ratio="1.500000")
    one = await house.admin.get(f"vm-hosts/{id}/")
    assert (one["cpu_over_commit_ratio"], one["memory_over_commit_ratio"]) == (2.0, 1.5)
    assert (one["limits"]["cores"]["limit"], one["limits"]["memory"]["limit"]) == (32, 98304)


async def test_a_ratio_below_what_is_used_is_taken_and_shown_as_over(house: Inn) -> None:
    id = await house.add_host()
    await house.admin.compose(id, cores=4)
    put = await house.admin.put(f"vm-hosts/{id}/", cpu_over_commit_ratio="0")
    assert (put["limits"]["cores"]["limit"], put["limits"]["cores"]["over"], put["limits"]["cores"]["free"]) == (
        0,
        4,
        0,
    )


async def test_a_storage_pool_that_goes_is_told_when_it_was_the_default(swift: Inn) -> None:
    swift.change("alpha", lambda world: world.pools.update({"default": 10**12, "fast": 10**12}))
    id = await swift.add_host(default_storage_pool="fast")
    swift.change("alpha", lambda world: world.pools.pop("fast"))
    one = await swift.admin.post(f"vm-hosts/{id}/", op="refresh")
    assert {pool["name"]: pool["default"] for pool in one["storage_pools"]} == {"default": True}

    async def told() -> list[str]:
        return [e["text"] for e in await events(swift.admin, kind="host") if "its default" in e["text"]]

    [text] = await until(told)
    assert "fast" in text
