"""What an LXD host tells of a guest, and our end of the connection to it."""

from __future__ import annotations

import pytest

from innkeeper.hypervisors.base import GuestFacts
from innkeeper.hypervisors.lxd import guests
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.lxd import LxdDouble
from tests.doubles.world import RUNNING, STOPPED

MAC = "00:16:3E:83:81:7A"
STATE = {
    "processes": -1,
    "network": {
        "eth0": {
            "hwaddr": MAC,
            "addresses": [
                {"family": "inet", "address": "10.117.0.132", "netmask": "24", "scope": "global"},
                # what every guest with that MAC would have: it is worked out, and says nothing
                {"family": "inet6", "address": "fd42:1::216:3eff:fe83:817a", "netmask": "64", "scope": "global"},
                {"family": "inet6", "address": "fd42:1::7", "netmask": "64", "scope": "global"},
                {"family": "inet6", "address": "fe80::1", "netmask": "64", "scope": "link"},
            ],
        },
        "lo": {"hwaddr": "", "addresses": [{"address": "127.0.0.1", "scope": "local"}]},
    },
}


@pytest.mark.parametrize(("processes", "agent"), [(-1, False), (0, False), (17, True)])
async def test_agent_and_addresses(double: LxdDouble, driver: Lxd, processes: int, agent: bool) -> None:
    double.world.add_instance("vm", status=RUNNING)
    double.world.instance_states["vm"] = STATE | {"processes": processes}
    seen = await driver.guest(name="vm")
    mac = MAC.lower()
    assert seen == GuestFacts(agent=agent, addresses=((mac, "10.117.0.132"), (mac, "fd42:1::7")))


async def test_nothing_is_seen_of_one_that_is_off_or_gone(double: LxdDouble, driver: Lxd) -> None:
    double.world.add_instance("vm", status=STOPPED)
    double.world.instance_states["vm"] = STATE
    assert await driver.guest(name="vm") == GuestFacts()
    assert await driver.guest(name="other") == GuestFacts()


async def test_a_guest_that_has_just_begun_to_boot(double: LxdDouble, driver: Lxd) -> None:
    double.world.add_instance("vm", status=RUNNING)
    assert await driver.guest(name="vm") == GuestFacts()


@pytest.mark.parametrize(
    ("address", "ours"),
    [("https://127.0.0.1:8443", "127.0.0.1"), ("https://[::1]:8443", "::1"), ("https://no.such.host.invalid:1", "")],
)
async def test_our_end(address: str, ours: str) -> None:
    assert await guests.our_address(address) == ours


async def test_our_end_of_the_driver(driver: Lxd) -> None:
    assert await driver.our_address() == "127.0.0.1"
