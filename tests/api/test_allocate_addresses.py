"""Allocate with `ip=`: an address that cannot be had is refused at once, in the words of what is the matter."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.store import claims
from tests.api.facts import composed
from tests.api.test_allocate import allocate, names, refused
from tests.api.wired import subnet_of
from tests.kit.house import Inn

HOSTS = ("alpha", "beta")
HELD, RESERVED, HOSTS_OWN, DYNAMIC, BROADCAST, FREE = (f"10.0.0.{last}" for last in (30, 20, 1, 205, 255, 99))
HOLDERS = {
    HELD: "0: The address 10.0.0.30 is taken by eth0 of machine db1.",
    RESERVED: "0: The address 10.0.0.20 is taken by bob, who reserved it.",
    HOSTS_OWN: "0: The address 10.0.0.1 is taken: br0 of VM host alpha has it.",
}


async def furnished(house: Inn) -> dict[str, int]:
    """Two hosts on one network, some of whose addresses somebody has; the ids of the hosts."""
    ids = {name: await house.add_host(name) for name in HOSTS}
    subnet = await subnet_of(house, "10.0.0.0/24")
    await house.admin.post("ipranges/", type="dynamic", subnet=subnet["id"], start_ip="10.0.0.200", end_ip="10.0.0.210")
    await house.client(username="bob").post("ipaddresses/", op="reserve", ip=RESERVED, subnet=subnet["id"])
    await house.admin.compose(ids["beta"], hostname="db1", interfaces=f"0:ip={HELD}")
    await allocate(house.admin, name="db1")
    return ids


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The hosts on which something was claimed or tried to be, as it happens."""
    hosts: list[int] = []
    compose = claims.compose

    def counted(*args: Any, **more: Any) -> Any:
        hosts.append(more["host_id"])
        return compose(*args, **more)

    monkeypatch.setattr(claims, "compose", counted)
    return hosts


@pytest.mark.parametrize("dry", ["false", "true"])
async def test_an_address_that_somebody_has(house: Inn, claimed: list[int], dry: str) -> None:
    """409 with the holder and the counts, after one try; nothing is left of it."""
    await furnished(house)
    before = await house.admin.get("machines/")
    for ip, holder in HOLDERS.items():
        claimed.clear()
        text = await refused(house.admin, interfaces=f"0:ip={ip}", dry_run=dry)
        assert text.startswith(f"No available machine matches constraints: [('interfaces', ['0:ip={ip}'])]")
        assert f"{holder} No machine is Ready." in text
        assert "None of the 2 VM hosts can hold a new one: address fails on 2 hosts." in text
        assert len(claimed) == 1
    assert await house.admin.get("machines/") == before


@pytest.mark.parametrize("dry", ["false", "true"])
async def test_an_address_that_nobody_can_have(house: Inn, claimed: list[int], dry: str) -> None:
    """400 that names it, whether a host has room or not."""
    ids = await furnished(house)
    fabric = await house.admin.post("fabrics/", name="elsewhere")
    await house.admin.post("subnets/", cidr="10.8.0.0/24", vlan=fabric["vlans"][0]["id"])
    claimed.clear()
    for schedulable in ("true", "false"):
        for id in ids.values():
            await house.admin.put(f"vm-hosts/{id}/", schedulable=schedulable)
        for ip, why in (
            (DYNAMIC, "0: 10.0.0.205 is in the dynamic range 10.0.0.200 to 10.0.0.210, which DHCP gives"),
            (BROADCAST, "0: 10.0.0.255 stands for the whole subnet 10.0.0.0/24; no machine can have it"),
            ("10.9.0.1", "0: ip=10.9.0.1: no subnet that is known holds it; known: 10.0.0.0/24, 10.8.0.0/24"),
            (
                "10.8.0.5,subnet=10.0.0.0/24",
                "0: no VLAN that is known is all of subnet=10.0.0.0/24 and ip=10.8.0.5 (10.8.0.0/24)",
            ),
        ):
            answer = await house.admin.call("POST", "machines/", op="allocate", interfaces=f"0:ip={ip}", dry_run=dry)
            assert (answer.status_code, answer.json()) == (400, {"interfaces": [why]})
    assert len(claimed) == 2  # of the two that a host had room for, once each
    assert await names(house) == {"db1": "Allocated"}


async def test_hosts_that_fail_otherwise_are_counted(house: Inn) -> None:
    """The holder is named whatever else stands against the hosts."""
    ids = await furnished(house)
    await house.admin.put(f"vm-hosts/{ids['beta']}/", schedulable="false", closed_reason="new disks")
    text = await refused(house.admin, interfaces=f"0:ip={RESERVED}")
    assert HOLDERS[RESERVED] in text
    assert "address fails on 1 host, closed fails on 1 host" in text
    assert "alpha: the address is taken. beta: it is closed to new machines: new disks" in text
    text = await refused(house.admin, interfaces=f"0:ip={RESERVED}", cpu_count=640)
    assert HOLDERS[RESERVED] in text
    assert "cores fails on 2 hosts, closed fails on 1 host" in text
    assert "address fails" not in text
    text = await refused(house.admin, interfaces=f"0:ip={FREE}", cpu_count=640)
    assert "taken" not in text


async def test_an_address_that_is_free(house: Inn) -> None:
    """Kept by a dry run it is not: the next one gets it, and nobody after that."""
    await furnished(house)
    for dry in ("true", "false"):
        got = await allocate(house.admin, interfaces=f"0:ip={FREE}", dry_run=dry)
        (nic,) = got["interface_set"]
        assert [(one["mode"], one["ip_address"]) for one in nic["links"]] == [("static", FREE)]
    text = await refused(house.admin, interfaces=f"0:ip={FREE}")
    assert f"0: The address {FREE} is taken by eth0 of machine {got['hostname']}." in text


async def test_a_host_that_fails_gives_the_address_back(house: Inn) -> None:
    """To the machine that the next best makes."""
    await furnished(house)
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    got = await allocate(house.admin, interfaces=f"0:ip={FREE}")
    assert (got["pod"]["name"], got["ip_addresses"]) == ("beta", [FREE])


async def test_the_machine_that_has_the_address_is_taken(house: Inn) -> None:
    id = await house.add_host()
    await house.admin.compose(id, hostname="other")
    await house.admin.compose(id, hostname="db1", cores=2, interfaces=f"0:ip={HELD}")
    assert (await allocate(house.admin, interfaces=f"a:ip={HELD}"))["hostname"] == "db1"


async def test_many_want_one_address_at_once(house: Inn) -> None:
    """One has it, and all others hear who."""
    await furnished(house)
    calls = [house.admin.call("POST", "machines/", op="allocate", interfaces=f"0:ip={FREE}") for _ in range(8)]
    answers = await asyncio.gather(*calls)
    (got,) = [one.json() for one in answers if one.status_code == 200]
    losers = [one for one in answers if one.status_code != 200]
    assert {one.status_code for one in losers} == {409}
    assert all(f"is taken by eth0 of machine {got['hostname']}." in one.text for one in losers)
    assert len(await names(house)) == 2


async def test_a_name_that_is_made_up_is_free_on_the_host_too(house: Inn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose name was changed has an instance of its first name."""
    id = await house.add_host()
    first = await composed(house, id, hostname="fond-owl")
    await house.admin.put(f"machines/{first['system_id']}/", hostname="web")
    made_up = iter(("fond-owl", "brave-fox"))
    monkeypatch.setattr(claims, "random_name", lambda: next(made_up))
    assert (await composed(house, id))["hostname"] == "brave-fox"
