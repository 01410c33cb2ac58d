"""What may be linked to what: the rules of a NIC's links. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address

from innkeeper.errors import Conflict, Invalid
from innkeeper.model import addresses
from innkeeper.model.interface_constraints import LONGEST_NAME
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Interface, Machine, Origin
from innkeeper.model.network import Link, LinkMode, Subnet, Vlan

# A deployed guest was told its network when it was deployed; one that is being made, moved or taken away is busy.
_FIXED = frozenset(
    {
        Status.COMMISSIONING,
        Status.DEPLOYING,
        Status.DEPLOYED,
        Status.FAILED_DEPLOYMENT,
        Status.RELEASING,
        Status.DISK_ERASING,
    }
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DISK_NAME = re.compile(r"root|seed|disk\d+")  # devices of an instance share one space of names


def changeable(machine: Machine) -> None:
    """Conflict while a change of a machine's network would not reach its guest."""
    if machine.origin == Origin.DEVICE:
        return
    status = Status(machine.status)
    if machine.origin == Origin.HOST:
        raise Conflict(
            f"{machine.hostname} stands for a VM host; its addresses are its own.",
            resolution="Change them on the host, then refresh it.",
        )
    if status in _FIXED:
        raise Conflict(
            f"{machine.hostname} is {status.label}: a change of its network would not reach its guest.",
            resolution="Change it while the machine is Ready or Allocated, or inside the guest.",
        )


def check_link(
    nic: Interface, *, mode: LinkMode, subnet: Subnet | None, vlan: Vlan | None, ip: str, gateway: bool, force: bool
) -> None:
    """Refuse a link that cannot be, naming the parameter. `vlan`: the one the NIC is on. `force`: other links go."""
    if subnet is None and mode in (LinkMode.AUTO, LinkMode.STATIC):
        raise _bad("subnet", f"mode {mode} needs a subnet")
    if subnet is not None and vlan is not None and subnet.vlan_id != vlan.id:
        raise _bad("subnet", f"{subnet.cidr} is not on {nic.name}'s VLAN ({vlan.name}, id {vlan.id})")
    if ip and mode != LinkMode.STATIC:
        raise _bad("ip_address", f"mode {mode} takes no address; STATIC does")
    if ip and subnet is not None and not addresses.holds(subnet.cidr, ip):
        raise _bad("ip_address", f"{ip} is not in {subnet.cidr}")
    if gateway and (subnet is None or not subnet.gateway_ip or mode == LinkMode.LINK_UP):
        raise _bad(
            "default_gateway", "the subnet has no gateway" if subnet else f"mode {mode} without a subnet has none"
        )
    kept = [] if force else asked_for(nic.links)
    if mode == LinkMode.LINK_UP and any(one.mode != LinkMode.LINK_UP for one in kept):
        raise _bad("mode", f"{nic.name} has links already; send force=true to replace them")
    subnet_id = subnet.id if subnet else None
    asking = (LinkMode.AUTO, LinkMode.DHCP)  # one lease answers both
    other = next((one.mode for one in kept if one.subnet_id == subnet_id and one.mode in asking), mode)
    if mode in asking and other != mode:
        raise _bad("mode", f"{nic.name} has a link {other} to the same subnet; send force=true to replace its links")
    if mode != LinkMode.STATIC and any((one.mode, one.subnet_id) == (mode, subnet_id) for one in kept):
        raise _bad("mode", f"{nic.name} has that link already")


def must_be_kept(nic: Interface, ip: str, *, fixed: Collection[int], force: bool) -> None:
    """Refuse a second address of an IP version on a host's own network whose DHCP (of the versions `fixed`) is told
    which address a NIC gets: it keeps one, and would give another to others."""
    version = ip_address(ip).version
    held = next(
        (one.ip for one in nic.links if one.ip and not one.learnt and ip_address(one.ip).version == version), ""
    )
    if held and not force and version in fixed and nic.attach == "network" and not nic.vlan:
        raise _bad(
            "mode",
            f"{nic.name} has {held}, and the DHCP of {nic.parent} keeps one IPv{version} address for a NIC: "
            f"it would give {ip} to others; send force=true to replace its links",
        )


def asked_for(links: Iterable[Link]) -> list[Link]:
    """Links that somebody asked for, without addresses that were only seen."""
    return [one for one in links if not one.seen_only]


def replaced(nic: Interface, *, mode: LinkMode, force: bool) -> list[int]:
    """The links that go when one is added: all by force, else the one that says "no address" (and what was seen)."""
    if force:
        return [one.id for one in nic.links]
    return [one.id for one in nic.links if one.mode == LinkMode.LINK_UP] if mode != LinkMode.LINK_UP else []


def check_name(name: str, others: Iterable[str]) -> str:
    """A NIC's name; Invalid when Linux or the machine cannot have it."""
    if not _NAME.fullmatch(name) or len(name.encode()) > LONGEST_NAME:
        raise _bad("name", f"{name[:40]!r} cannot name a NIC: 1 to 15 letters, digits, and inside - _ .")
    if _DISK_NAME.fullmatch(name):
        raise _bad("name", f"{name!r} is what a disk is named")
    if name in others:
        raise _bad("name", f"the machine has a NIC {name!r} already")
    return name


def _bad(field: str, message: str) -> Invalid:
    return Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
