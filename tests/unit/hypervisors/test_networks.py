"""Networks and interfaces: which are asked about, and what is made of them."""

from __future__ import annotations

from typing import Any

from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.model.host import HostInterface
from tests.doubles.lxd import LxdDouble, Refuse


def state(**more: Any) -> dict[str, Any]:
    return {"hwaddr": "02:00:00:00:00:01", "mtu": 1500, "state": "up", "addresses": [], **more}


def add(double: LxdDouble, name: str, type: str, *, told: dict[str, Any] | None = None, **more: Any) -> None:
    double.world.networks.append({"name": name, "type": type, "managed": False, "config": {}, **more})
    if told is not None:
        double.world.network_states[name] = told


async def interfaces(driver: Lxd) -> dict[str, HostInterface]:
    return {one.name: one for one in (await driver.describe()).interfaces}


def asked(double: LxdDouble) -> set[str]:
    """The interfaces whose state was asked for."""
    return {request.split("/")[3] for request in double.counted() if request.endswith("/state")}


async def test_real_bridge_and_uplink(driver: Lxd) -> None:
    told = await interfaces(driver)
    bridge, uplink = told["lxdbr0"], told["eth0"]
    assert (bridge.kind, bridge.managed, bridge.dhcp, bridge.up) == ("bridge", True, True, True)
    assert bridge.addresses == ("10.117.0.1/24", "fd42:1::1/64")  # the link-local one is left out
    assert bridge.subnets == ("10.117.0.0/24", "fd42:1::/64")
    assert (uplink.kind, uplink.managed, uplink.dhcp, uplink.mac) == ("physical", False, False, "02:fc:00:00:00:01")
    assert (uplink.pci_address, uplink.numa_node) == ("0000:00:03.0", 0)


async def test_R11_null_devices_are_none(driver: Lxd, double: LxdDouble) -> None:
    add(double, "br0", "bridge", told=state(bridge={"upper_devices": None}))
    add(double, "bond0", "bond", told=state(bond={"lower_devices": None, "mode": "802.3ad"}))
    add(double, "bare", "bridge", told={"bond": None, "bridge": None, "vlan": None, "addresses": None})
    told = await interfaces(driver)
    assert (told["br0"].members, told["bond0"].members, told["bare"].members) == ((), (), ())


async def test_bonds_bridges_and_vlans_tell_what_they_are_made_of(driver: Lxd, double: LxdDouble) -> None:
    add(double, "bond0", "bond", told=state(bond={"lower_devices": ["ens4", "ens3"]}))
    add(double, "br0", "bridge", told=state(bridge={"upper_devices": ["bond0.5", "tap77f0afc9", "veth12ab34cd"]}))
    add(double, "bond0.5", "vlan", told=state(vlan={"lower_device": "bond0", "vid": 5}))
    told = await interfaces(driver)
    assert told["bond0"].members == ("ens3", "ens4")
    assert told["br0"].members == ("bond0.5",)  # guests' own ports come and go
    assert (told["bond0.5"].kind, told["bond0.5"].vlan_parent, told["bond0.5"].vlan_id) == ("vlan", "bond0", 5)


async def test_R20_interfaces_that_vanish_are_skipped(driver: Lxd, double: LxdDouble) -> None:
    add(double, "veth7a77b9a2", "unknown")
    add(double, "gone1", "bond")  # 404
    add(double, "gone2", "physical")
    double.faults["GET /1.0/networks/gone2/state"] = Refuse(500, 'Network interface "gone2" not found')
    add(double, "sick", "physical")
    double.faults["GET /1.0/networks/sick/state"] = Refuse(500, "ethtool: input/output error")
    told = await driver.describe()
    assert told.faults == (("network sick", "ethtool: input/output error"),)
    names = {one.name for one in told.interfaces}
    assert names == {"eth0", "incusbr0", "lxdbr0", "sick"}  # the sick one is there, without its numbers
    assert asked(double) == {"eth0", "incusbr0", "lxdbr0", "gone1", "gone2", "sick"}


async def test_no_request_for_what_belongs_to_guests(driver: Lxd, double: LxdDouble) -> None:
    """Taps, veths, macvtaps and loopback by their names; a tap that was given another name by the bridge it is in."""
    for name in ("tapd1b379c6", "veth7a77b9a2", "vnet3", "mac0a1b2c3d", "ifb0"):
        add(double, name, "unknown")
    add(double, "my-vm-nic", "unknown")
    add(double, "lo2", "loopback")
    double.world.network_states["lxdbr0"]["bridge"]["upper_devices"] = ["my-vm-nic", "tapd1b379c6"]
    told = await interfaces(driver)
    assert set(told) == asked(double) == {"eth0", "incusbr0", "lxdbr0"}


async def test_an_uplink_of_unknown_type_is_the_hosts(driver: Lxd, double: LxdDouble) -> None:
    """As in a container or a network namespace, where there is no hardware to see."""
    double.world.resources["network"] = {"cards": [], "total": 0}
    double.world.networks = [n for n in double.world.networks if n["name"] != "eth0"]
    add(double, "eth0", "unknown", told=state(addresses=[{"address": "10.0.0.2", "netmask": "24", "scope": "global"}]))
    told = await interfaces(driver)
    assert (told["eth0"].kind, told["eth0"].subnets) == ("unknown", ("10.0.0.0/24",))


async def test_managed_networks_that_only_name_a_parent(driver: Lxd, double: LxdDouble) -> None:
    add(double, "mv", "macvlan", managed=True, config={"parent": "eth0", "vlan": "7"})
    add(double, "sr", "sriov", managed=True, config={"parent": "ens1f0"})
    add(double, "up", "physical", managed=True, config={"parent": "ens2f0"})
    told = await interfaces(driver)
    assert {n: (told[n].kind, told[n].vlan_parent, told[n].vlan_id) for n in ("mv", "sr", "up")} == {
        "mv": ("macvlan", "eth0", 7),
        "sr": ("sriov", "ens1f0", 0),
        "up": ("physical", "ens2f0", 0),
    }
    assert not {"mv", "sr", "up"} & asked(double)


async def test_dhcp_of_managed_networks(driver: Lxd, double: LxdDouble) -> None:
    configs = {
        "on": {"ipv4.address": "10.1.0.1/24"},
        "off": {"ipv4.address": "10.1.0.1/24", "ipv4.dhcp": "false", "ipv6.address": "none"},
        "none": {"ipv4.address": "none", "ipv6.address": "none"},
        "six": {"ipv4.address": "none", "ipv6.address": "fd42::1/64"},
        "whole": {"ipv4.address": "10.3.0.1/24", "ipv6.address": "fd43::1/64", "ipv6.dhcp.stateful": "true"},
        "ovn1": {"ipv4.address": "10.2.0.1/24"},
    }
    for name, config in configs.items():
        add(double, name, "ovn" if name == "ovn1" else "bridge", managed=True, config=config, told=state())
    told = await interfaces(driver)
    assert {name for name in configs if told[name].dhcp} == {"on", "six", "ovn1", "whole"}
    assert {name: told[name].fixed for name in configs} == {
        "on": (4,), "off": (), "none": (), "six": (), "ovn1": (4,), "whole": (4, 6),
    }  # fmt: skip
    assert told["ovn1"].kind == "ovn"
    assert told["on"].subnets == ("10.1.0.0/24",)  # of the configuration, where the state tells no address


async def test_broken_addresses_are_left_out(driver: Lxd, double: LxdDouble) -> None:
    bad = [
        {"address": "10.0.0.1", "netmask": ""},
        {"address": "x", "netmask": "24"},
        {"address": "10.0.0.1", "netmask": "8"},
    ]
    add(double, "br0", "bridge", told=state(addresses=bad))
    assert (await interfaces(driver))["br0"].addresses == ("10.0.0.1/8",)
