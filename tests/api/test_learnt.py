"""Addresses that were seen: they appear in links, and go when they are not seen any more."""

from __future__ import annotations

from dataclasses import replace

from innkeeper.model.machine import InterfaceFacts
from innkeeper.store import learnt
from tests.api.facts import cursor, events, live, place, vm
from tests.api.wired import nic_of, refusal, wire, wired
from tests.kit.house import Inn
from tests.kit.until import until


async def test_addresses_are_learnt_from_leases(house: Inn) -> None:
    id = await wired(house)
    made, _ = await nic_of(house, "a:name=br0;b:name=br1,ip=10.1.0.5")
    mac, other = (nic["mac_address"] for nic in made["interface_set"])
    machine = f"machines/{made['system_id']}/"
    start = await cursor(house.admin)

    def lease(*given: tuple[str, str, str]) -> None:
        house.change("alpha", lambda world: setattr(world, "leases", list(given)))

    lease(("br0", mac, "10.0.0.77"), ("br0", mac, "2001:db8:9::77"), ("br0", "00:16:3e:99:99:99", "10.0.0.78"))
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    seen = await house.admin.get(machine)
    first, second = seen["interface_set"]
    assert [(link["mode"], link["ip_address"], link["learnt"]) for link in first["links"]] == [
        ("auto", "10.0.0.77", True),
        ("link_up", "2001:db8:9::77", True),
    ]
    assert [link["ip_address"] for link in second["links"]] == ["10.1.0.5"]
    assert seen["ip_addresses"] == ["10.0.0.77", "2001:db8:9::77", "10.1.0.5"]
    text = f"{made['hostname']}: its addresses are 10.0.0.77, 2001:db8:9::77, 10.1.0.5"
    assert [one["text"] for one in await events(house.admin, after=start) if one["what"] == "addresses"] == [text]
    status, words = await refusal(house, id, interfaces="a:ip=10.0.0.77")
    assert (status, f"a of machine {made['hostname']} uses it" in words) == (409, True), words
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    lease()
    await house.admin.post(f"vm-hosts/{id}/", op="refresh")
    assert (await house.admin.get(machine))["ip_addresses"] == ["10.1.0.5"]
    assert len([one for one in await events(house.admin, after=start) if one["what"] == "addresses"]) == 2
    assert other != mac


async def test_a_lease_is_looked_for_after_a_start(house: Inn) -> None:
    id = await wired(house)
    await live(house, id)
    made, path = await nic_of(house, "a:name=br0")
    await house.admin.post(f"machines/{made['system_id']}/", op="power_on")
    given = ("br0", made["interface_set"][0]["mac_address"], "10.0.0.66")
    house.change("alpha", lambda world: world.leases.append(given))

    async def shown() -> bool:
        return [link.get("ip_address") for link in (await house.admin.get(path))["links"]] == ["10.0.0.66"]

    await until(shown)


async def test_vms_that_were_there_show_where_they_are(house: Inn) -> None:
    nic = InterfaceFacts(device="eth0", attach="network", parent="br0", mac="00:16:3e:0a:0a:0a")
    house.change("alpha", wire)
    place(house, "alpha", replace(vm("old"), interfaces=(nic,)))
    house.change("alpha", lambda world: world.leases.append(("br0", nic.mac, "10.0.0.99")))
    await house.add_host()
    (found,) = await house.admin.get("machines/", hostname="old")
    assert found["interface_set"][0]["vlan"]["fabric"] == "fabric-1"
    assert found["ip_addresses"] == ["10.0.0.99"]


async def test_a_guest_that_calls_has_the_address_it_calls_from(house: Inn) -> None:
    await wired(house)
    made, _ = await nic_of(house, "a:name=br0;b:name=br1")
    database, first = house.house.services.database, made["interface_set"][0]
    for ip in ("192.0.2.1", "testclient", ""):  # of no subnet that it is on: nothing is learnt
        database.transact(learnt.from_guest, made["system_id"], ip)
    assert (await house.admin.get(f"machines/{made['system_id']}/"))["ip_addresses"] == []
    database.transact(learnt.from_guest, made["system_id"], "::ffff:10.0.0.44")
    assert (await house.admin.get(first["resource_uri"]))["links"][0]["ip_address"] == "10.0.0.44"
    database.transact(learnt.of_guest, made["system_id"], [(first["mac_address"].upper(), "2001:db8:7::7")])
    shown = await house.admin.get(f"machines/{made['system_id']}/")
    assert shown["ip_addresses"] == ["10.0.0.44", "2001:db8:7::7"]  # beside what was learnt before
    database.transact(learnt.from_guest, "gone00", "10.0.0.44")
