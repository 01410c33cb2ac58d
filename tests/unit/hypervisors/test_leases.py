"""What a host's networks gave to guests, and which addresses they are told to give."""

from __future__ import annotations

from dataclasses import replace

import pytest

from innkeeper.hypervisors.base import Leases
from innkeeper.hypervisors.lxd.creation import instance_body, readdressed
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.machine import InterfaceSpec
from tests.doubles.lxd import LxdDouble, Refuse
from tests.unit.hypervisors.specs import SPEC

MAC = "00:16:3e:00:00:01"


async def test_real_leases(driver: Lxd) -> None:
    """Not the network's own address, nor what only follows from a MAC: s2 has no lease and may not be up."""
    given = ((MAC_OF_S1, "fd42:1::216:3eff:fe83:817a"), (MAC_OF_S1, "10.117.0.132"))
    assert await driver.leases() == (Leases(network="lxdbr0", given=given),)


MAC_OF_S1 = "00:16:3e:83:81:7a"


async def test_a_lease_that_is_only_kept_was_not_given(driver: Lxd, double: LxdDouble) -> None:
    kept = {"hostname": "x", "hwaddr": MAC, "address": "10.117.0.9", "type": "static", "location": "none"}
    double.world.leases["lxdbr0"] = [kept]
    assert await driver.leases() == (Leases(network="lxdbr0"),)
    double.world.leases["lxdbr0"] = None
    assert await driver.leases() == (Leases(network="lxdbr0"),)


@pytest.mark.parametrize("where", ["GET /1.0/networks", "GET /1.0/networks/lxdbr0/leases"])
async def test_a_network_that_cannot_tell_is_left_out(driver: Lxd, double: LxdDouble, where: str) -> None:
    double.faults[where] = Refuse(500, "no")
    assert await driver.leases() == ()


async def test_addresses_of_a_vm_of_ours_are_changed(driver: Lxd, double: LxdDouble) -> None:
    nic = InterfaceSpec(device="eth0", attach="network", parent="lxdbr0", mac=MAC, addresses=("10.117.0.9",))
    await driver.create(replace(SPEC, interfaces=(nic,)))
    told = double.world.instances["default", "vm"]["devices"]
    assert told["eth0"]["ipv4.address"] == "10.117.0.9"
    wanted = ((MAC, ("fd42:1::9", "10.117.0.10")),)
    for machine in ("other", ""):
        await driver.readdress(name="vm", machine=machine, addresses=wanted)
    await driver.readdress(name="gone", machine="m1", addresses=wanted)
    assert told["eth0"]["ipv4.address"] == "10.117.0.9"
    for _ in range(2):
        await driver.readdress(name="vm", machine="m1", addresses=wanted)
        assert (told["eth0"]["ipv4.address"], told["eth0"]["ipv6.address"]) == ("10.117.0.10", "fd42:1::9")
    assert double.counted()["PATCH /1.0/instances/vm"] == 1  # the second time there was nothing to change


def test_only_nics_that_are_named_and_differ_are_sent() -> None:
    devices = {
        "root": {"type": "disk", "path": "/"},
        "eth0": {"type": "nic", "hwaddr": "A", "network": "n", "ipv4.address": "10.0.0.1", "ipv6.address": "fd00::1"},
        "eth1": {"type": "nic", "hwaddr": "b", "network": "n", "ipv4.address": "10.0.0.2"},
        "eth2": {"type": "nic", "hwaddr": "c", "network": "n", "ipv4.address": "10.0.0.3"},
        "eth3": {"type": "nic", "network": "n"},
    }
    assert readdressed(devices, {"a": ("10.0.0.9",), "b": ("10.0.0.2",)}) == {
        "eth0": {"type": "nic", "hwaddr": "A", "network": "n", "ipv4.address": "10.0.0.9"}
    }


def test_a_name_of_one_letter_is_not_sent() -> None:
    """LXD refuses the whole VM for it."""
    nics = tuple(InterfaceSpec(device=name, attach="network", parent="n", mac=name) for name in ("a", "ab"))
    devices = instance_body(replace(SPEC, interfaces=nics))["devices"]
    assert isinstance(devices, dict)
    assert [devices[name].get("name") for name in ("a", "ab")] == [None, "ab"]
