"""Secrets are in no list, event, error text or log; every change is audited with its actor and address."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2

from innkeeper.hypervisors.lxd import certificates
from innkeeper.hypervisors.simulated_world import Fault, world
from tests.api.facts import events
from tests.kit.client import Client
from tests.kit.house import Inn
from tests.kit.server import Server

PASSWORD, TOKEN, WRONG = "pass-word-of-ann-7", "token", "wrong-token-4711"


async def test_no_secret_anywhere(server: Server, tmp_path: Path) -> None:
    """Everything is done that touches a secret, well and badly; then all answers and the log are searched."""
    with world(tmp_path / "hosts" / "closed.json") as closed:
        closed.trusting = False
    answers: list[str] = []

    async def note(response: httpx2.Response) -> None:
        await response.aread()
        if "op=parameters" not in str(response.url) and "authenticate" not in str(response.url):
            answers.append(f"{response.url} {response.text} {response.headers}")

    async with httpx2.AsyncClient(base_url=server.base, timeout=60, event_hooks={"response": [note]}) as http:
        admin = Client(http, server.key())
        mine, other = certificates.make(name="mine"), certificates.make(name="other")
        made = await admin.post("vm-hosts/", type="simulated", power_address="alpha", name="alpha", power_pass=TOKEN)
        path = f"vm-hosts/{made['id']}/"
        first = await admin.get(path, op="parameters")
        brought = await admin.post(
            "vm-hosts/",
            type="simulated",
            power_address="beta",
            name="beta",
            certificate=mine.certificate,
            key=mine.key,
        )
        await _badly(admin, brought["id"], mine.key, other.certificate)
        await admin.put(path, regenerate_certificate="true")
        second = await admin.get(path, op="parameters")
        await admin.post("users/", username="ann", password=PASSWORD, is_superuser="false")
        await admin.call("POST", "users/", username="ann", password=PASSWORD, is_superuser="false")
        key = await _login(http)
        ann = Client(http, key)
        await ann.call("DELETE", path)
        await Client(http, key.rsplit(":", 1)[0] + ":wrong").call("GET", "vm-hosts/")
        system_id = await admin.compose(made["id"], hostname="web1")
        await admin.post(f"machines/{system_id}/", op="set_owner_data", secret="owner-data-value-1")
        await admin.delete(f"machines/{system_id}/")
        for url in ("vm-hosts/", "machines/", "users/", "/api/v1/operations", "/metrics", "/api/v1/openapi.json"):
            await admin.call("GET", url)
        told = json.dumps(await events(admin))
        await admin.delete(path)
    server.stop()
    pairs = [(first["key"], first["certificate"]), (second["key"], second["certificate"]), (mine.key, mine.certificate)]
    secrets = [line for key_pem, public in pairs for line in key_pem.splitlines() if line not in public]
    secrets += [PASSWORD, WRONG, key.rsplit(":", 1)[1], server.key().rsplit(":", 1)[1]]
    log = server.log.read_text()
    assert "step failed" in log  # it is the log, and the failures are in it
    for secret in secrets:
        assert secret not in told, secret
        assert secret not in log, secret
        assert not [answer for answer in answers if secret in answer], secret
    assert "owner-data-value-1" not in told + log
    stored = await asyncio.to_thread(lambda: b"".join(one.read_bytes() for one in tmp_path.glob("innkeeper.sqlite*")))
    for secret in secrets:
        assert secret.encode() not in stored, secret
    assert b"$argon2id$v=19$m=65536,t=3,p=4$" in stored, "passwords are hashed as argon2's authors recommend"


async def _badly(admin: Client, id: int, key: str, certificate: str) -> None:
    """What is refused, with a secret in the request each time."""
    host = {"type": "simulated", "name": "gamma"}
    for url, fields in (
        ("vm-hosts/", host | {"power_address": "gamma", "password": WRONG, "power_pass": WRONG + "2"}),
        ("vm-hosts/", host | {"power_address": "gamma", "key": key}),
        ("vm-hosts/", host | {"power_address": "gamma", "key": key, "certificate": certificate}),
        ("vm-hosts/", host | {"power_address": "gamma", "key": key[:-60], "certificate": certificate}),
        ("vm-hosts/", {"type": "lxd", "power_address": f"me:{WRONG}@10.0.0.5"}),
        ("vm-hosts/", host | {"power_adress": "gamma", "pasword": WRONG}),
        ("users/", {"username": "ann", "password": PASSWORD, "is_superuser": "maybe"}),
    ):
        assert (await admin.call("POST", url, **fields)).status_code == 400, fields
    assert (await admin.call("PUT", f"vm-hosts/{id}/", key=key, certificate=certificate)).status_code == 400
    untrusting = await admin.http.post(
        "/MAAS/accounts/authenticate/", data={"username": "admin", "password": WRONG, "consumer": "x"}
    )
    assert untrusting.status_code == 403
    refused = await admin.call("POST", "vm-hosts/", type="simulated", power_address="closed", password=WRONG)
    assert refused.status_code == 503


async def _login(http: httpx2.AsyncClient) -> str:
    answer = await http.post(
        "/MAAS/accounts/authenticate/", data={"username": "ann", "password": PASSWORD, "consumer": "x"}
    )
    return ":".join(answer.json()[part] for part in ("consumer_key", "token_key", "token_secret"))


async def test_a_refused_token_is_not_repeated(house: Inn) -> None:
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    answer = await house.admin.call("POST", "vm-hosts/", type="simulated", power_address="alpha", password=WRONG)
    assert answer.status_code == 503
    found = [
        answer.text,
        json.dumps(await events(house.admin)),
        (await house.admin.call("GET", "/api/v1/operations")).text,
    ]
    assert WRONG not in "".join(found)


async def test_every_change_is_audited(house: Inn) -> None:
    """Actor, address and the client's own mark of the request; what changes nothing leaves nothing."""
    admin = house.admin
    host = await house.add_host()
    system_id = await admin.compose(host, hostname="web1")
    machine, vm_host = f"machines/{system_id}/", f"vm-hosts/{host}/"
    changes: list[tuple[str, str, str | None, dict[str, Any], str]] = [
        ("POST", "zones/", None, {"name": "north"}, "made the zone north"),
        ("PUT", "zones/north/", None, {"description": "cold"}, "changed the zone north"),
        ("DELETE", "zones/north/", None, {}, "deleted the zone north"),
        ("POST", "resourcepools/", None, {"name": "build"}, "made the resource pool build"),
        ("PUT", "resourcepool/build/", None, {"name": "make"}, "changed the resource pool build"),
        ("DELETE", "resourcepool/make/", None, {}, "deleted the resource pool make"),
        ("POST", "users/", None, {"username": "ann", "password": "x", "is_superuser": "0"}, "made the user ann"),
        ("DELETE", "users/ann/", None, {}, "deleted the user ann"),
        ("PUT", vm_host, None, {"tags": "x"}, "changed the VM host: tags"),
        ("POST", vm_host, "add_tag", {"tag": "y"}, "added the tag y"),
        ("POST", vm_host, "remove_tag", {"tag": "y"}, "removed the tag y"),
        ("GET", vm_host, "parameters", {}, "read the credentials of the VM host alpha"),
        ("PUT", machine, None, {"description": "x"}, "changed web1: description"),
        ("POST", machine, "set_owner_data", {"a": "1"}, "set owner data of web1: a"),
        ("POST", machine, "power_on", {"comment": "go"}, "power_on web1 (go)"),
        ("POST", machine, "power_off", {}, "power_off web1"),
        ("GET", machine, "power_parameters", {}, "read the power parameters of web1"),
        ("POST", machine, "lock", {}, "locked web1"),
        ("POST", machine, "unlock", {}, "unlocked web1"),
        ("DELETE", machine, None, {}, "deleted web1"),
        ("DELETE", vm_host, None, {}, "removed the VM host alpha, decompose=False"),
    ]
    after = (await events(admin))[-1]["id"]
    for number, (method, path, op, fields, _) in enumerate(changes):
        answer = await admin.call(method, path, op=op, headers={"X-Innkeeper-Request": f"mark-{number}"}, **fields)
        assert answer.is_success, (method, path, op, answer.text)
    found = await events(admin, after=after, kind="audit")
    assert [one["text"] for one in found] == [text for *_, text in changes]
    assert {(one["actor"], one["address"]) for one in found} == {("admin", "127.0.0.1")}
    assert [one["request"] for one in found] == [f"mark-{number}" for number in range(len(changes))]


async def test_a_refused_change_is_no_event(house: Inn) -> None:
    await house.add_host()
    ann = house.client(username="ann")
    after = (await events(house.admin))[-1]["id"]
    for client, method, path, fields in (
        (ann, "DELETE", "vm-hosts/1/", {}),
        (ann, "GET", "vm-hosts/1/", {"op": "parameters"}),
        (house.admin, "POST", "zones/", {"name": "default"}),
        (house.admin, "DELETE", "zones/default/", {}),
        (house.admin, "PUT", "vm-hosts/1/", {"zone": "nowhere"}),
    ):
        assert not (await client.call(method, path, **fields)).is_success
    assert await events(house.admin, after=after, kind="audit") == []


async def test_an_operation_that_fails_shows_no_secret(house: Inn) -> None:
    id = await house.add_host(password=TOKEN)
    key = (await house.admin.get(f"vm-hosts/{id}/", op="parameters"))["key"]
    house.change("alpha", lambda world: world.faults.append(Fault(call="trust", kind="refuse")))
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    house.change("alpha", lambda world: world.trusted.clear())
    await house.admin.call("PUT", f"vm-hosts/{id}/", regenerate_certificate="true")
    text = (await house.admin.call("GET", "/api/v1/operations")).text
    assert "reconnect_host" in text
    assert key.splitlines()[1] not in text
    assert "arguments" not in text
