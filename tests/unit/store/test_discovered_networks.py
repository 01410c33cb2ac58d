"""What hosts report of their networks, kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.errors import Conflict
from innkeeper.model.host import HostInterface
from innkeeper.model.network import Fabric, HostNetwork, Subnet, Vlan
from innkeeper.store import discovered_networks, fabrics, host_interfaces, hosts, spaces, subnets, vlans
from innkeeper.store.network_tables import fabric, host_interface, subnet, vlan
from tests.kit.networks import simulated_host
from tests.unit.store.seen import INVENTORY, Seen

MANAGED = HostInterface(
    name="br0",
    kind="bridge",
    managed=True,
    mtu=1400,
    addresses=("10.0.0.1/24", "fd00::1/64"),
    subnets=("10.0.0.0/24", "fd00::/64"),
    dhcp=True,
)
PORT = HostInterface(name="eth0", kind="physical", addresses=("192.168.7.4/24",), subnets=("192.168.7.0/24",))
TAGGED = HostInterface(name="eth0.5", kind="vlan", vlan_parent="eth0", vlan_id=5)
BARE = HostInterface(name="eth1", kind="physical")
TABLES = (fabric, vlan, subnet, host_interface)


def look(seen: Seen, *interfaces: HostInterface) -> None:
    seen.look_at_all(inventory=replace(INVENTORY, interfaces=interfaces))


def networks(seen: Seen) -> dict[str, HostNetwork]:
    found = seen.database.ask(host_interfaces.networks, [seen.host_id])
    return {one.name: one for one in found.get(seen.host_id, ())}


def everything(seen: Seen) -> list[Any]:
    return [tuple(row) for table in TABLES for row in seen.rows(table)]


def see(seen: Seen, host_id: int, *interfaces: HostInterface) -> None:
    with seen.database.write() as write:
        discovered_networks.see(write, hosts.find(write.sql, host_id), interfaces)


def test_a_managed_network_is_a_fabric_with_its_subnets(seen: Seen) -> None:
    look(seen, MANAGED)
    one = networks(seen)["br0"]
    assert one.vlan is not None
    assert one.fabric is not None
    assert one.fabric == Fabric(id=one.fabric.id, name=f"fabric-{one.fabric.id}")
    assert one.vlan == Vlan(id=one.vlan.id, fabric_id=one.fabric.id, mtu=1400, dhcp_on=True)
    assert (one.space, one.space_name, one.dhcp_on) == (None, "undefined", True)
    four, six = one.subnets
    assert four == Subnet(
        id=four.id,
        name="10.0.0.0/24",
        cidr="10.0.0.0/24",
        vlan_id=one.vlan.id,
        gateway_ip="10.0.0.1",
        dns_servers=("10.0.0.1",),
    )
    assert (six.cidr, six.gateway_ip, six.dns_servers) == ("fd00::/64", "fd00::1", ("fd00::1",))


def test_tags_are_vlans_of_the_parents_fabric_and_of_the_rest_nothing_is_known(seen: Seen) -> None:
    look(seen, TAGGED, PORT, BARE)
    found = networks(seen)
    port, tagged = found["eth0"], found["eth0.5"]
    assert port.vlan is not None
    assert tagged.vlan is not None
    assert (port.fabric, port.vlan.vid, port.vlan.name, port.dhcp_on) == (tagged.fabric, 0, "untagged", False)
    assert (tagged.vlan.vid, tagged.vlan.name, tagged.subnets) == (5, "vlan-5", ())
    (plain,) = port.subnets
    assert (plain.cidr, plain.gateway_ip, plain.dns_servers, plain.managed) == ("192.168.7.0/24", None, (), False)
    assert (found["eth1"].vlan, found["eth1"].fabric, found["eth1"].subnets) == (None, None, ())


def test_the_same_told_again_writes_nothing_and_ids_stay(seen: Seen) -> None:
    look(seen, MANAGED, PORT, TAGGED, BARE)
    before = everything(seen)
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN")):
            written.append(statement)

    sa.event.listen(seen.database.engine, "before_cursor_execute", note)
    see(seen, seen.host_id, BARE, TAGGED, PORT, MANAGED)
    assert (written, everything(seen)) == ([], before)


def test_what_people_edited_stays(seen: Seen) -> None:
    look(seen, MANAGED, BARE)
    before = networks(seen)
    bridge, bare = before["br0"], before["eth1"]
    assert bridge.vlan is not None
    assert bridge.fabric is not None
    with seen.database.write() as write:
        space = spaces.create(write, name="dmz")
        fabrics.update(write, id=bridge.fabric.id, name="floor", class_type="10g")
        vlans.update(write, id=bridge.vlan.id, name="main", mtu=9000, space_id=space.id, dhcp_on=False)
        subnets.update(write, id=bridge.subnets[0].id, name="s", gateway_ip=None, dns_servers=("1.1.1.1",))
        host_interfaces.set_vlan(write, bare.id, bridge.vlan.id)
    edited = networks(seen)
    look(seen, MANAGED, BARE)
    assert networks(seen) == edited
    assert edited["eth1"].vlan == edited["br0"].vlan
    assert edited["br0"].space_name == "dmz"
    assert edited["br0"].subnets[0].dns_servers == ("1.1.1.1",)


def test_two_hosts_on_one_subnet_are_on_one_vlan(seen: Seen) -> None:
    look(seen, MANAGED)
    other = simulated_host(seen.database, "beta")
    see(seen, other, PORT, replace(PORT, name="eth9", addresses=("10.0.0.7/24",), subnets=("10.0.0.0/24",)))
    found = seen.database.ask(host_interfaces.networks, None)
    assert {one.name: one.vlan for one in found[other]}["eth9"] == found[seen.host_id][0].vlan
    assert len(seen.rows(subnet)) == 3


def test_interfaces_that_are_gone_are_forgotten_and_their_networks_are_not(seen: Seen) -> None:
    look(seen, MANAGED, PORT)
    kept = networks(seen)["br0"].id
    look(seen, MANAGED)
    assert {name: one.id for name, one in networks(seen).items()} == {"br0": kept}
    assert [row.cidr for row in seen.rows(subnet)] == ["10.0.0.0/24", "fd00::/64", "192.168.7.0/24"]


def test_what_no_vm_can_be_attached_to_is_left_out(seen: Seen) -> None:
    look(seen, MANAGED, HostInterface(name="ib0", kind="physical", ethernet=False, subnets=("10.3.0.0/24",)))
    assert list(networks(seen)) == ["br0"]
    assert "10.3.0.0/24" not in [row.cidr for row in seen.rows(subnet)]


def test_dhcp_is_followed_when_it_changes(seen: Seen) -> None:
    look(seen, replace(MANAGED, dhcp=False))
    assert not networks(seen)["br0"].dhcp_on
    look(seen, MANAGED)
    assert networks(seen)["br0"].dhcp_on
    see(seen, simulated_host(seen.database, "beta"), MANAGED)
    look(seen, replace(MANAGED, dhcp=False))
    assert networks(seen)["br0"].dhcp_on  # the other host's network still gives addresses


def test_a_subnet_that_moves_takes_along_what_is_on_it(seen: Seen) -> None:
    look(seen, MANAGED, PORT)
    found = networks(seen)
    target, moving = found["eth0"].vlan, found["br0"].subnets[0]
    assert target is not None
    with seen.database.write() as write:
        subnets.update(write, id=moving.id, vlan_id=target.id)
    assert networks(seen)["br0"].vlan == target
    look(seen, MANAGED, PORT)
    assert networks(seen)["br0"].vlan == target


def test_a_new_subnet_is_told(seen: Seen) -> None:
    look(seen, PORT)
    (fabric_,) = seen.rows(fabric)
    text = f"alpha is on a subnet that was not known: 192.168.7.0/24, VLAN untagged of fabric {fabric_.name}"
    assert seen.told("network") == [text]
    look(seen, PORT)
    assert seen.told("network") == [text]


def test_what_a_host_is_on_cannot_be_deleted(seen: Seen) -> None:
    look(seen, PORT)
    one = networks(seen)["eth0"]
    assert one.vlan is not None
    assert one.fabric is not None
    with pytest.raises(Conflict, match=r"192\.168\.7\.0/24 is in use by eth0 of VM host alpha"):
        seen.database.transact(subnets.delete, id=one.subnets[0].id)
    with pytest.raises(Conflict, match=r"there is subnet 192\.168\.7\.0/24, eth0 of VM host alpha"):
        seen.database.transact(fabrics.delete, id=one.fabric.id)


def test_a_space_in_use_is_not_deleted(seen: Seen) -> None:
    look(seen, PORT)
    one = networks(seen)["eth0"]
    assert one.vlan is not None
    space = seen.database.transact(spaces.create)
    assert space.name == f"space-{space.id}"
    seen.database.transact(vlans.update, id=one.vlan.id, space_id=space.id)
    with pytest.raises(Conflict, match="in use by VLAN untagged"):
        seen.database.transact(spaces.delete, id=space.id)
    seen.database.transact(vlans.update, id=one.vlan.id, space_id=None)
    seen.database.transact(spaces.delete, id=space.id)
    assert seen.database.ask(spaces.listing) == []
