"""VM hosts over real TLS: trust, tokens, addresses however they are spelled, and certificates that change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from innkeeper.hypervisors.lxd import certificates
from tests.api.facts import audits, cursor, events, revision
from tests.doubles.faults import Garbage
from tests.doubles.lxd import LxdDouble
from tests.kit.house import Inn, inn
from tests.kit.until import until


async def add(house: Inn, lxd: LxdDouble, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = await house.admin.post(
        "vm-hosts/", **({"type": "lxd", "power_address": lxd.address, "name": "alpha"} | fields)
    )
    return found


async def reaches(house: Inn, id: int, state: str) -> dict[str, Any]:
    """The host, once it is in that state."""

    async def there() -> dict[str, Any] | None:
        one: dict[str, Any] = await house.admin.get(f"vm-hosts/{id}/")
        return one if one["state"] == state else None

    found = await until(there)
    assert found is not None
    return found


async def test_R19_untrusted_at_first(swift: Inn, lxd: LxdDouble) -> None:
    """The record is made, the certificate is readable; trusted later, it fills in with the same id."""
    lxd.world.trusted = False
    made = await add(swift, lxd, tags="a")
    assert (made["state"], made["version"], made["storage_pools"]) == ("waiting for trust", "", [])
    pem = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    assert certificates.fingerprint(pem)
    again = await swift.admin.put(f"vm-hosts/{made['id']}/", type="lxd", power_address=lxd.address, name="alpha")
    assert again["state"] == "waiting for trust"
    lxd.world.trusted = True
    ready = await reaches(swift, made["id"], "ready")
    assert (ready["id"], ready["tags"], ready["host"]) == (made["id"], ["a"], made["host"])
    assert ready["version"]
    assert ready["storage_pools"]
    assert not [one for one in lxd.bodies if one[0] == "POST /1.0/certificates"]


async def test_R19_refreshing_a_host_that_waits(swift: Inn, lxd: LxdDouble) -> None:
    lxd.world.trusted = False
    made = await add(swift, lxd)
    refused = await swift.admin.call("POST", f"vm-hosts/{made['id']}/", op="refresh")
    assert (refused.status_code, "trust" in refused.text) == (503, True)
    assert (await swift.admin.get(f"vm-hosts/{made['id']}/"))["state"] == "waiting for trust"


async def test_T11_a_token_is_used_once(swift: Inn, lxd: LxdDouble) -> None:
    """Terraform's create and the PUT after it; and a second host with the used token is told so."""
    lxd.world.trusted = False
    token = lxd.token()
    made = await add(swift, lxd, password=token)
    assert made["state"] == "ready"
    asked = [one for one in lxd.bodies if one[0] == "POST /1.0/certificates"]
    assert len(asked) == 1
    before, start = revision(swift, made["id"]), await cursor(swift.admin)
    put = await swift.admin.put(
        f"vm-hosts/{made['id']}/", type="lxd", power_address=lxd.address, name="alpha", password=token
    )
    assert (put["state"], revision(swift, made["id"])) == ("ready", before)
    assert await audits(swift.admin, after=start) == []
    assert [one for one in lxd.bodies if one[0] == "POST /1.0/certificates"] == asked
    await swift.admin.delete(f"vm-hosts/{made['id']}/")
    assert lxd.world.trusted is False  # our certificate left the trust list
    used = await swift.admin.call("POST", "vm-hosts/", type="lxd", power_address=lxd.address, password=token)
    assert (used.status_code, "was used already or has expired" in used.text) == (503, True)
    assert token not in used.text
    assert await swift.admin.get("vm-hosts/") == []


async def test_a_token_of_another_server_is_not_sent(swift: Inn, lxd: LxdDouble) -> None:
    lxd.world.trusted = False
    other = lxd.world.token("ab" * 32)
    answer = await swift.admin.call("POST", "vm-hosts/", type="lxd", power_address=lxd.address, password=other)
    assert answer.status_code == 503
    assert "ab" * 32 in answer.text
    assert certificates.fingerprint(lxd.certificate) in answer.text
    assert not [one for one in lxd.bodies if one[0] == "POST /1.0/certificates"]
    assert await swift.admin.get("vm-hosts/") == []


async def test_T12_a_password_where_tokens_are_needed(swift: Inn, lxd: LxdDouble) -> None:
    lxd.world.trusted = False
    lxd.world.server["api_extensions"].append("explicit_trust_token")
    answer = await swift.admin.call("POST", "vm-hosts/", type="lxd", power_address=lxd.address, password="plain-pass")
    assert (answer.status_code, "use a token" in answer.text) == (503, True)
    assert "plain-pass" not in answer.text


@pytest.mark.parametrize(
    "spelling", ["127.0.0.1:{port}", "https://127.0.0.1:{port}/", "localhost:{port}", "LOCALHOST.:{port}"]
)
async def test_T06_same_server_and_project_however_it_is_spelled(swift: Inn, lxd: LxdDouble, spelling: str) -> None:
    made = await add(swift, lxd)
    address = spelling.format(port=lxd.port)
    answer = await swift.admin.call("POST", "vm-hosts/", type="lxd", power_address=address, name="second")
    assert answer.status_code == 409
    assert f"This server's project default is VM host alpha (id {made['id']}) already." in answer.text
    assert [one["id"] for one in await swift.admin.get("vm-hosts/")] == [made["id"]]
    assert (await add(swift, lxd, power_address=address, name="third", project="p2"))["state"] == "ready"


async def test_a_new_spelling_of_the_address_keeps_everything(swift: Inn, lxd: LxdDouble) -> None:
    made = await add(swift, lxd)
    start, before = await cursor(swift.admin), revision(swift, made["id"])
    same = await swift.admin.put(f"vm-hosts/{made['id']}/", power_address=f"https://127.0.0.1:{lxd.port}/")
    assert (same["id"], revision(swift, made["id"])) == (made["id"], before)
    assert await audits(swift.admin, after=start) == []
    moved = await swift.admin.put(f"vm-hosts/{made['id']}/", power_address=f"localhost:{lxd.port}")
    assert (moved["id"], moved["state"], moved["certificate_fingerprint"]) == (
        made["id"],
        "ready",
        made["certificate_fingerprint"],
    )
    parameters = await swift.admin.get(f"vm-hosts/{made['id']}/", op="parameters")
    assert parameters["power_address"] == f"localhost:{lxd.port}"


async def test_an_address_of_another_server(swift: Inn, lxd: LxdDouble) -> None:
    made = await add(swift, lxd)
    async with LxdDouble() as other:
        answer = await swift.admin.call("PUT", f"vm-hosts/{made['id']}/", power_address=other.address)
        assert answer.status_code in (409, 503)
        assert made["certificate_fingerprint"] in answer.text
        assert certificates.fingerprint(other.certificate) in answer.text
        assert "certificate_fingerprint" in answer.text  # what to do about it
        assert not [one for one in other.requests if one != "GET /1.0"]
        parameters = await swift.admin.get(f"vm-hosts/{made['id']}/", op="parameters")
        assert parameters["power_address"] == f"127.0.0.1:{lxd.port}"
        named = certificates.fingerprint(other.certificate)
        moved = await swift.admin.put(
            f"vm-hosts/{made['id']}/", power_address=other.address, certificate_fingerprint=named
        )
        assert (moved["id"], moved["certificate_fingerprint"], moved["state"]) == (made["id"], named, "ready")


async def test_a_certificate_that_changed_is_refused_until_it_is_pinned_again(swift: Inn, lxd: LxdDouble) -> None:
    made = await add(swift, lxd)
    system_id = await swift.admin.compose(made["id"], hostname="web1")
    await lxd.change_certificate()
    shown = certificates.fingerprint(lxd.certificate)
    changed = await reaches(swift, made["id"], "certificate changed")
    assert made["certificate_fingerprint"] in changed["state_reason"]
    assert shown in changed["state_reason"]
    assert changed["total"] == made["total"]  # the last numbers stay
    for path, op in ((f"vm-hosts/{made['id']}/", "refresh"), (f"machines/{system_id}/", "power_on")):
        answer = await swift.admin.call("POST", path, op=op)
        assert (answer.status_code, shown in answer.text) == (503, True), op
    compose = await swift.admin.call("POST", f"vm-hosts/{made['id']}/", op="compose")
    assert (compose.status_code, shown in compose.text) == (503, True)
    wrong = await swift.admin.call("PUT", f"vm-hosts/{made['id']}/", certificate_fingerprint="ab" * 32)
    assert (wrong.status_code, shown in wrong.text) == (503, True)
    pinned = await swift.admin.put(f"vm-hosts/{made['id']}/", certificate_fingerprint=shown.upper())
    assert (pinned["id"], pinned["state"], pinned["certificate_fingerprint"]) == (made["id"], "ready", shown)
    assert (await swift.admin.post(f"machines/{system_id}/", op="power_on"))["power_state"] == "on"


@pytest.mark.parametrize("case", ["passphrase", "expired", "not yet valid", "of another key"])
async def test_T01_T04_a_brought_certificate_that_cannot_be(swift: Inn, lxd: LxdDouble, case: str) -> None:
    now = datetime.now(UTC)
    mine = certificates.make(name="mine")
    certificate, key, says = mine.certificate, mine.key, ""
    if case == "passphrase":
        loaded = serialization.load_pem_private_key(mine.key.encode(), None)
        key = loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hush"),
        ).decode()
        says = "passphrase"
    elif case == "of another key":
        key, says = certificates.make(name="other").key, "does not belong to the certificate"
    else:
        born = now - timedelta(days=5000) if case == "expired" else now + timedelta(days=5)
        old = certificates.make(name="old", now=born)
        certificate, key, says = (
            old.certificate,
            old.key,
            str((born + timedelta(days=3650)).year if case == "expired" else born.year),
        )
    answer = await swift.admin.call(
        "POST", "vm-hosts/", type="lxd", power_address=lxd.address, certificate=certificate, key=key
    )
    assert answer.status_code == 400
    assert {"certificate", "key"} & set(answer.json())
    assert says in answer.text
    assert lxd.requests == []
    assert key.splitlines()[1] not in answer.text


async def test_T09_proxy_settings_are_not_for_hosts(
    swift: Inn, lxd: LxdDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await add(swift, lxd))["state"] == "ready"


async def test_a_host_that_answers_garbage(swift: Inn, lxd: LxdDouble) -> None:
    lxd.faults["GET /1.0"] = Garbage()
    answer = await swift.admin.call("POST", "vm-hosts/", type="lxd", power_address=lxd.address, name="alpha")
    assert answer.status_code == 503
    assert await swift.admin.get("vm-hosts/") == []
    del lxd.faults["GET /1.0"]
    made = await add(swift, lxd)
    lxd.faults["GET /1.0/instances"] = Garbage()
    refused = await swift.admin.call("POST", f"vm-hosts/{made['id']}/", op="refresh")
    assert refused.status_code == 503
    assert [one["hostname"] for one in await swift.admin.get("machines/")] == ["alpha"]  # everything else works on


async def test_nobody_listens(swift: Inn, lxd: LxdDouble) -> None:
    await lxd.stop()
    answer = await swift.admin.call("POST", "vm-hosts/", type="lxd", power_address=lxd.address, name="alpha")
    assert (answer.status_code, str(lxd.port) in answer.text) == (503, True)
    assert (await swift.admin.get("vm-hosts/"), await swift.admin.get("machines/")) == ([], [])


async def test_two_adds_of_one_server_at_once(tmp_path: Path, database_url: str, lxd: LxdDouble) -> None:
    async with inn(tmp_path, database_url) as house:
        calls = [
            house.admin.call("POST", "vm-hosts/", type="lxd", power_address=lxd.address, name=name)
            for name in ("one", "two", "three", "four")
        ]
        answers = await asyncio.gather(*calls)
        assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
        [kept] = await house.admin.get("vm-hosts/")
        refused = [one.text for one in answers if one.status_code == 409]
        assert all(f"VM host {kept['name']} (id {kept['id']}) already" in text for text in refused)
        assert len([one for one in await events(house.admin, kind="host") if one["what"] == "not added"]) == 3
        assert len(await house.admin.get("machines/")) == 1


async def test_two_adds_of_one_name_at_once(tmp_path: Path, database_url: str) -> None:
    async with inn(tmp_path, database_url) as house:
        calls = [
            house.admin.call("POST", "vm-hosts/", type="simulated", power_address=address, name="alpha")
            for address in ("a", "b", "c", "d")
        ]
        answers = await asyncio.gather(*calls)
        assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
        assert {one.text for one in answers if one.status_code == 409} == {"There is a VM host named 'alpha' already."}
        zones = await asyncio.gather(*(house.admin.call("POST", "zones/", name="north") for _ in range(4)))
        assert sorted(one.status_code for one in zones) == [200, 409, 409, 409]
        users = [house.admin.call("POST", "users/", username="ann", password="x", is_superuser="0") for _ in range(3)]
        assert sorted(one.status_code for one in await asyncio.gather(*users)) == [200, 409, 409]
