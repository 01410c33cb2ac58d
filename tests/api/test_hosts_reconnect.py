"""Reaching a VM host in another way: a new address, another pin, another certificate."""

from __future__ import annotations

from innkeeper.hypervisors.lxd import certificates
from innkeeper.hypervisors.simulated_world import Fault
from tests.api.facts import audits, cursor, live
from tests.kit.house import Inn


async def test_a_new_address_must_lead_to_the_same_server(house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)
    before = await house.admin.get(f"vm-hosts/{id}/")
    other = await house.add_host("beta")
    theirs = (await house.admin.get(f"vm-hosts/{other}/"))["certificate_fingerprint"]
    await house.admin.delete(f"vm-hosts/{other}/")
    answer = await house.admin.call("PUT", f"vm-hosts/{id}/", power_address="beta")
    assert answer.status_code in (409, 503)
    assert before["certificate_fingerprint"] in answer.text
    assert theirs in answer.text
    assert await house.admin.get(f"vm-hosts/{id}/") == before
    moved = await house.admin.put(f"vm-hosts/{id}/", power_address="beta", certificate_fingerprint=theirs)
    assert (moved["id"], moved["certificate_fingerprint"], moved["state"]) == (id, theirs, "ready")
    assert moved["host"] == before["host"]
    parameters = await house.admin.get(f"vm-hosts/{id}/", op="parameters")
    assert parameters["power_address"].endswith("beta.json")


async def test_an_address_of_another_vm_host(house: Inn) -> None:
    id = await house.add_host()
    other = await house.add_host("beta")
    theirs = (await house.admin.get(f"vm-hosts/{other}/"))["certificate_fingerprint"]
    answer = await house.admin.call("PUT", f"vm-hosts/{id}/", power_address="beta", certificate_fingerprint=theirs)
    assert (answer.status_code, f"VM host beta (id {other}) already" in answer.text) == (409, True)


async def test_a_new_address_that_does_not_answer(house: Inn) -> None:
    id = await house.add_host()
    await live(house, id)
    before = await house.admin.get(f"vm-hosts/{id}/")
    house.change("beta", lambda world: setattr(world, "up", False))
    theirs = await _fingerprint(house, "gamma")
    answer = await house.admin.call("PUT", f"vm-hosts/{id}/", power_address="beta", certificate_fingerprint=theirs)
    assert answer.status_code == 503
    assert await house.admin.get(f"vm-hosts/{id}/") == before
    assert (await house.admin.post(f"vm-hosts/{id}/", op="refresh"))["state"] == "ready"


async def _fingerprint(house: Inn, name: str) -> str:
    id = await house.add_host(name)
    shown = str((await house.admin.get(f"vm-hosts/{id}/"))["certificate_fingerprint"])
    await house.admin.delete(f"vm-hosts/{id}/")
    return shown


async def _closed(house: Inn) -> int:
    """A host that trusts only who is in its list: us, by a token."""
    house.change("alpha", lambda world: setattr(world, "trusting", False))
    return await house.add_host(password="token")


async def test_a_certificate_made_anew_keeps_the_id_and_the_machines(swift: Inn) -> None:
    id = await _closed(swift)
    system_id = await swift.admin.compose(id, hostname="web1")
    old = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    put = await swift.admin.put(f"vm-hosts/{id}/", regenerate_certificate="true")
    new = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    assert (put["id"], put["state"]) == (id, "ready")
    assert new != old
    assert [one.strip() for one in swift.see("alpha").trusted] == [new.strip()]  # the old one is out of the trust list
    assert (await swift.admin.get(f"vm-hosts/{id}/", op="parameters"))["certificate"].strip() == new.strip()
    assert (await swift.admin.get(f"machines/{system_id}/"))["pod"]["id"] == id
    assert (await swift.admin.post(f"machines/{system_id}/", op="power_on"))["power_state"] == "on"
    assert swift.see("alpha").calls["redeem"] == 1
    assert any("connection" in text for text in await audits(swift.admin))


async def test_a_brought_certificate_takes_the_place_of_ours(swift: Inn) -> None:
    id = await _closed(swift)
    mine = certificates.make(name="mine")
    put = await swift.admin.put(f"vm-hosts/{id}/", certificate=mine.certificate, key=mine.key)
    assert (put["id"], put["state"]) == (id, "ready")
    assert swift.see("alpha").trusted == [mine.certificate]
    start, calls = await cursor(swift.admin), swift.see("alpha").calls["identify"]
    await swift.admin.put(f"vm-hosts/{id}/", certificate=mine.certificate, key=mine.key)
    assert await audits(swift.admin, after=start) == []
    assert swift.see("alpha").calls["identify"] == calls


async def test_a_rotation_that_the_host_refuses_is_undone(swift: Inn) -> None:
    id = await _closed(swift)
    old = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    swift.change("alpha", lambda world: world.faults.append(Fault(call="trust", kind="refuse")))
    answer = await swift.admin.call("PUT", f"vm-hosts/{id}/", regenerate_certificate="true")
    assert answer.status_code == 503
    assert (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text == old
    assert (await swift.admin.post(f"vm-hosts/{id}/", op="refresh"))["state"] == "ready"
    assert (await swift.admin.put(f"vm-hosts/{id}/", regenerate_certificate="true"))["state"] == "ready"


async def test_a_host_that_no_longer_trusts_us_is_told(swift: Inn) -> None:
    id = await _closed(swift)
    swift.change("alpha", lambda world: world.trusted.clear())
    answer = await swift.admin.call("POST", f"vm-hosts/{id}/", op="refresh")
    assert (answer.status_code, "trust" in answer.text) == (503, True)
